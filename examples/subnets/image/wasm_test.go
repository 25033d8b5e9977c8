package image_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/image"
	"github.com/plexus-network/plexus/examples/subnets/image/model"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// loaded holds what was compiled, for the tests after.
var loaded = map[string]*wasm.Module{}

// load builds the guest in dir from source and loads it as a node would.
func load(t testing.TB, dir string, interpreter bool) *wasm.Module {
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
	t.Logf("%s: %d bytes, interpreter %v: loaded in %v", dir, len(code), interpreter, time.Since(begin).Round(time.Millisecond))
	return m
}

// TestModule runs the golden vectors through the real module: built from
// source, gated, metered, on the compiler and on the interpreter. Replies must
// be those of the native code, and fuel the same on both engines.
func TestModule(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	fuel := map[string]uint64{}
	for _, interpreter := range []bool{false, true} {
		m := load(t, "module", interpreter)
		var got strings.Builder
		for _, v := range vectors(t) {
			if manifest := m.Manifest(); !manifest.Has(v.op) {
				t.Errorf("the manifest does not name %s", v.op)
			}
			begin := time.Now()
			reply, err := m.Call(t.Context(), v.op, v.input, [32]byte{1})
			took := time.Since(begin)
			refusal := ""
			var fault *plugins.Fault
			switch {
			case errors.As(err, &fault) && errors.Is(err, plugins.ErrRefused):
				refusal, reply.Fuel = fault.Detail, fault.Fuel
			case err != nil:
				t.Fatalf("%s: %v", v.name, err)
			}
			got.WriteString(outcome(v, reply.Body, refusal) + "\n")
			if known, ok := fuel[v.name]; ok && known != reply.Fuel {
				t.Errorf("%s: fuel %d on the compiler, %d on the interpreter", v.name, known, reply.Fuel)
			}
			fuel[v.name] = reply.Fuel
			if len(reply.Log) != 0 {
				t.Errorf("%s: the module printed %q", v.name, reply.Log)
			}
			t.Logf("%-20s %12d fuel %12v", v.name, reply.Fuel, took.Round(10*time.Microsecond))
		}
		if got.String() != string(want) {
			t.Errorf("interpreter %v: got\n%swant\n%s", interpreter, got.String(), want)
		}
	}
}

// TestSolver: the solver module answers byte for byte what the package does, in
// each mode and on both engines.
func TestSolver(t *testing.T) {
	public := draw(t, "beta").Public
	for _, interpreter := range []bool{false, true} {
		m := load(t, "solver", interpreter)
		for _, mode := range []string{model.Good, model.Baseline, model.Lazy} {
			begin := time.Now()
			r := &abi.SolveRequest{Params: []byte(mode + "\nsome data"), Public: public, Seed: [32]byte{7}}
			got, err := m.Call(t.Context(), abi.OpSolve, r.Append(nil), [32]byte{1})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%-10s %12d fuel %12v", mode, got.Fuel, time.Since(begin).Round(10*time.Microsecond))
			want, err := model.Solve(r)
			if err != nil || !bytes.Equal(got.Body, want) {
				t.Errorf("%s: the module answers otherwise than the package, %v", mode, err)
			}
		}
		bad := &abi.SolveRequest{Params: []byte("best"), Public: public}
		if _, err := m.Call(t.Context(), abi.OpSolve, bad.Append(nil), [32]byte{1}); !errors.Is(err, plugins.ErrRefused) {
			t.Error(err)
		}
	}
}

// TestModuleLimits: the costliest answers of 256 miners stay within the manifest's
// fuel and memory, so that no miner can stop the scoring.
func TestModuleLimits(t *testing.T) {
	m := load(t, "module", false)
	public := draw(t, "beta").Public
	longest := len(image.AppendAnswer(nil, [][]byte{make([]byte, image.MaxPicture), make([]byte, image.MaxPicture),
		make([]byte, image.MaxPicture), make([]byte, image.MaxPicture)}))
	if longest > int(m.Manifest().Answer) {
		t.Errorf("longest answer of %d bytes, manifest %d", longest, m.Manifest().Answer)
	}
	for _, c := range []struct {
		name    string
		picture []byte
	}{
		{"noise", noise()}, {"bombs", bomb(image.Side)}, {"universal", catalogue()}, {"nested frames", frames()}, {"one-pixel stripes", painted(func(x, y int) image.Color {
			return image.Color(x % 2 * (1 + x/2%7))
		})},
	} {
		most := &abi.ScoreRequest{Public: public}
		for i := range 32 { // each a little different, else it is looked at once
			most.Payloads = append(most.Payloads, image.AppendAnswer(nil, [][]byte{c.picture, c.picture, c.picture, fmt.Append(nil, i)}))
		}
		begin := time.Now()
		reply, err := m.Call(t.Context(), abi.OpScore, most.Append(nil), [32]byte{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		t.Logf("32 answers, %s: %d fuel, %v", c.name, reply.Fuel, time.Since(begin).Round(time.Millisecond))
		if most := 256 / 32 * reply.Fuel; most > m.Manifest().Fuel {
			t.Errorf("256 answers, %s: %d fuel, the manifest has %d", c.name, most, m.Manifest().Fuel)
		}
	}
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) {
		t.Error(err)
	}
}

// frames is a picture of frames within frames, each of which is looked at with all
// that it surrounds.
func frames() []byte {
	return painted(func(x, y int) image.Color {
		d := min(x, y, image.Side-1-x, image.Side-1-y)
		return image.Color(d % 2 * (1 + d/2%7))
	})
}

// BenchmarkModule reports the fuel of a call besides its time. A call is a new
// instance.
func BenchmarkModule(b *testing.B) {
	m := load(b, "module", false)
	public := draw(b, "beta").Public
	req := &abi.TaskRequest{Beta: [32]byte{1}}
	run := func(name string, op abi.Op, input []byte) {
		b.Run(name, func(b *testing.B) {
			var fuel uint64
			for b.Loop() {
				reply, err := m.Call(b.Context(), op, input, [32]byte{})
				if err != nil {
					b.Fatal(err)
				}
				fuel = reply.Fuel
			}
			b.ReportMetric(float64(fuel), "fuel/op")
		})
	}
	run("task", abi.OpTask, req.Append(nil))
	for _, n := range []int{4, 64, 256} {
		score, rank := &abi.ScoreRequest{Public: public}, &abi.RankRequest{}
		for i := range n {
			mode := []string{model.Good, model.Baseline, model.Lazy, model.Good}[i%4]
			r := &abi.SolveRequest{Params: []byte(mode), Public: public, Seed: [32]byte{byte(i), byte(i >> 8)}}
			answer, err := model.Solve(r)
			if err != nil {
				b.Fatal(err)
			}
			score.Payloads = append(score.Payloads, answer)
			rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 4)})
		}
		run(fmt.Sprintf("score-%d", n), abi.OpScore, score.Append(nil))
		run(fmt.Sprintf("rank-%d", n), abi.OpRank, rank.Append(nil))
	}
}
