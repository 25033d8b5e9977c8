package text

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func request(seed byte, hidden []byte) *abi.TaskRequest {
	r := &abi.TaskRequest{}
	for i := range r.Beta {
		r.Beta[i] = seed + byte(i)
	}
	for i := range Contexts {
		r.Slices = append(r.Slices, hidden[i*SliceLen:(i+1)*SliceLen])
	}
	return r
}

func hidden(t testing.TB) []byte {
	t.Helper()
	c, err := ReadCorpus("")
	if err != nil {
		t.Fatal(err)
	}
	_, h := Split(c)
	return h
}

// every returns an answer that gives the same distribution for each context.
func every(d Distribution) Answer {
	a := make(Answer, Contexts)
	for i := range a {
		a[i] = d
	}
	return a
}

func named(escape uint32, symbols string, masses ...uint16) Distribution {
	return Distribution{Escape: escape, Symbols: []byte(symbols), Masses: masses}
}

func TestTaskFollowsBeta(t *testing.T) {
	h := hidden(t)
	r := request(1, h)
	first, err := DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := DrawTask(request(1, h))
	if !bytes.Equal(first.Public, again.Public) || !bytes.Equal(first.Private, again.Private) {
		t.Error("the same randomness gave another task")
	}
	contexts, err := DecodeContexts(first.Public)
	if err != nil || len(contexts) != Contexts {
		t.Fatal(err)
	}
	truth, err := decodeTruth(first.Private, Contexts)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range contexts {
		if len(c) != ContextLen || !bytes.Contains(r.Slices[i], append(bytes.Clone(c), truth[i])) {
			t.Errorf("context %d and its truth do not stand together in slice %d", i, i)
		}
	}
	// Each single bit of the randomness changes the task.
	for bit := range 256 {
		r := request(1, h)
		r.Beta[bit/8] ^= 1 << (bit % 8)
		other, err := DrawTask(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(first.Public, other.Public) {
			t.Errorf("bit %d does not matter", bit)
		}
	}
}

func TestTaskRefused(t *testing.T) {
	h := hidden(t)
	few, short := request(1, h), request(1, h)
	few.Slices = few.Slices[1:]
	short.Slices[3] = short.Slices[3][1:]
	for _, c := range []struct {
		r    *abi.TaskRequest
		want error
	}{{few, ErrSliceCount}, {&abi.TaskRequest{}, ErrSliceCount}, {short, ErrSliceLen}} {
		if _, err := DrawTask(c.r); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}

func TestBits(t *testing.T) {
	for _, c := range []struct {
		d     Distribution
		truth byte
		want  float64
	}{
		{named(Total, ""), 'x', 8},
		{named(Total/2, "a", Total/2), 'a', 1},
		{named(Total/2, "a", Total/2), 'b', 1 + math.Log2(255)},
		{named(Total-1, "a", 1), 'a', 16},
		{named(1, "a", 65535), 'b', 16 + math.Log2(255)},
		{named(0, "ab", 65535, 1), 'c', 24},
		{named(0, "ab", 65535, 1), 'b', 16},
		{named(Total-3000, "abc", 1000, 1000, 1000), 'c', 16 - math.Log2(1000)},
	} {
		if err := c.d.Check(); err != nil {
			t.Fatalf("%v: %v", c.d, err)
		}
		got := float64(c.d.Bits(c.truth)) / (1 << 32)
		if got < c.want-1e-8 || got > c.want+1e-8 {
			t.Errorf("%v at %q: %.10f bits, want %.10f", c.d, c.truth, got, c.want)
		}
	}
}

// The expected cost is least for the distribution that the truth is drawn from.
func TestProper(t *testing.T) {
	honest := named(Total-50000, "ab", 40000, 10000)
	cost := func(d Distribution) float64 {
		a, b, o := float64(d.Bits('a')), float64(d.Bits('b')), float64(d.Bits('z'))
		return (40000*a + 10000*b + float64(Total-50000)*o) / Total
	}
	best := cost(honest)
	for _, d := range []Distribution{
		named(Total-50000, "ab", 41000, 9000), named(Total-50000, "ab", 30000, 20000),
		named(Total-51000, "ab", 40000, 11000), named(Total, ""), named(1, "a", 65535), named(Total-60000, "ab", 48000, 12000),
	} {
		if cost(d) <= best {
			t.Errorf("%v costs %.0f, the truth %.0f", d, cost(d), best)
		}
	}
}

func TestAnswerRefused(t *testing.T) {
	ok := every(named(Total-30, "abc", 10, 10, 10))
	broken := func(d Distribution) []byte {
		a := bytes.Clone(nil)
		b := append(Answer{}, ok...)
		b[7] = d
		return b.Append(a)
	}
	many := Distribution{Escape: Total - 17}
	for i := range byte(17) {
		many.Symbols, many.Masses = append(many.Symbols, i), append(many.Masses, 1)
	}
	unequal := named(Total-10, "ab", 10)
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, cbor.ErrTruncated}, {"text", []byte("e e e e"), nil},
		{"one context short", ok[1:].Append(nil), cbor.ErrLength},
		{"one context more", append(ok, ok[0]).Append(nil), cbor.ErrLength},
		{"trailing", append(ok.Append(nil), 0), cbor.ErrTrailing},
		{"cut", ok.Append(nil)[:50], cbor.ErrTruncated},
		{"sum below", broken(named(Total-31, "abc", 10, 10, 10)), ErrSum},
		{"sum above", broken(named(Total-29, "abc", 10, 10, 10)), ErrSum},
		{"sum wraps", broken(Distribution{Escape: Total, Symbols: []byte("ab"), Masses: []uint16{65535, 1}}), ErrSum},
		{"mass of nothing", broken(named(Total-20, "abc", 10, 0, 10)), ErrMass},
		{"not rising", broken(named(Total-30, "acb", 10, 10, 10)), ErrSymbols},
		{"twice", broken(named(Total-30, "abb", 10, 10, 10)), ErrSymbols},
		{"seventeen", broken(many), nil}, {"unequal", broken(unequal), cbor.ErrLength},
		{"zeros", make([]byte, 4096), nil}, {"huge claim", []byte{0x82, 1, 0x9a, 0xff, 0xff, 0xff, 0xff}, cbor.ErrLength},
	} {
		_, err := DecodeAnswer(c.b, Contexts)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if s := score(c.b, make([]byte, Contexts)); s != 0 {
			t.Errorf("%s scores %d", c.name, s)
		}
	}
	if _, err := DecodeAnswer(ok.Append(nil), Contexts); err != nil {
		t.Fatal(err)
	}
}

