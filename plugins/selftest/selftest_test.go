package selftest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/plugins/wasm"
)

// TestSelfTest holds this machine against the recorded outcomes. With
// PLEXUS_UPDATE set it records them, from the interpreter.
func TestSelfTest(t *testing.T) {
	if os.Getenv("PLEXUS_UPDATE") != "" {
		engine, err := wasm.NewEngine(wasm.Config{Interpreter: true})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, v := range all() {
			got, _, err := outcome(context.Background(), engine, v.code)
			if err != nil {
				t.Fatalf("%s: %v", v.name, err)
			}
			fmt.Fprintf(&b, "%s: %s\n", v.name, got)
		}
		if err := os.WriteFile("golden.txt", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		golden = b.String()
	}
	r, err := Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Failures {
		t.Errorf("%s in the %s: %s, want %s", f.Vector, f.Engine, f.Got, f.Want)
	}
	t.Logf("%d vectors with %d cases, fuel %d, %v", r.Vectors, r.Cases, r.Fuel, r.Took)
	if r.Vectors < 120 || r.Cases < 4000 || r.Took > 30*time.Second {
		t.Errorf("%d vectors with %d cases in %v", r.Vectors, r.Cases, r.Took)
	}
	if lines := strings.Count(golden, "\n"); lines != r.Vectors {
		t.Errorf("%d outcomes recorded for %d vectors", lines, r.Vectors)
	}
}

// TestSelfTestFails: another outcome than the recorded one is found and named.
func TestSelfTestFails(t *testing.T) {
	whole := golden
	defer func() { golden = whole }()
	golden = strings.Replace(whole, "unreachable: fuel ", "unreachable: fuel 1", 1)
	r, err := Run(t.Context())
	if err != nil || r.OK() || len(r.Failures) != 2 || r.Failures[0].Vector != "unreachable" {
		t.Errorf("%+v %v", r, err)
	}
}
