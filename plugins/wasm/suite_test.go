package wasm

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// suiteSample has a file for each thing that the rewriter touches.
var suiteSample = []string{"block", "br_if", "br_table", "bulk", "call_indirect", "custom", "elem", "fac", "float_exprs",
	"func", "global", "if", "imports", "labels", "linking", "loop", "memory_grow", "return", "select", "start",
	"table_grow", "table_init", "type", "unreached-invalid", "unwind"}

// TestSuite runs the official suites, which lie, compiled, in wazero's module: a sample, or
// all of both versions with PLEXUS_SPEC=full.
func TestSuite(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	full := os.Getenv("PLEXUS_SPEC") == "full"
	r, err := RunSuite(t.Context(), root, func(file string) bool {
		version := filepath.Base(filepath.Dir(filepath.Dir(file)))
		if version != "v2" && (version != "v1" || !full) {
			return false // of proposals that the engine does not take
		}
		return full || slices.Contains(suiteSample, strings.TrimSuffix(filepath.Base(file), ".json"))
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		t.Errorf("%s:%d: %s; %s", filepath.Base(f.File), f.Line, f.Want, f.Got)
	}
	t.Logf("%d files, %d commands, %d of modules that the gate refuses: %v", r.Files, r.Commands, r.Skipped, r.Refused)
	if r.Commands < 3000 {
		t.Errorf("only %d commands ran", r.Commands)
	}
}

func TestNoSuite(t *testing.T) {
	dir := t.TempDir()
	if _, err := RunSuite(t.Context(), dir, nil, nil); !errors.Is(err, ErrSuite) {
		t.Errorf("an empty folder: %v", err)
	}
	for name, text := range map[string]string{"testdata/spectest.wasm": "\x00asm\x01\x00\x00\x00", "a/cut.json": `{"commands": [`} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := RunSuite(t.Context(), dir, nil, nil); !errors.Is(err, ErrSuite) {
		t.Errorf("a suite that is cut off: %v", err)
	}
}
