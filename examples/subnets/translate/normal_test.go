package translate

import (
	"flag"
	"fmt"
	"go/format"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var tables = flag.Bool("tables", false, "write tables.go anew")

// derive computes the tables of normal from golang.org/x/text.
func derive() (no [][2]uint32, class [][3]uint32, join [][3]uint32) {
	for c := rune(0); c <= utf8.MaxRune; c++ {
		if !utf8.ValidRune(c) || c >= hangulS && c < hangulS+hangulLs*hangulVs*hangulTs {
			continue
		}
		s := string(c)
		u := uint32(c)
		if norm.NFC.String(s) != s {
			if n := len(no); n > 0 && no[n-1][1]+1 == u {
				no[n-1][1] = u
			} else {
				no = append(no, [2]uint32{u, u})
			}
		}
		if ccc := uint32(norm.NFC.PropertiesString(s).CCC()); ccc != 0 {
			if n := len(class); n > 0 && class[n-1][1]+1 == u && class[n-1][2] == ccc {
				class[n-1][1] = u
			} else {
				class = append(class, [3]uint32{u, u, ccc})
			}
		}
		if d := []rune(norm.NFD.String(s)); len(d) > 1 {
			first := []rune(norm.NFC.String(string(d[:len(d)-1])))
			if last := d[len(d)-1]; len(first) == 1 && norm.NFC.String(string(first)+string(last)) == s {
				join = append(join, [3]uint32{uint32(first[0]), uint32(last), u})
			}
		}
	}
	slices.SortFunc(join, func(a, b [3]uint32) int { return slices.Compare(a[:], b[:]) })
	return no, class, join
}

func TestTables(t *testing.T) {
	no, class, join := derive()
	if *tables {
		b := []byte(fmt.Sprintf("package translate\n\n// Tables of Unicode %s, derived by TestTables: run it with -tables to write them\n// anew.\n\n", norm.Version))
		b = append(b, "// replaced are ranges of characters that the form NFC never holds.\nvar replaced = [][2]uint32{"...)
		for i, r := range no {
			if i%6 == 0 {
				b = append(b, '\n')
			}
			b = fmt.Appendf(b, "{%#x, %#x}, ", r[0], r[1])
		}
		b = append(b, "\n}\n\n// classes are ranges of characters of one combining class, and the class.\nvar classes = [][3]uint32{"...)
		for i, r := range class {
			if i%5 == 0 {
				b = append(b, '\n')
			}
			b = fmt.Appendf(b, "{%#x, %#x, %d}, ", r[0], r[1], r[2])
		}
		b = append(b, "\n}\n\n// joined are pairs of characters that the form joins into one, and that one.\nvar joined = [][3]uint32{"...)
		for i, p := range join {
			if i%5 == 0 {
				b = append(b, '\n')
			}
			b = fmt.Appendf(b, "{%#x, %#x, %#x}, ", p[0], p[1], p[2])
		}
		b, err := format.Source(append(b, "\n}\n"...))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("tables.go", b, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !slices.Equal(no, replaced) || !slices.Equal(class, classes) || !slices.Equal(join, joined) {
		t.Error("tables.go is not what golang.org/x/text has: run this test with -tables")
	}
	if no[0][0] < 0x300 || class[0][0] < 0x300 {
		t.Error("normal passes over characters below U+0300")
	}
	for _, p := range join {
		if p[1] < 0x300 {
			t.Error("normal passes over characters below U+0300")
		}
	}
}

// agree holds normal against the library, where that is right. Above the basic
// plane it looks pairs up by the lower 16 bits of each character and joins some that
// are none (U+11F41 U+0300 becomes U+1F43), and it joins a mark with a letter past a
// second letter that can be joined backwards (U+1F63 U+0DDF U+0345).
func agree(t *testing.T, s string) {
	t.Helper()
	first := true
	for _, c := range s {
		if c > 0xffff || !first && backwards[uint32(c)] {
			return
		}
		first = false
	}
	if got, want := normal(s), norm.NFC.IsNormalString(s); got != want {
		t.Fatalf("%+q: %v, want %v", s, got, want)
	}
}

// backwards are the letters that another before them may take in.
var backwards = func() map[uint32]bool {
	m := map[uint32]bool{}
	for _, p := range joined {
		m[p[1]] = classOf(p[1]) == 0
	}
	return m
}()

func TestNormal(t *testing.T) {
	for _, s := range []string{"", "año", "an\u0303o", "한국", "\u1112\u1161\u11ab", "\ud55c\u11ab", "\u212b", "a\u0323\u0301", "a\u0301\u0323", "\u0301", "क\u093c", "\u0958", "\u09c7\u09be"} {
		agree(t, s)
	}
	var pool []rune
	for _, p := range joined {
		pool = append(pool, rune(p[0]), rune(p[1]), rune(p[2]))
	}
	for _, r := range classes {
		pool = append(pool, rune(r[0]))
	}
	for _, r := range replaced {
		pool = append(pool, rune(r[0]))
	}
	pool = append(pool, 'a', 'e', 'n', 0x1100, 0x1161, 0x11a8, 0xac00, 0xac01)
	r := rand.New(rand.NewPCG(1, 1))
	for range 100000 {
		s := make([]rune, 1+r.IntN(5))
		for i := range s {
			s[i] = pool[r.IntN(len(pool))]
		}
		agree(t, string(s))
		agree(t, norm.NFC.String(string(s)))
	}
}

func FuzzNormal(f *testing.F) {
	f.Add("an\u0303o")
	f.Fuzz(func(t *testing.T, s string) {
		// Beyond 30 marks on one letter the library inserts a joiner of its own.
		if utf8.ValidString(s) && utf8.RuneCountInString(s) < 30 {
			agree(t, s)
		}
	})
}