// The longest answer there is stays below the manifest's bound.
func TestLongestAnswer(t *testing.T) {
	d := Distribution{Escape: Total}
	for i := range byte(MaxNamed) {
		d.Symbols, d.Masses = append(d.Symbols, 240+i), append(d.Masses, 256)
		d.Escape -= 256
	}
	b := every(d).Append(nil)
	if _, err := DecodeAnswer(b, Contexts); err != nil || len(b) > 4096 || len(b) < 2000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestScoreIsBlind(t *testing.T) {
	task, err := DrawTask(request(3, hidden(t)))
	if err != nil {
		t.Fatal(err)
	}
	solved, err := Solve(&abi.SolveRequest{Public: task.Public})
	if err != nil {
		t.Fatal(err)
	}
	payloads := [][]byte{solved, every(named(Total-16384, " ", 16384)).Append(nil), nil, solved, []byte("rubbish"),
		every(named(Total, "")).Append(nil)}
	want, err := Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: payloads})
	if err != nil {
		t.Fatal(err)
	}
	if want[0] != want[3] || want[0] == 0 || want[1] == 0 || want[2] != 0 || want[4] != 0 || want[5] != 0 {
		t.Errorf("scores %v", want)
	}
	order := []int{0, 1, 2, 3, 4, 5}
	for range 20 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		r := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
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
	if _, err := Score(&abi.ScoreRequest{Public: []byte{1}, Private: task.Private}); err == nil {
		t.Error("a broken task was scored")
	}
	if _, err := Score(&abi.ScoreRequest{Public: task.Public, Private: nil}); err == nil {
		t.Error("a task without truth was scored")
	}
}

