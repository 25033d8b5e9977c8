package translate

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

func TestChrF(t *testing.T) {
	f := func(p, r float64) float64 { return 5 * p * r / (4*p + r) }
	for _, c := range []struct {
		answer, truth string
		want          float64 // worked out by hand
	}{
		{"casa", "casa", 1}, {"", "casa", 0}, {"xyzw", "casa", 0},
		// Of runs of 1 to 4 characters 3 of 4, 2 of 3, 1 of 2 and none; no word.
		{"casx", "casa", (3./4 + 2./3 + 1./2) / 5},
		// Precision 1, 1, 1, and none of the two orders that only the truth has.
		{"cas", "casa", f(3./5, (3./4+2./3+1./2)/5)},
		{"ca", "casa x", 0}, // less than half as long
		// Precision 1/2, 3/7, 1/3, 1/5, 0, 0 of characters: 0.24 in the mean.
		{"casa casa", "casa", 0},
		// 4/6, 3/5, 2/4, 1/3, 0, 0 of characters: 0.35; one word of two, no pair of them.
		{"casa eo", "casa", f((4./6+3./5+2./4+1./3+1./2)/8, 5./8)},
	} {
		got := float64(newReference(c.truth).score(c.answer)) / (1 << 32)
		if got < c.want-1e-6 || got > c.want+1e-6 {
			t.Errorf("%q for %q: %.6f, want %.6f", c.answer, c.truth, got, c.want)
		}
	}
	// A reference is used for many answers; none leaves a trace.
	r := newReference("la casa blanca está aquí, ¿no?")
	first := r.score("la casa blanca esta aqui")
	r.score("la la la la la la la la la")
	if got := r.score("la casa blanca esta aqui"); got != first || got == 0 {
		t.Errorf("%d, then %d", first, got)
	}
}

func TestTongue(t *testing.T) {
	seen := map[string]bool{}
	for i := range 60 {
		beta := [32]byte{byte(i)}
		examples, sentences := invent(beta, 12)
		if len(sentences) != 12 || len(examples) < 20 || len(examples) > 48 {
			t.Fatalf("%d examples, %d sentences", len(examples), len(sentences))
		}
		again, _ := invent(beta, 12)
		if !slices.Equal(again, examples) {
			t.Fatal("not the same again")
		}
		known := map[string]bool{}
		for _, e := range examples {
			for w := range strings.FieldsSeq(e.Source) {
				known[strings.TrimSuffix(w, "s")] = true
			}
		}
		for _, p := range append(sentences, examples...) {
			if !p.valid() || CheckLine(p.Target) != nil {
				t.Fatal(p)
			}
		}
		lacks := 0
		for _, p := range sentences {
			if seen[p.Target] {
				t.Errorf("%q in two languages", p.Target)
			}
			seen[p.Target] = true
			for w := range strings.FieldsSeq(p.Source) {
				if !known[strings.TrimSuffix(w, "s")] {
					lacks++
				}
			}
		}
		if lacks > 12 { // "an", or a verb in its other form
			t.Errorf("%d words of the sentences stand in no example", lacks)
		}
	}
}

func TestCheckLine(t *testing.T) {
	for s, want := range map[string]error{
		"": nil, "año nuevo": nil, "an\u0303o": ErrForm, "a  b": ErrAlphabet, " a": ErrAlphabet, "a ": ErrAlphabet, " ": ErrAlphabet,
		"a\tb": ErrAlphabet, "a\nb": ErrAlphabet, "a\u00a0b": ErrAlphabet, "a\u200bb": ErrAlphabet, "a\u202eb": ErrAlphabet, "a\x7fb": ErrAlphabet,
		"¿qué? 42 €": nil, "漢字": nil, "\ufeffa": ErrAlphabet, "\ue000": ErrAlphabet, "한국": nil, "\u1112\u1161": ErrForm,
	} {
		if got := CheckLine(s); got != want {
			t.Errorf("%+q: %v, want %v", s, got, want)
		}
	}
}

