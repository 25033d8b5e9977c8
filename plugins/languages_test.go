package plugins_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// sdks is where the SDKs lie.
var sdks = filepath.Join("..", "sdk-wasm")

// buildGuest builds the guest in dir, or skips the test without its tools.
func buildGuest(t *testing.T, dir string) []byte {
	t.Helper()
	code, err := plugins.Build(t.Context(), dir, os.Stderr)
	if errors.Is(err, plugins.ErrTool) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// loadGuest loads a guest until the test ends.
func loadGuest(t *testing.T, code []byte) plugins.Caller {
	t.Helper()
	engine, err := wasm.NewEngine(wasm.Config{})
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

func solve(t *testing.T, m plugins.Caller, body []byte) []byte {
	t.Helper()
	r, err := m.Call(t.Context(), abi.OpSolve, body, [32]byte{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Body
}

func TestMathsIsEqualInEveryLanguage(t *testing.T) {
	dir := filepath.Join(sdks, "testdata", "maths", "go")
	reference := loadGuest(t, buildGuest(t, dir))
	for _, l := range []struct{ name, from, file, to string }{
		{"rust", "rust", "module.rs", "src/lib.rs"}, {"c", "c", "module.c", "module.c"}, {"as", "assemblyscript", "module.ts", "assembly/index.ts"},
	} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			m := loadGuest(t, buildGuest(t, project(t, l.from, l.file, l.to)))
			for seed := range byte(50) {
				r := abi.SolveRequest{Seed: [32]byte{seed}}
				want, got := solve(t, reference, r.Append(nil)), solve(t, m, r.Append(nil))
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