func TestOperations(t *testing.T) {
	m := Module()
	req := request(5, hidden(t))
	b, err := sdk.Call(m, abi.OpTask, req.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	task, err := abi.DecodeTask(b)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := sdk.Call(m, abi.OpSolve, (&abi.SolveRequest{Public: task.Public}).Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		payload []byte
		ok      bool
	}{{payload, true}, {payload[1:], false}, {nil, false}} {
		b, err := sdk.Call(m, abi.OpCheck, (&abi.CheckRequest{Public: task.Public, Payload: c.payload}).Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := abi.DecodeVerdict(b); err != nil || v.OK != c.ok || c.ok == (v.Reason != "") {
			t.Errorf("verdict %v, %v", v, err)
		}
	}
	text, err := sdk.Call(m, abi.OpRender, every(named(Total/4, "\ne\xff", Total/2, Total/4-1, 1)).Append(nil))
	if err != nil || strings.Count(string(text), "\n") != Contexts || !strings.HasPrefix(string(text), "1: '\\n' 50.0% 'e' 24.9% ") {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := sdk.Call(m, abi.OpRender, []byte("rubbish")); err == nil {
		t.Error("rubbish was rendered")
	}
	if d, err := sdk.Call(m, abi.OpDescribe, nil); err != nil || !bytes.Contains(d, []byte("next byte")) {
		t.Errorf("%q, %v", d, err)
	}
}

func TestCorpus(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := bytes.Repeat([]byte("All is fair. "), 6000)
	for _, c := range []struct {
		path string
		want error
	}{
		{filepath.Join(dir, "none"), ErrCorpusMissing}, {file("empty", nil), ErrCorpusEmpty},
		{file("short", good[:MinCorpus-1]), ErrCorpusShort}, {file("binary", append([]byte{0xff}, good...)), ErrCorpusUTF8},
		{file("good", good), nil}, {"", nil},
	} {
		b, err := ReadCorpus(c.path)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.path, err, c.want)
		}
		if err == nil {
			train, hidden := Split(b)
			if len(train)+len(hidden) != len(b) || len(hidden) < Contexts*SliceLen || !bytes.Equal(append(bytes.Clone(train), hidden...), b) {
				t.Errorf("%s: split into %d and %d", c.path, len(train), len(hidden))
			}
		}
	}
	if _, err := ReadCorpus(dir); err == nil {
		t.Error("a directory was read")
	}
	t.Setenv("GOROOT", dir)
	if _, err := ReadCorpus(""); !errors.Is(err, ErrCorpusMissing) {
		t.Errorf("without the default corpus: %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(every(named(Total-30, "abc", 10, 10, 10)).Append(nil))
	f.Add(every(named(Total, "")).Append(nil))
	f.Add([]byte{0x82, 1, 0x98, 32})
	truth := bytes.Repeat([]byte("b"), Contexts)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAnswer(b, Contexts)
		s := score(b, truth)
		if err != nil {
			if s != 0 {
				t.Fatal("a malformed answer scored")
			}
			return
		}
		if !bytes.Equal(a.Append(nil), b) {
			t.Fatal("not canonical")
		}
		if s > abi.One {
			t.Fatalf("score %d", s)
		}
		if _, err := Render(b); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzTaskParts(f *testing.F) {
	f.Add(AppendContexts(nil, [][]byte{[]byte("abc")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := DecodeContexts(b); err == nil && !bytes.Equal(AppendContexts(nil, c), b) {
			t.Fatal("contexts are not canonical")
		}
		if c, err := decodeTruth(b, Contexts); err == nil && !bytes.Equal(appendTruth(nil, c), b) {
			t.Fatal("truth is not canonical")
		}
	})
}