func TestScoreIsBlind(t *testing.T) {
	p := Public{Sources: []string{"a", "b", "c"}}
	truth := appendTruth(nil, []string{"la casa", "el mar", "un libro"})
	payloads := [][]byte{Answer{"la casa", "el mar", "un libro"}.Append(nil), Answer{"la cosa", "mar el", ""}.Append(nil), nil,
		Answer{"la casa", "el mar", "un libro"}.Append(nil), []byte("rubbish"), Answer{"", "", "libro"}.Append(nil)}
	want, err := Score(&abi.ScoreRequest{Public: p.Append(nil), Private: truth, Payloads: payloads})
	if err != nil {
		t.Fatal(err)
	}
	if want[0] != abi.One || want[3] != abi.One || want[1] == 0 || want[2] != 0 || want[4] != 0 || want[5] == 0 {
		t.Errorf("scores %v", want)
	}
	order := []int{0, 1, 2, 3, 4, 5}
	for range 20 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		r := &abi.ScoreRequest{Public: p.Append(nil), Private: truth}
		for _, i := range order {
			r.Payloads = append(r.Payloads, payloads[i])
		}
		got, err := Score(r)
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range order {
			if got[k] != want[i] {
				t.Fatalf("order %v: payload %d scores %d, want %d", order, i, got[k], want[i])
			}
		}
	}
	if _, err := Score(&abi.ScoreRequest{Public: []byte{1}, Private: truth}); err == nil {
		t.Error("a broken task was scored")
	}
	if _, err := Score(&abi.ScoreRequest{Public: p.Append(nil), Private: appendTruth(nil, []string{"la casa"})}); !errors.Is(err, cbor.ErrLength) {
		t.Error(err)
	}
}

func TestReadPairs(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var good strings.Builder
	for i := range MinPairs {
		good.WriteString(strings.Repeat("x", i+1) + " n\u0303\t" + strings.Repeat("y", i+1) + "  an\u0303o\tmore\r\n\n")
	}
	for _, c := range []struct {
		path string
		want error
		line string
	}{
		{filepath.Join(dir, "none"), ErrPairsMissing, "none"}, {file("empty", ""), ErrPairsEmpty, "empty"},
		{file("few", "a\tb\n"), ErrPairsFew, "few"}, {file("equal", strings.Repeat("Peru\tperu\n", 100)), ErrPairsFew, ""},
		{file("tabs", good.String()+"no tab\n"), ErrPairsTab, "line 49"}, {file("binary", "\xff\xfe\tb\n"), ErrPairsUTF8, ""},
		{file("side", "a\t\n"), ErrPairsSide, "line 1"}, {file("long", "a\t"+strings.Repeat("b", MaxSide+1)+"\n"), ErrPairsSide, "line 1"},
		{file("control", "a\tb\x01c\n"), ErrPairsSide, "line 1"}, {file("endless", "a\t"+strings.Repeat("b", 2<<20)), ErrPairsSide, "line 1"},
		{file("good", "\ufeff"+good.String()), nil, ""},
	} {
		pairs, err := ReadPairs(c.path)
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.line) {
			t.Errorf("%s: %v, want %v", c.path, err, c.want)
		}
		if err == nil && (len(pairs) != MinPairs || pairs[0] != Pair{"x ñ", "y año"}) {
			t.Errorf("%s: %d pairs, %q", c.path, len(pairs), pairs[0])
		}
	}
	if _, err := ReadPairs(dir); err == nil {
		t.Error("a directory was read")
	}
}

