package learn_test

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/learn"
)

// TestModule runs the golden vectors through the real modules.
func TestModule(t *testing.T) {
	vector.Sandbox(t, "module", vectors(t), "testdata/golden.txt")
	vector.Sandbox(t, "solver", solverVectors(t), "testdata/solver.txt")
}

// most are n different updates as long as they may be, all of them merged.
func most(t testing.TB, n int) (out [][]byte) {
	t.Helper()
	u, err := learn.DecodeUpdate(adversaries(t)[2].payload)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		v := u
		v.By = append([]int8(nil), u.By...)
		v.By[i%len(v.By)] = v.By[i%len(v.By)]/2 + 1
		v.By[i/len(v.By)] = 1
		out = append(out, v.Append(nil))
	}
	return out
}

func TestModuleLimits(t *testing.T) {
	const part = 16 // of what the contract allows, to be quick
	m := vector.Load(t, "module", false)
	if m.Manifest().Slices != learn.Slices || m.Manifest().Slice != learn.SliceLen {
		t.Errorf("manifest %+v", m.Manifest())
	}
	list := adversaries(t)
	if n := len(list[10].payload); n > int(m.Manifest().Answer) {
		t.Errorf("longest answer of %d bytes, manifest %d", n, m.Manifest().Answer)
	}
	score, merge := scoreRequest(t), mergeRequest(t)
	score.Payloads = most(t, abi.MaxPayloads/part)
	merge.Payloads = score.Payloads
	rank := &abi.RankRequest{}
	for range abi.MaxRows / part {
		rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 256)})
	}
	vector.Limits(t, m, part, []vector.Vector{
		{Name: "score of the most updates", Op: abi.OpScore, Input: score.Append(nil)},
		{Name: "merge of the most updates", Op: abi.OpMerge, Input: merge.Append(nil)},
		{Name: "rank of the most miners", Op: abi.OpRank, Input: rank.Append(nil)},
	})
}

func BenchmarkModule(b *testing.B) {
	score, merge := scoreRequest(b), mergeRequest(b)
	score.Payloads = most(b, 256)
	list := vector.Scaled(request().Append(nil), *score)
	four := *score
	four.Payloads = scoreRequest(b).Payloads[:8:8][:4]
	merge.Payloads = four.Payloads
	list = append(list, vector.Vector{Name: "score/4", Op: abi.OpScore, Input: four.Append(nil)}, vector.Vector{Name: "merge/4", Op: abi.OpMerge, Input: merge.Append(nil)})
	vector.Bench(b, "module", list)
}

func BenchmarkSolver(b *testing.B) { vector.Bench(b, "solver", solverVectors(b)[:1]) }
