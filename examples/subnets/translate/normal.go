package translate

import (
	"cmp"
	"slices"
)

// Hangul syllables compose by arithmetic (Unicode Standard, section 3.12).
const (
	hangulS, hangulL, hangulV, hangulT = 0xac00, 0x1100, 0x1161, 0x11a7
	hangulLs, hangulVs, hangulTs       = 19, 21, 28
)

// normal reports whether a text is in Unicode's form NFC. The tables come from
// golang.org/x/text, which a module cannot import: it draws in package fmt.
//
// A text is in the form when no character is one that the form replaces, no two
// letters side by side could be one, and each letter with its marks is what comes
// of taking them apart and joining them again (Unicode Standard Annex 15).
func normal(s string) bool {
	var letter rune
	var marked []rune // a letter and its marks, when it has any
	var last uint32   // class of the character before
	for _, c := range s {
		var class uint32
		if c >= 0x300 { // below are no marks, and nothing that is replaced
			if within(replaced, uint32(c)) {
				return false
			}
			class = classOf(uint32(c))
		}
		switch {
		case class == 0:
			if !rejoins(marked) || last == 0 && letter != 0 && c >= 0x300 && compose(letter, c) != 0 {
				return false
			}
			letter, marked = c, marked[:0]
		case class < last:
			return false
		case letter != 0: // marks at the very beginning have nothing to join
			if len(marked) == 0 {
				marked = append(marked, letter)
			}
			marked = append(marked, c)
		}
		last = class
	}
	return rejoins(marked)
}

// rejoins reports whether a letter with its marks, taken apart, put in order and
// joined again, is the same.
func rejoins(marked []rune) bool {
	if len(marked) == 0 {
		return true
	}
	parts := append(apart(marked[0]), marked[1:]...)
	slices.SortStableFunc(parts[1:], func(a, b rune) int { return int(classOf(uint32(a))) - int(classOf(uint32(b))) })
	out := []rune{parts[0]}
	var last uint32
	for _, m := range parts[1:] {
		class := classOf(uint32(m))
		if one := compose(out[0], m); one != 0 && class > last {
			out[0] = one
			continue
		}
		out, last = append(out, m), class
	}
	return slices.Equal(out, marked)
}

// apart takes a letter apart into a letter and its marks.
func apart(c rune) []rune {
	for _, j := range joined {
		if j[2] == uint32(c) && classOf(j[1]) != 0 {
			return append(apart(rune(j[0])), rune(j[1]))
		}
	}
	return []rune{c}
}

// compose returns the one character into which the form joins two, or 0.
func compose(a, b rune) rune {
	switch {
	case a >= hangulL && a < hangulL+hangulLs && b >= hangulV && b < hangulV+hangulVs:
		return hangulS + ((a-hangulL)*hangulVs+b-hangulV)*hangulTs
	case a >= hangulS && a < hangulS+hangulLs*hangulVs*hangulTs && (a-hangulS)%hangulTs == 0 && b > hangulT && b < hangulT+hangulTs:
		return a + b - hangulT
	}
	i, ok := slices.BinarySearchFunc(joined, [2]uint32{uint32(a), uint32(b)}, func(j [3]uint32, k [2]uint32) int {
		return cmp.Or(cmp.Compare(j[0], k[0]), cmp.Compare(j[1], k[1]))
	})
	if !ok {
		return 0
	}
	return rune(joined[i][2])
}

// within reports whether a character lies in one of the ranges, which are sorted
// pairs of first and last.
func within(ranges [][2]uint32, c uint32) bool {
	i, ok := slices.BinarySearchFunc(ranges, c, func(r [2]uint32, c uint32) int { return int(r[0]) - int(c) })
	return ok || i > 0 && c <= ranges[i-1][1]
}

// classOf returns a character's combining class, 0 for a letter.
func classOf(c uint32) uint32 {
	i, ok := slices.BinarySearchFunc(classes, c, func(r [3]uint32, c uint32) int { return int(r[0]) - int(c) })
	if ok {
		return classes[i][2]
	}
	if i > 0 && c <= classes[i-1][1] {
		return classes[i-1][2]
	}
	return 0
}
