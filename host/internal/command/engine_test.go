package command

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/plugins/trial"
)

// TestMain lets the test binary be the program that starts engines, which starts
// itself. Tests have a HOME of their own: without the Go toolchain's folders, each
// would compile the standard library anew.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "engine" {
		os.Exit(Main())
	}
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	var env map[string]string
	if err = errors.Join(err, json.Unmarshal(out, &env)); err != nil {
		fmt.Fprintln(os.Stderr, "go env:", err)
		os.Exit(1)
	}
	for name, value := range env {
		os.Setenv(name, value)
	}
	os.Exit(m.Run())
}

func TestEngineCheck(t *testing.T) {
	cache := t.TempDir()
	module := filepath.Join(t.TempDir(), "text.wasm")
	if out, code, err := run(t, "plugin", "build", "../../../examples/subnets/text/module", "-o", module); code != 0 {
		t.Fatal(err, out)
	}
	check := func(args ...string) (string, int, error) {
		t.Helper()
		return run(t, append([]string{"engine", "check", "--cache", cache, "--module", module, "--tasks", "4"}, args...)...)
	}
	// The plain model of the text subnet, on its own data.
	out, code, err := check("--json", "text-order0")
	var x trial.Exam
	if err != nil || code != 0 || json.Unmarshal([]byte(out), &x) != nil {
		t.Fatal(code, err, out)
	}
	if x.Engine != "text-order0" || x.Answered != 4 || len(x.Findings) != 0 || x.Marks[0].Name != trial.MarkEngine ||
		x.Marks[0].Mean < 1<<30 || x.Marks[0].Mean != x.Marks[1].Mean { // the module's solver is the same model
		t.Errorf("%+v", x)
	}
	// The module as a solver module comes to the same, by way of another engine.
	if out, code, err = check("wasm", "--module", module, "--cache", cache); code != 0 || !strings.Contains(out, "fit for a registration") || !strings.Contains(out, "this engine") {
		t.Error(code, err, out)
	}
	// One that cannot answer is told why, with code 1.
	if out, code, err = check("exec", "--", "sh", "-c", "echo no weights >&2; exit 2"); code != exitDiffers || !strings.Contains(out, "no weights") || !strings.Contains(out, "! 4 of 4 tasks got no answer") || !strings.Contains(err.Error(), "findings") {
		t.Error(code, err, out)
	}
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("too short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{nil, exitUsage, "takes an engine"},
		{[]string{"/no/such/program"}, exitIO, "no such file"},
		{[]string{"sh", "-c", "echo hello"}, exitDiffers, "no handshake"},
		{[]string{"wasm", "--module", short}, exitDiffers, "contract"},
		{[]string{"text-order0", "extra"}, exitDiffers, "no option"},
		{[]string{"--data", short, "text-order0"}, exitDiffers, "short"},
		{[]string{"--data", "/no/such/file", "text-order0"}, exitDiffers, "not found"},
	} {
		if out, code, err := check(c.args...); code != c.code || err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: code %d, %v\n%s", c.args, code, err, out)
		}
	}
	if _, code, err := run(t, "engine", "check", "text-order0"); code != exitUsage || !strings.Contains(err.Error(), "--module") {
		t.Error(code, err)
	}
	if _, code, err := run(t, "engine", "no-such-engine"); code != exitUsage || !strings.Contains(err.Error(), "text-mix") {
		t.Error(code, err)
	}
	if out, code, _ := run(t, "engine", "ls"); code != 0 || !strings.Contains(out, "wasm") || !strings.Contains(out, "exec") {
		t.Error(code, out)
	}
}
