package selftest

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/conform"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// examples are the SDKs' own modules, one in each language, by their folders.
var examples = map[string]string{"go": "go/spell", "rust": "rust", "c": "c", "as": "assemblyscript"}

// built are the examples, which each test process compiles once.
var built = func() map[string]func() ([]byte, error) {
	all := map[string]func() ([]byte, error){}
	for language, folder := range examples {
		all[language] = sync.OnceValues(func() ([]byte, error) {
			return plugins.Build(context.Background(), filepath.Join("..", "..", "sdk-wasm", filepath.FromSlash(folder)), os.Stderr)
		})
	}
	return all
}()

// example is the module of a language, or skips the test without its tools.
func example(t *testing.T, language string) []byte {
	t.Helper()
	code, err := built[language]()
	if errors.Is(err, plugins.ErrTool) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// load loads a module until the test ends.
func load(t *testing.T, code []byte, interpreter bool) plugins.Caller {
	t.Helper()
	engine, err := wasm.NewEngine(wasm.Config{Interpreter: interpreter})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

// TestEveryLanguage: the SDK's example in each language shows one reply and one
// fuel value in a thousand calls on the compiler and twenty on the interpreter. Ten
// on another processor are TestOtherMachine's.
func TestEveryLanguage(t *testing.T) {
	for language := range examples {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			code := example(t, language)
			compiled, slow := 1000, 20
			if testing.Short() {
				compiled, slow = 100, 2
			}
			all := append(workload(t, code, false, compiled), workload(t, code, true, slow)...)
			for i, got := range all {
				if got != all[0] {
					t.Fatalf("call %d: %s; the first: %s", i, got, all[0])
				}
			}
			t.Logf("%d calls: %s", len(all), all[0])
		})
	}
}

// TestExamplesConform: the example of each SDK keeps the contract.
func TestExamplesConform(t *testing.T) {
	for language := range examples {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			r, err := conform.Check(t.Context(), example(t, language), conform.Options{Seeds: 2})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range r.Findings {
				if f.Verdict != conform.Passed {
					t.Errorf("%s: %s: %s", f.Check, f.Verdict, f.Detail)
				}
			}
			if r.Calls < 100 || r.Fuel == 0 {
				t.Errorf("%d calls, %d fuel", r.Calls, r.Fuel)
			}
		})
	}
}

// input is one call of a module.
type input struct {
	op   abi.Op
	body []byte
}

// inputs are calls of the example from a seed: each operation, good and bad.
func inputs(seed byte) []input {
	rnd := rand.New(rand.NewChaCha8([32]byte{seed}))
	text := func(n int, letters uint64) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = 'a' + byte(rnd.Uint64N(letters))
		}
		return b
	}
	task := abi.TaskRequest{Beta: [32]byte{seed, 1}, Params: text(3, 26), Slices: [][]byte{text(300, 26), nil}, Artifact: text(1, 5), Height: 1 << 33, Last: 1<<33 + 9}
	score := abi.ScoreRequest{Public: text(9, 26), Private: text(20, 6), Inputs: [][]byte{text(8, 9)}}
	for i := range 40 {
		score.Payloads = append(score.Payloads, text(i*2, 7))
	}
	var rank abi.RankRequest
	for i := range 30 {
		row := abi.Row{Carry: text(rnd.IntN(3)*4, 26), Scores: []uint64{}}
		if i%2 == 0 {
			row.Carry = []byte{0, 0, 0, 0, byte(rnd.Uint64()), 1, 2, byte(rnd.Uint64())}
		}
		for range i {
			row.Scores = append(row.Scores, rnd.Uint64N(abi.One+1))
		}
		rank.Rows = append(rank.Rows, row)
	}
	good := abi.CheckRequest{Payload: text(64, 26)}
	bad := abi.CheckRequest{Payload: []byte("no Word")}
	solve := abi.SolveRequest{Public: []byte("a??bc???????????????????????z"), Seed: [32]byte{seed, 2}}
	merge := abi.MergeRequest{Artifact: text(4, 26), Slices: [][]byte{text(9, 26)}, Payloads: [][]byte{text(3, 26), []byte("No"), text(7, 26), text(7, 26), nil}}
	none := abi.MergeRequest{}
	all := []input{{abi.OpDescribe, nil}, {abi.OpTask, task.Append(nil)}, {abi.OpScore, score.Append(nil)}, {abi.OpRank, rank.Append(nil)},
		{abi.OpCheck, good.Append(nil)}, {abi.OpCheck, bad.Append(nil)}, {abi.OpSolve, solve.Append(nil)},
		{abi.OpMerge, merge.Append(nil)}, {abi.OpMerge, none.Append(nil)}}
	for _, in := range all { // what is no message is refused alike
		for _, cut := range []int{1, len(in.body) / 2, len(in.body) - 1} {
			if cut > 0 && cut < len(in.body) {
				all = append(all, input{in.op, in.body[:cut]})
			}
		}
		all = append(all, input{in.op, append(bytes.Clone(in.body), 0)})
	}
	return all
}

// replyOf is what a call gives: the body, or the kind of its fault.
func replyOf(t *testing.T, m plugins.Caller, in input) []byte {
	t.Helper()
	r, err := m.Call(t.Context(), in.op, in.body, [32]byte{})
	switch {
	case err == nil:
		return r.Body
	case errors.Is(err, plugins.ErrRefused):
		return []byte("refused")
	}
	t.Fatalf("%s: %v", in.op, err)
	return nil
}

// TestEveryLanguageRepliesAlike: the example gives the bytes that it gives in Go.
func TestEveryLanguageRepliesAlike(t *testing.T) {
	reference := load(t, example(t, "go"), false)
	for language := range examples {
		if language == "go" {
			continue
		}
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			code := example(t, language)
			m, interpreted := load(t, code, false), load(t, code, true)
			for seed := range byte(3) {
				for i, in := range inputs(seed) {
					want := replyOf(t, reference, in)
					if got := replyOf(t, m, in); !bytes.Equal(got, want) {
						t.Fatalf("seed %d, call %d, %s: %x, in Go %x", seed, i, in.op, got, want)
					}
					if seed > 0 {
						continue // the interpreter is slow
					}
					if got := replyOf(t, interpreted, in); !bytes.Equal(got, want) {
						t.Fatalf("seed %d, call %d, %s: the interpreter says otherwise", seed, i, in.op)
					}
				}
			}
		})
	}
}
