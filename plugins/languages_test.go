package plugins_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// folders holds each language's SDK, which is also its example.
var folders = map[plugins.Language]string{plugins.Rust: "rust", plugins.C: "c", plugins.AssemblyScript: "assemblyscript"}

// sdks is where the SDKs lie.
var sdks = filepath.Join("..", "sdk-wasm")

// loadGuest builds the guest in dir and loads it, or skips the test without its tools.
func loadGuest(t *testing.T, dir string, interpreter bool) plugins.Caller {
	t.Helper()
	code, err := plugins.Build(t.Context(), dir, os.Stderr)
	if errors.Is(err, plugins.ErrTool) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasm.NewEngine(wasm.Config{Interpreter: interpreter})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	t.Logf("%s: %d bytes", dir, len(code))
	return m
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

// reply is what a call gives: the body, or the kind of its fault.
func reply(t *testing.T, m plugins.Caller, in input) []byte {
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

func TestEveryLanguageRepliesAlike(t *testing.T) {
	reference := loadGuest(t, filepath.Join(sdks, "go", "spell"), false)
	for language, dir := range folders {
		t.Run(string(language), func(t *testing.T) {
			m := loadGuest(t, filepath.Join(sdks, dir), false)
			interpreted := loadGuest(t, filepath.Join(sdks, dir), true)
			for seed := range byte(3) {
				for i, in := range inputs(seed) {
					want := reply(t, reference, in)
					if got := reply(t, m, in); !bytes.Equal(got, want) {
						t.Fatalf("seed %d, call %d, %s: %x, in Go %x", seed, i, in.op, got, want)
					}
					if seed > 0 {
						continue // the interpreter is slow
					}
					if got := reply(t, interpreted, in); !bytes.Equal(got, want) {
						t.Fatalf("seed %d, call %d, %s: the interpreter says otherwise", seed, i, in.op)
					}
				}
			}
		})
	}
}

// project lays the mathematics of a language beside its SDK, as an author would.
func project(t *testing.T, from, file, to string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "plexus"), os.DirFS(filepath.Join(sdks, from, "plexus"))); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join("..", "..", from, "asconfig.json")
	for file, to := range map[string]string{file: to, "manifest.json": "manifest.json", config: "asconfig.json"} {
		b, err := os.ReadFile(filepath.Join(sdks, "testdata", "maths", file))
		if errors.Is(err, os.ErrNotExist) && file == config {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMathsIsEqualInEveryLanguage(t *testing.T) {
	dir := filepath.Join(sdks, "testdata", "maths", "go")
	reference := loadGuest(t, dir, false)
	for _, l := range []struct{ name, from, file, to string }{
		{"rust", "rust", "module.rs", "src/lib.rs"}, {"c", "c", "module.c", "module.c"}, {"as", "assemblyscript", "module.ts", "assembly/index.ts"},
	} {
		t.Run(l.name, func(t *testing.T) {
			m := loadGuest(t, project(t, l.from, l.file, l.to), false)
			for seed := range byte(50) {
				r := abi.SolveRequest{Seed: [32]byte{seed}}
				in := input{abi.OpSolve, r.Append(nil)}
				want, got := reply(t, reference, in), reply(t, m, in)
				for i := 0; i+8 <= len(want) || i+8 <= len(got); i += 8 {
					if i+8 > len(want) || i+8 > len(got) || !bytes.Equal(want[i:i+8], got[i:i+8]) {
						t.Fatalf("seed %d: number %d of %d differs (%d in Go)", seed, i/8, len(got)/8, len(want)/8)
					}
				}
			}
		})
	}
}

// Each SDK's own tests run without the sandbox, as its README tells.
func TestWithoutTheSandbox(t *testing.T) {
	tool := func(t *testing.T, name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip(err)
		}
		return path
	}
	run := func(t *testing.T, dir, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = filepath.Join(sdks, dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	t.Run("c", func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "test")
		run(t, "c", tool(t, "cc"), "-Wall", "-Werror", "-o", to, "test/test.c", "module.c", "plexus/plexus.c")
		run(t, "c", to)
	})
	t.Run("rust", func(t *testing.T) {
		dir := t.TempDir()
		lib := filepath.Join(dir, "libplexus.rlib")
		run(t, "rust", tool(t, "rustc"), "--edition=2021", "--crate-name=plexus", "--crate-type=rlib", "-o", lib, "plexus/src/lib.rs")
		run(t, "rust", tool(t, "rustc"), "--edition=2021", "--test", "--extern=plexus="+lib, "-o", filepath.Join(dir, "test"), "src/lib.rs")
		run(t, "rust", filepath.Join(dir, "test"))
	})
	t.Run("as", func(t *testing.T) {
		if os.Getenv("PLEXUS_ASC") == "" {
			if _, err := os.Stat(filepath.Join(sdks, "assemblyscript", "node_modules")); err != nil {
				t.Skip("the AssemblyScript compiler is not installed: npm install, or PLEXUS_ASC")
			}
		}
		run(t, "assemblyscript", tool(t, "node"), "test.js")
	})
}
