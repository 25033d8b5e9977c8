package text_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// TestModule runs the golden vectors through the real module: built from
// source, gated, metered, on the compiler and on the interpreter. Replies must
// be those of the native code, and fuel the same on both engines.
func TestModule(t *testing.T) {
	code, err := plugins.Build(t.Context(), "module", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("module of %d bytes", len(code))
	want, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	fuel := map[string]uint64{}
	for _, interpreter := range []bool{false, true} {
		engine, err := wasm.NewEngine(wasm.Config{Interpreter: interpreter})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		m, err := engine.Load(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(context.Background())
		t.Logf("interpreter %v: loaded in %v", interpreter, time.Since(begin).Round(time.Millisecond))
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

// TestModuleLimits: the largest calls of the contract stay within the
// manifest's fuel and memory, so that no miner and no number of miners can stop
// the scoring.
func TestModuleLimits(t *testing.T) {
	code, err := plugins.Build(t.Context(), "module", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := wasm.NewEngine(wasm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.Load(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	task := golden(t)
	longest := adversaries(t)[5].payload
	if len(longest) > int(m.Manifest().Answer) {
		t.Errorf("longest answer of %d bytes, manifest %d", len(longest), m.Manifest().Answer)
	}
	most := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for range abi.MaxPayloads {
		most.Payloads = append(most.Payloads, longest)
	}
	rubbish := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for range abi.MaxMessage/int(m.Manifest().Answer) - 8 {
		rubbish.Payloads = append(rubbish.Payloads, bytes.Repeat([]byte{0x82}, int(m.Manifest().Answer)))
	}
	rank := &abi.RankRequest{}
	for range abi.MaxRows {
		rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 256)})
	}
	for _, v := range []vector{
		{"score of the most answers", abi.OpScore, most.Append(nil)},
		{"score of the most rubbish", abi.OpScore, rubbish.Append(nil)},
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
	if m.Manifest().Slices != text.Contexts || m.Manifest().Slice != text.SliceLen {
		t.Errorf("manifest opens %d slices of %d bytes", m.Manifest().Slices, m.Manifest().Slice)
	}
}
