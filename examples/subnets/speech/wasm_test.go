package speech_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
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
		if interpreter { // which takes ten seconds for all of it
			clips, err := speech.DecodeTask(public)
			if err != nil {
				t.Fatal(err)
			}
			public = speech.AppendTask(nil, [][]byte{clips[0][:6000]})
		}
		for _, mode := range []string{model.Good, model.Baseline, model.Lazy} {
			begin := time.Now()
			r := &abi.SolveRequest{Params: append([]byte(mode+"\n"), templates()...), Public: public}
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

// TestModuleLimits: the largest calls of the contract stay within the manifest's
// fuel and memory, so that no miner and no number of miners can stop the scoring.
func TestModuleLimits(t *testing.T) {
	m := load(t, "module", false)
	task := draw(t, "beta")
	word := strings.Repeat("e ", speech.MaxWords-1)
	filled := word + strings.Repeat("e", speech.MaxText-len(word))
	longest := texts(filled, filled, filled)
	if len(longest) > int(m.Manifest().Answer) {
		t.Errorf("longest answer of %d bytes, manifest %d", len(longest), m.Manifest().Answer)
	}
	if m.Manifest().Slices != speech.Clips || m.Manifest().Slice != speech.SliceLen {
		t.Errorf("manifest opens %d slices of %d bytes", m.Manifest().Slices, m.Manifest().Slice)
	}
	rec := speech.Recording{Text: word + "e", Clip: make([]byte, speech.MaxClip)}
	slice := rec.Append(nil)
	truth := texts(word+"a", word+"a", word+"a")
	most := &abi.ScoreRequest{Public: task.Public, Private: truth}
	for i := range abi.MaxPayloads {
		own := fmt.Sprint(filled[:speech.MaxText-4], i)
		most.Payloads = append(most.Payloads, texts(own, filled, filled))
	}
	rank := &abi.RankRequest{}
	for range abi.MaxRows {
		rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 256)})
	}
	for _, v := range []vector{
		{"task of the longest recordings", abi.OpTask, (&abi.TaskRequest{Slices: [][]byte{slice, slice, slice}}).Append(nil)},
		{"task of the longest speech", abi.OpTask, (&abi.TaskRequest{Slices: [][]byte{{2}, {2}, {2}}}).Append(nil)},
		{"score of the most answers", abi.OpScore, most.Append(nil)},
		{"rank of the most miners", abi.OpRank, rank.Append(nil)},
	} {
		begin := time.Now()
		reply, err := m.Call(t.Context(), v.op, v.input, [32]byte{})
		if err != nil {
			t.Errorf("%s: %v", v.name, err)
			continue
		}
		t.Logf("%s: %d bytes in, %d fuel of %d, %v", v.name, len(v.input), reply.Fuel, m.Manifest().Fuel, time.Since(begin).Round(time.Millisecond))
	}
	if _, err := m.Call(t.Context(), abi.OpParse, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) {
		t.Error(err)
	}
}

// BenchmarkModule reports the fuel of a call besides its time. A call is a new
// instance.
func BenchmarkModule(b *testing.B) {
	m := load(b, "module", false)
	task := draw(b, "beta")
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
	run("task", abi.OpTask, request("beta").Append(nil))
	for _, n := range []int{4, 64, 256} {
		score, rank := &abi.ScoreRequest{Public: task.Public, Private: task.Private}, &abi.RankRequest{}
		for i := range n {
			w := func(k int) string {
				return speech.Words[(i+k)%20] + " " + speech.Words[(i*7+k)%20] + " " + speech.Words[i%13]
			}
			score.Payloads = append(score.Payloads, texts(w(0), w(1), w(2)))
			rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 4)})
		}
		run(fmt.Sprintf("score-%d", n), abi.OpScore, score.Append(nil))
		run(fmt.Sprintf("rank-%d", n), abi.OpRank, rank.Append(nil))
	}
}
