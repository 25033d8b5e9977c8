package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

var buildGuest = sync.OnceValues(func() ([]byte, error) {
	return plugins.Build(context.Background(), "testdata/guest", os.Stderr)
})

// cacheDir is shared by the tests, as it is by processes.
var cacheDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "plexus-wasm-")
	if err != nil {
		panic(err)
	}
	cacheDir = dir
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func guest(t testing.TB) []byte {
	t.Helper()
	g, err := buildGuest()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func load(t testing.TB, module []byte, interpreter bool) *Module {
	t.Helper()
	e, err := NewEngine(Config{CacheDir: cacheDir, Interpreter: interpreter})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(context.Background(), module)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(context.Background()) })
	return m
}

// outcome flattens all that a call shows, so that outcomes can be compared.
func outcome(r plugins.Reply, err error) string {
	var f *plugins.Fault
	if errors.As(err, &f) {
		return fmt.Sprintf("%v status %d %q fuel %d log %q", f.Kind, f.Status, f.Detail, f.Fuel, f.Log)
	}
	return fmt.Sprintf("%q fuel %d log %q %v", r.Body, r.Fuel, r.Log, err)
}

// TestCall drives a Go guest through every way a call can end, on both engines,
// which must agree to the last unit of fuel.
func TestCall(t *testing.T) {
	engines := []*Module{load(t, guest(t), false), load(t, guest(t), true)}
	for _, c := range []struct {
		name, in, want string
		kind           error
	}{
		{"empty", "", "", nil},
		{"echo", "ehello", "hello", nil},
		{"long echo", "e" + strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20), nil},
		{"refusal", "snot today", "", plugins.ErrRefused},
		{"panic", "pouch", "", plugins.ErrTrap},
		{"exit", "x", "", plugins.ErrTrap},
		{"recursion", "k", "", plugins.ErrTrap},
		{"memory", "m", "", plugins.ErrMemory},
		{"first call", "c", "1", nil},
		{"sleep", "w", "86400000000000", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first string
			for _, m := range engines {
				r, err := m.Call(t.Context(), abi.OpSolve, []byte(c.in), [32]byte{1})
				if !errors.Is(err, c.kind) || plugins.IsGuest(err) != (c.kind != nil) || string(r.Body) != c.want {
					t.Fatalf("%.200q %v, want %.200q %v", r.Body, err, c.want, c.kind)
				}
				if got := outcome(r, err); first == "" {
					first = got
				} else if got != first {
					t.Fatalf("compiler %.300s\ninterpreter %.300s", first, got)
				}
			}
		})
	}
}

// TestDeterminism repeats calls that chance could touch: map order, random
// numbers, the clock, garbage collection, not-a-number.
func TestDeterminism(t *testing.T) {
	compiler, interpreter := load(t, guest(t), false), load(t, guest(t), true)
	for _, in := range []string{"r", "n", "g", "osame"} {
		r, err := interpreter.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{1})
		want := outcome(r, err)
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		got := make([]string, 10)
		for i := range got {
			wait.Go(func() { // concurrent calls must not meet each other
				compiler.Call(t.Context(), abi.OpSolve, []byte("pdirt"), [32]byte{2})
				got[i] = outcome(compiler.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{1}))
			})
		}
		wait.Wait()
		for _, g := range got {
			if g != want {
				t.Fatalf("%s: %.300s\nwant %.300s", in, g, want)
			}
		}
	}
	one, err1 := compiler.Call(t.Context(), abi.OpSolve, []byte("r"), [32]byte{1})
	two, err2 := compiler.Call(t.Context(), abi.OpSolve, []byte("r"), [32]byte{2})
	if err1 != nil || err2 != nil || bytes.Equal(one.Body, two.Body) {
		t.Fatalf("another seed, the same numbers (%v, %v)", err1, err2)
	}
}

func TestFuelStopsLoop(t *testing.T) {
	e, err := NewEngine(Config{CacheDir: cacheDir, Limits: Limits{Fuel: 10e6, Pages: 1024, Log: 1 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(t.Context(), guest(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	_, err = m.Call(t.Context(), abi.OpSolve, []byte("l"), [32]byte{})
	var f *plugins.Fault
	if !errors.Is(err, plugins.ErrFuel) || !errors.As(err, &f) || f.Fuel != 10e6 {
		t.Fatalf("%v", err)
	}
}

func TestCallerFaults(t *testing.T) {
	m := load(t, guest(t), false)
	if _, err := m.Call(t.Context(), abi.OpRank, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) || plugins.IsGuest(err) {
		t.Errorf("operation not offered: %v", err)
	}
	if _, err := m.Call(t.Context(), abi.OpSolve, make([]byte, abi.MaxMessage+1), [32]byte{}); err == nil || plugins.IsGuest(err) {
		t.Errorf("input too long: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Call(ctx, abi.OpSolve, nil, [32]byte{}); !errors.Is(err, context.Canceled) || plugins.IsGuest(err) {
		t.Errorf("context ended: %v", err)
	}
}
