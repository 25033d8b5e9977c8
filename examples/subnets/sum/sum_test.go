package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// add answers a task as a miner would.
func add(t *testing.T, public []byte) []byte {
	t.Helper()
	d := cbor.NewDecoder(public)
	d.Array(16)
	var sum uint64
	for range 16 {
		sum += d.UintMax(999)
	}
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	return cbor.AppendUint(nil, sum)
}

// round plays one round and an epoch of it by way of call, and returns every
// reply.
func round(t *testing.T, call func(op abi.Op, input []byte) []byte) (all []byte) {
	t.Helper()
	req := abi.TaskRequest{Beta: [32]byte{7}}
	reply := call(abi.OpTask, req.Append(nil))
	task, err := abi.DecodeTask(reply)
	if err != nil {
		t.Fatal(err)
	}
	right := add(t, task.Public)
	s := abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{right, nil, []byte("42"), right}}
	scored := call(abi.OpScore, s.Append(nil))
	scores, err := abi.DecodeScores(scored, 4)
	if err != nil {
		t.Fatal(err)
	}
	if scores[0] != abi.One || scores[1] != 0 || scores[2] != 0 || scores[3] != abi.One {
		t.Errorf("scores %v", scores)
	}
	r := abi.RankRequest{Rows: []abi.Row{{Scores: []uint64{abi.One, 0}}, {Scores: []uint64{0, 0}}, {}}}
	ranked := call(abi.OpRank, r.Append(nil))
	ranks, err := abi.DecodeRanks(ranked, 3)
	if err != nil {
		t.Fatal(err)
	}
	if ranks[0].Weight != abi.One/2 || ranks[1].Weight != 0 || ranks[2].Weight != 0 {
		t.Errorf("ranks %v", ranks)
	}
	return bytes.Join([][]byte{reply, scored, ranked}, nil)
}

func TestRound(t *testing.T) {
	native := round(t, func(op abi.Op, input []byte) []byte {
		b, err := sdk.Call(module(), op, input)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
	code, err := plugins.Build(t.Context(), ".", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, interpreter := range []bool{false, true} {
		engine, err := wasm.NewEngine(wasm.Config{Interpreter: interpreter})
		if err != nil {
			t.Fatal(err)
		}
		m, err := engine.Load(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close(context.Background())
		var fuel uint64
		got := round(t, func(op abi.Op, input []byte) []byte {
			r, err := m.Call(t.Context(), op, input, [32]byte{})
			if err != nil {
				t.Fatal(err)
			}
			fuel += r.Fuel
			return r.Body
		})
		if !bytes.Equal(got, native) {
			t.Errorf("interpreter %v: other replies than the native code's", interpreter)
		}
		t.Logf("interpreter %v: %d bytes, %d fuel for a round and a ranking", interpreter, len(code), fuel)
		if _, err := m.Call(t.Context(), abi.OpScore, []byte("rubbish"), [32]byte{}); !errors.Is(err, plugins.ErrRefused) {
			t.Errorf("rubbish: %v", err)
		}
	}
}

// The SDK's README shows this very subnet.
func TestReadmeIsTrue(t *testing.T) {
	readme, err := os.ReadFile("../../../sdk-wasm/go/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"main.go", "manifest.json"} {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(readme, code) {
			t.Errorf("the README does not show %s as it is", file)
		}
	}
}
