package forecast_test

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
)

// TestModule runs the golden vectors through the real modules.
func TestModule(t *testing.T) {
	vector.Sandbox(t, "module", vectors(t), "testdata/golden.txt")
	vector.Sandbox(t, "solver", solverVectors(t), "testdata/solver.txt")
}

func TestModuleLimits(t *testing.T) {
	const part = 4 // of what the contract allows, to be quick
	m := vector.Load(t, "module", false)
	if m.Manifest().Slices != forecast.Slices || m.Manifest().Slice != forecast.SliceLen {
		t.Errorf("manifest %+v", m.Manifest())
	}
	k := play(t, request("beta"))
	longest := adversaries(t)[13].payload
	if len(longest) > int(m.Manifest().Answer) || len(k.public.Targets) != forecast.MaxTargets {
		t.Errorf("longest answer of %d bytes, manifest %d; %d targets", len(longest), m.Manifest().Answer, len(k.public.Targets))
	}
	most := k.score
	for range abi.MaxPayloads / part {
		most.Payloads = append(most.Payloads, longest)
	}
	rank := &abi.RankRequest{}
	for range abi.MaxRows / part {
		rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 256)})
	}
	vector.Limits(t, m, part, []vector.Vector{
		{Name: "score of the most answers", Op: abi.OpScore, Input: most.Append(nil)},
		{Name: "rank of the most miners", Op: abi.OpRank, Input: rank.Append(nil)},
	})
}

func BenchmarkModule(b *testing.B) {
	k := play(b, request("beta"))
	score := k.score
	for _, a := range adversaries(b)[:8] {
		score.Payloads = append(score.Payloads, a.payload)
	}
	vector.Bench(b, "module", vector.Scaled(request("beta").Append(nil), score))
}

func BenchmarkSolver(b *testing.B) { vector.Bench(b, "solver", solverVectors(b)[:3]) }
