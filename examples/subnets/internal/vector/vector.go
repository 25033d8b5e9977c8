// Package vector holds what the tests of the example subnets share: calls with
// fixed inputs, whose replies must be the same today as yesterday, natively and
// in the sandbox, on the compiler and on the interpreter, to the byte and to the
// unit of fuel.
//
// It is for tests alone; no module imports it.
package vector

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// Vector is one call with a fixed input.
type Vector struct {
	Name  string
	Op    abi.Op
	Input []byte
}

// outcome is what a vector gives, as one line: the digests of input and reply, or
// the refusal.
func (v *Vector) outcome(body []byte, refusal string) string {
	if refusal != "" {
		return fmt.Sprintf("%s %s in %x: refused: %s\n", v.Op, v.Name, sha256.Sum256(v.Input), refusal)
	}
	return fmt.Sprintf("%s %s in %x: %d bytes %x\n", v.Op, v.Name, sha256.Sum256(v.Input), len(body), sha256.Sum256(body))
}

// Native runs the vectors through the native code and compares with the golden
// file, which -rewrite writes.
func Native(t *testing.T, m sdk.Module, list []Vector, golden string) {
	t.Helper()
	var got strings.Builder
	for _, v := range list {
		body, err := sdk.Call(m, v.Op, v.Input)
		refusal := ""
		if err != nil {
			var r *sdk.Refusal
			errors.As(err, &r)
			refusal = r.Text
		}
		got.WriteString(v.outcome(body, refusal))
	}
	Golden(t, golden, got.String())
}

// Golden compares a text with the golden file, which -rewrite writes.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%swant\n%s", file, got, want)
	}
}

// loaded are the guests by folder and engine. Compiling takes seconds, so that the
// tests of a package share them, until their process ends.
var loaded = map[string]*wasm.Module{}

// Load builds the guest in dir and loads it on the compiler or the interpreter,
// once for all tests of a package, which must not run in parallel.
func Load(t testing.TB, dir string, interpreter bool) *wasm.Module {
	t.Helper()
	key := fmt.Sprint(dir, interpreter)
	if m := loaded[key]; m != nil {
		return m
	}
	code, err := plugins.Build(t.Context(), dir, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasm.NewEngine(wasm.Config{Interpreter: interpreter})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	m, err := engine.Load(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	loaded[key] = m
	t.Logf("%s: %d bytes, interpreter %v, loaded in %v", dir, len(code), interpreter, time.Since(begin).Round(time.Millisecond))
	return m
}

// Sandbox runs the vectors through the guest built from dir, on the compiler and
// on the interpreter, and compares with the golden file and between the two.
func Sandbox(t *testing.T, dir string, list []Vector, golden string) {
	t.Helper()
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	fuel := map[string]uint64{}
	for _, interpreter := range []bool{false, true} {
		m := Load(t, dir, interpreter)
		var got strings.Builder
		for _, v := range list {
			if manifest := m.Manifest(); !manifest.Has(v.Op) {
				t.Errorf("the manifest does not name %s", v.Op)
			}
			begin := time.Now()
			reply, err := m.Call(t.Context(), v.Op, v.Input, [32]byte{1})
			took := time.Since(begin)
			refusal := ""
			var fault *plugins.Fault
			switch {
			case errors.As(err, &fault) && errors.Is(err, plugins.ErrRefused):
				refusal, reply.Fuel = fault.Detail, fault.Fuel
			case err != nil:
				t.Fatalf("%s: %v", v.Name, err)
			}
			got.WriteString(v.outcome(reply.Body, refusal))
			if known, ok := fuel[v.Name]; ok && known != reply.Fuel {
				t.Errorf("%s: fuel %d on the compiler, %d on the interpreter", v.Name, known, reply.Fuel)
			}
			fuel[v.Name] = reply.Fuel
			if len(reply.Log) != 0 {
				t.Errorf("%s: the module printed %q", v.Name, reply.Log)
			}
			t.Logf("%-22s %12d fuel %12v", v.Name, reply.Fuel, took.Round(10*time.Microsecond))
		}
		if got.String() != string(want) {
			t.Errorf("interpreter %v: got\n%swant\n%s", interpreter, got.String(), want)
		}
	}
}

// Limits runs vectors that are as large as the contract allows, or that part of it,
// which must stay within that part of the manifest's fuel, and within its memory, so
// that no miner and no number of miners can stop the scoring.
func Limits(t *testing.T, m *wasm.Module, part uint64, list []Vector) {
	t.Helper()
	for _, v := range list {
		begin := time.Now()
		reply, err := m.Call(t.Context(), v.Op, v.Input, [32]byte{})
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if reply.Fuel > m.Manifest().Fuel/part {
			t.Errorf("%s: %d fuel, more than 1/%d of the manifest's", v.Name, reply.Fuel, part)
		}
		t.Logf("%s: %d bytes in, %d fuel of %d, %v", v.Name, len(v.Input), reply.Fuel, m.Manifest().Fuel, time.Since(begin).Round(time.Millisecond))
	}
}

// Bench measures the guest in dir: each vector is a benchmark of its own, with
// the fuel of one call beside its time.
func Bench(b *testing.B, dir string, list []Vector) {
	m := Load(b, dir, false)
	for _, v := range list {
		b.Run(v.Name, func(b *testing.B) {
			var fuel uint64
			for b.Loop() {
				reply, err := m.Call(b.Context(), v.Op, v.Input, [32]byte{})
				if err != nil {
					b.Fatal(err)
				}
				fuel = reply.Fuel
			}
			b.ReportMetric(float64(fuel), "fuel")
		})
	}
}

// Scaled are the vectors that a subnet's benchmark should have: the task, its
// scoring with 64 and 256 responses that repeat the payloads, and the ranking of
// as many miners with eight scores each.
func Scaled(task []byte, score abi.ScoreRequest) []Vector {
	out := []Vector{{"task", abi.OpTask, task}}
	payloads := score.Payloads
	for _, n := range []int{64, 256} {
		score.Payloads = nil
		rank := &abi.RankRequest{}
		for i := range n {
			score.Payloads = append(score.Payloads, payloads[i%len(payloads)])
			rank.Rows = append(rank.Rows, abi.Row{Scores: make([]uint64, 8)})
		}
		out = append(out, Vector{fmt.Sprintf("score/%d", n), abi.OpScore, score.Append(nil)},
			Vector{fmt.Sprintf("rank/%d", n), abi.OpRank, rank.Append(nil)})
	}
	return out
}
