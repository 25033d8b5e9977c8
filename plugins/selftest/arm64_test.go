package selftest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/trial"
)

// workload scores forty answers in one module: reply and fuel of each of the calls.
func workload(t *testing.T, code []byte, interpreter bool, calls int) []string {
	t.Helper()
	m := load(t, code, interpreter)
	var answers [][]byte
	for i := range 40 {
		answers = append(answers, bytes.Repeat([]byte{'a' + byte(i%26), 'b' + byte(i%7)}, 1+i%32))
	}
	in, err := trial.Request(t.Context(), m, trial.Options{Seed: 7}, abi.OpScore, answers)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range calls {
		r, err := m.Call(t.Context(), abi.OpScore, in, [32]byte{})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("fuel %d, reply %x", r.Fuel, sha256.Sum256(r.Body)))
	}
	return out
}

// TestOtherMachine runs the self-test and ten calls of each SDK's example as a
// program for arm64, in an emulator, which must show what this machine shows. It
// takes minutes, so it runs with PLEXUS_ARM64 set alone, where the emulator is.
func TestOtherMachine(t *testing.T) {
	if dir := os.Getenv("PLEXUS_ARM64_MODULES"); dir != "" { // in the emulator
		files, err := filepath.Glob(filepath.Join(dir, "*.wasm"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no modules in %s: %v", dir, err)
		}
		for _, f := range files {
			code, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range workload(t, code, false, 10) {
				fmt.Printf("outcome %s %s\n", strings.TrimSuffix(filepath.Base(f), ".wasm"), line)
			}
		}
		return
	}
	if os.Getenv("PLEXUS_ARM64") == "" {
		t.Skip("PLEXUS_ARM64 is not set")
	}
	emulator, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		t.Skip("qemu-aarch64-static is not installed (Debian: apt install qemu-user-static)")
	}
	dir := t.TempDir()
	want := map[string]string{}
	for language := range examples {
		code, err := built[language]()
		if errors.Is(err, plugins.ErrTool) {
			t.Logf("left out: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, language+".wasm"), code, 0o600); err != nil {
			t.Fatal(err)
		}
		want[language] = workload(t, code, false, 1)[0]
		if got := workload(t, code, true, 1)[0]; got != want[language] {
			t.Errorf("%s: compiler %s, interpreter %s", language, want[language], got)
		}
		t.Logf("%s: %s", language, want[language])
	}
	program := filepath.Join(dir, "arm64.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), emulator, program, "-test.v", "-test.run", "^(TestOtherMachine|TestRecordedArithmetic|TestSelfTest)$")
	run.Env = append(os.Environ(), "PLEXUS_ARM64_MODULES="+dir)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	calls := map[string]int{}
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "outcome "); ok {
			language, got, _ := strings.Cut(rest, " ")
			calls[language]++
			if got != want[language] {
				t.Errorf("%s on arm64: %s, here %s", language, got, want[language])
			}
		}
	}
	for language := range want {
		if calls[language] != 10 {
			t.Errorf("%s: %d calls on arm64\n%s", language, calls[language], out)
		}
	}
	if !strings.Contains(string(out), "--- PASS: TestSelfTest ") {
		t.Errorf("the self-test did not run:\n%s", out)
	}
}
