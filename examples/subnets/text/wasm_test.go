package text_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/plugins"
)

// TestModule runs the golden vectors through the real module.
func TestModule(t *testing.T) { vector.Sandbox(t, "module", vectors(t), "testdata/golden.txt") }

// TestModuleLimits: the largest calls of the contract stay within the
// manifest's fuel and memory, so that no miner and no number of miners can stop
// the scoring.
func TestModuleLimits(t *testing.T) {
	m := vector.Load(t, "module", false)
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
	vector.Limits(t, m, 1, []vector.Vector{
		{Name: "score of the most answers", Op: abi.OpScore, Input: most.Append(nil)},
		{Name: "score of the most rubbish", Op: abi.OpScore, Input: rubbish.Append(nil)},
		{Name: "rank of the most miners", Op: abi.OpRank, Input: rank.Append(nil)},
	})
	if _, err := m.Call(t.Context(), abi.OpParse, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) {
		t.Error(err)
	}
	if m.Manifest().Slices != text.Contexts || m.Manifest().Slice != text.SliceLen {
		t.Errorf("manifest opens %d slices of %d bytes", m.Manifest().Slices, m.Manifest().Slice)
	}
}

func BenchmarkModule(b *testing.B) {
	task := golden(b)
	score := abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for _, a := range adversaries(b)[:8] {
		score.Payloads = append(score.Payloads, a.payload)
	}
	req := &abi.TaskRequest{Beta: [32]byte{1}, Slices: slices()}
	vector.Bench(b, "module", vector.Scaled(req.Append(nil), score))
}
