package translate

import (
	"math/bits"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The parameters of chrF++ as its authors recommend them (M. Popović, "chrF++:
// words helping character n-grams", WMT 2017).
const (
	charOrders = 6
	wordOrders = 2
	beta2      = 4 // beta = 2: recall weighs twice as much as precision
)

// one is 1.0 in Q32.32.
const one = uint64(1) << 32

// minPrecision is the mean precision of an answer's runs of characters below
// which it is worth nothing, in Q32.32: 0.3. Recall outweighs precision, so
// without it a long list of likely syllables would earn something everywhere.
const minPrecision = one * 3 / 10

// kinds is how many kinds of runs are counted.
const kinds = charOrders + wordOrders

// reference is a hidden translation, prepared for many comparisons.
type reference struct {
	chars int // characters without spaces
	ascii [utf8.RuneSelf]uint8
	index map[rune]uint8
	words map[string]uint8
	count [kinds]uint64 // runs of each order

	// The runs and how often each occurs, in a table with open addressing: a slot
	// is empty when its count is 0. seen counts the runs of the text compared last.
	shift uint
	runs  []run
	round uint32

	scratch []uint64 // runs of the text compared last
}

type run struct {
	key         uint64
	count, seen uint32
	round       uint32 // of seen
}

// unknown stands for a character or a word that the reference does not have. It
// has at most 240 of either, the bytes of a text.
const unknown = 0xff

// newReference prepares a translation.
func newReference(text string) *reference {
	r := &reference{chars: letters(text), index: map[rune]uint8{}, words: map[string]uint8{}}
	for i := range r.ascii {
		r.ascii[i] = unknown
	}
	next := uint8(0)
	for _, c := range text {
		if c == ' ' || r.char(c) != unknown {
			continue
		}
		if c < utf8.RuneSelf {
			r.ascii[c] = next
		} else {
			r.index[c] = next
		}
		next++
	}
	for _, w := range tokens(text) {
		if _, ok := r.words[w]; !ok {
			r.words[w] = uint8(len(r.words))
		}
	}
	size := 2 * kinds * (r.chars + 1)
	r.shift = 64 - uint(bits.Len(uint(size)))
	r.runs = make([]run, 1<<(64-r.shift))
	var keys []uint64
	keys, r.count = r.keys(text, nil)
	for _, key := range keys {
		s := r.slot(key)
		s.key = key
		s.count++
	}
	return r
}

// char returns the reference's number for a character.
func (r *reference) char(c rune) uint8 {
	if c < utf8.RuneSelf {
		return r.ascii[c]
	}
	if id, ok := r.index[c]; ok {
		return id
	}
	return unknown
}

// slot finds the run's place in the table, or an empty one.
func (r *reference) slot(key uint64) *run {
	for i := key * 0x9e3779b97f4a7c15 >> r.shift; ; i = (i + 1) & uint64(len(r.runs)-1) {
		if s := &r.runs[i]; s.count == 0 || s.key == key {
			return s
		}
	}
}

// keys appends the text's runs of all orders and counts them: of characters
// without the spaces between words, and of words. A run is packed into eight bits
// for each element, and its order above them.
func (r *reference) keys(text string, keys []uint64) ([]uint64, [kinds]uint64) {
	var count [kinds]uint64
	var last uint64
	n := 0
	for _, c := range text {
		if c == ' ' {
			continue
		}
		last = last<<8 | uint64(r.char(c))
		n++
		mask, order := uint64(0xff), uint64(1)<<56
		for range min(n, charOrders) {
			keys = append(keys, last&mask|order)
			mask, order = mask<<8|0xff, order+1<<56
		}
	}
	for o := range charOrders {
		count[o] = uint64(max(0, n-o))
	}
	last = 0
	words := tokens(text)
	for i, w := range words {
		id, ok := r.words[w]
		if !ok {
			id = unknown
		}
		last = last<<8 | uint64(id)
		for o := 1; o <= min(i+1, wordOrders); o++ {
			keys = append(keys, last&(1<<(8*o)-1)|uint64(charOrders+o)<<56)
			count[charOrders+o-1]++
		}
	}
	return keys, count
}

// compare counts a text's runs and how many of them the reference has too, each
// at most as often. A run with an element that the reference does not have is none
// of the reference's, since no element of its own is unknown.
func (r *reference) compare(text string) (count, same [kinds]uint64) {
	r.round++
	r.scratch, count = r.keys(text, r.scratch[:0])
	for _, key := range r.scratch {
		s := r.slot(key)
		if s.count == 0 {
			continue
		}
		if s.round != r.round {
			s.round, s.seen = r.round, 0
		}
		if s.seen < s.count {
			s.seen++
			same[key>>56-1]++
		}
	}
	return count, same
}

// score returns the text's chrF++ in Q32.32, from 0 to one:
//
//	P, R = mean precision and recall over the orders
//	F    = 5·P·R / (4·P + R)
//
// An order that neither side has runs of is left out; one that only the
// reference has counts as 0, so that an answer gains nothing by being short. The
// score is 0 for an answer that has less than half or more than twice as many
// characters as the reference, and below a mean precision of 0.3 over the runs
// of characters.
func (r *reference) score(text string) uint64 {
	if n := letters(text); n == 0 || 2*n < r.chars || n > 2*r.chars {
		return 0
	}
	count, same := r.compare(text)
	var precision, recall, seen, charPrecision, charSeen uint64
	for i, n := range count {
		if n == 0 && r.count[i] == 0 {
			continue
		}
		seen++
		if i < charOrders {
			charSeen++
		}
		if n == 0 || r.count[i] == 0 {
			continue
		}
		p := same[i] << 32 / n
		precision += p
		recall += same[i] << 32 / r.count[i]
		if i < charOrders {
			charPrecision += p
		}
	}
	if charPrecision/charSeen < minPrecision {
		return 0
	}
	return harmonic(precision/seen, recall/seen)
}

// harmonic returns (1+β²)·p·r/(β²·p+r) in Q32.32, rounded down.
func harmonic(p, r uint64) uint64 {
	if p == 0 || r == 0 {
		return 0
	}
	hi, lo := bits.Mul64((1+beta2)*p, r)
	f, _ := bits.Div64(hi, lo, beta2*p+r)
	return min(f, one)
}

// letters counts the characters that are not spaces.
func letters(text string) int {
	return utf8.RuneCountInString(text) - strings.Count(text, " ")
}

// tokens splits a text into words, with punctuation at a word's end or beginning
// as a word of its own, as chrF++ does.
func tokens(text string) (out []string) {
	for _, w := range strings.Fields(text) {
		if utf8.RuneCountInString(w) > 1 {
			if c, n := utf8.DecodeLastRuneInString(w); unicode.IsPunct(c) {
				out = append(out, w[:len(w)-n], w[len(w)-n:])
				continue
			}
			if c, n := utf8.DecodeRuneInString(w); unicode.IsPunct(c) {
				out = append(out, w[:n], w[n:])
				continue
			}
		}
		out = append(out, w)
	}
	return out
}