// Every pair is in one half, once, and every task of the cut data can be drawn.
func TestCut(t *testing.T) {
	pairs := DefaultPairs()
	if len(pairs) < 400 {
		t.Fatalf("only %d default pairs", len(pairs))
	}
	for _, n := range []int{MinPairs, MinPairs + 1, 61, len(pairs)} {
		hidden, public, err := Cut(pairs[:n], 4, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(hidden)%SliceLen != 0 || len(hidden) < Slices*SliceLen {
			t.Fatalf("%d pairs: %d bytes hidden", n, len(hidden))
		}
		all := map[string]int{}
		for line := range strings.Lines(string(public)) {
			all[strings.TrimSuffix(line, "\n")]++
		}
		r := &abi.TaskRequest{}
		for s := range slices.Chunk(hidden, SliceLen) {
			real, made, list, err := readSlice(s)
			if err != nil || real != 4 || made != 0 {
				t.Fatal(real, made, err)
			}
			for _, p := range list {
				all[p.Source+"\t"+p.Target]++
			}
			if r.Slices = append(r.Slices, s); len(r.Slices) == Slices {
				if _, err := DrawTask(r); err != nil {
					t.Fatal(err)
				}
				r.Slices = nil
			}
		}
		if len(all) != n {
			t.Errorf("%d pairs became %d", n, len(all))
		}
		for p, k := range all {
			if k != 1 {
				t.Errorf("%s stands %d times", p, k)
			}
		}
	}
	long := make([]Pair, MinPairs)
	for i := range long {
		long[i] = Pair{strings.Repeat("x", MaxSide-2) + string(rune('a'+i)), strings.Repeat("y", MaxSide)}
	}
	if hidden, _, err := Cut(long, 1, 0); err != nil || len(hidden) != MinPairs/2*SliceLen {
		t.Errorf("longest pairs: %d bytes, %v", len(hidden), err)
	}
	for _, c := range [][2]int{{0, 1}, {5, 0}, {1, 5}, {1, -1}} {
		if _, _, err := Cut(pairs, c[0], c[1]); err == nil {
			t.Errorf("%v was cut", c)
		}
	}
}

func TestParse(t *testing.T) {
	b, err := Parse("  the dog = kan wo \n the cat\n\n")
	if err != nil {
		t.Fatal(err)
	}
	p, err := DecodePublic(b)
	if err != nil || !slices.Equal(p.Sources, []string{"the cat"}) || !slices.Equal(p.Examples, []Pair{{"the dog", "kan wo"}}) {
		t.Errorf("%v %v", p, err)
	}
	for text, want := range map[string]error{"": ErrNoSentence, "a = b": ErrNoSentence, strings.Repeat("a", MaxSide+1): ErrLongQuestion,
		strings.Repeat("a\n", MaxSentences+1): ErrLongQuestion, " = b\nc": nil} {
		if _, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%.20q: %v, want %v", text, err, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(Answer{"la casa", "el mar", ""}.Append(nil))
	f.Add([]byte{0x82, 1, 0x83})
	truth := []string{"la casa azul", "año nuevo", "¿dónde?"}
	p := Public{Sources: truth}
	task, private := p.Append(nil), appendTruth(nil, truth)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAnswer(b, len(truth))
		s, failed := Score(&abi.ScoreRequest{Public: task, Private: private, Payloads: [][]byte{b}})
		if failed != nil || s[0] > abi.One || err != nil && s[0] != 0 {
			t.Fatal(s, failed, err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(a.Append(nil), b) {
			t.Fatal("not canonical")
		}
		if _, err := Render(b); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzTaskParts(f *testing.F) {
	f.Add((&Public{Examples: []Pair{{"a", "b"}}, Sources: []string{"c"}}).Append(nil))
	f.Add(appendSlice(nil, 2, 1, []Pair{{"a", "b"}}))
	f.Add([]byte("the dog = kan\nthe cat\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePublic(b); err == nil && !bytes.Equal(p.Append(nil), b) {
			t.Fatal("task is not canonical")
		}
		if c, err := decodeTruth(b, 2); err == nil && !bytes.Equal(appendTruth(nil, c), b) {
			t.Fatal("truth is not canonical")
		}
		if real, made, pairs, err := readSlice(b); err == nil {
			for _, p := range pairs {
				if !p.valid() {
					t.Fatalf("%q", p)
				}
			}
			if again := appendSlice(nil, real, made, pairs); len(again) != SliceLen {
				t.Fatal(len(again))
			}
		}
		if pairs, err := ParsePairs(b); err == nil {
			for _, p := range pairs {
				if CheckLine(p.Target) != nil {
					t.Fatalf("%q", p)
				}
			}
		}
		if utf8.Valid(b) {
			if q, err := Parse(string(b)); err == nil {
				if _, err := DecodePublic(q); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
