package translate_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/translate"
	"github.com/plexus-network/plexus/examples/subnets/translate/model"
	"github.com/plexus-network/plexus/plugins"
)

// TestModule runs the golden vectors through the real modules.
func TestModule(t *testing.T) {
	vector.Sandbox(t, "module", vectors(t), "testdata/golden.txt")
	vector.Sandbox(t, "solver", solverVectors(t), "testdata/solver.txt")
}

func TestModuleLimits(t *testing.T) {
	const part = 16 // of what the contract allows, to be quick
	m := vector.Load(t, "module", false)
	if m.Manifest().Slices != translate.Slices || m.Manifest().Slice != translate.SliceLen || m.Manifest().Answer != translate.MaxAnswer {
		t.Errorf("manifest %+v", m.Manifest())
	}
	k := draw(t, request(t, "beta"))
	// Answers that take the longest to score: as long as they may be.
	long := make(translate.Answer, len(k.truth))
	for i, s := range k.truth {
		long[i] = strings.TrimSpace(strings.Repeat(s+" ", 2))
	}
	most := &abi.ScoreRequest{Public: k.task.Public, Private: k.task.Private}
	for range abi.MaxPayloads / part {
		most.Payloads = append(most.Payloads, long.Append(nil))
	}
	rubbish := &abi.ScoreRequest{Public: k.task.Public, Private: k.task.Private}
	for range (abi.MaxMessage/translate.MaxAnswer - 8) / part {
		rubbish.Payloads = append(rubbish.Payloads, each(len(k.truth), func(int) string { return strings.Repeat("é", 240) }))
	}
	rank := &abi.RankRequest{}
	for range abi.MaxRows / part {
		rank.Rows = append(rank.Rows, abi.Row{Carry: []byte{0x82, 1, 0}, Scores: make([]uint64, 256)})
	}
	vector.Limits(t, m, part, []vector.Vector{
		{Name: "score of the most answers", Op: abi.OpScore, Input: most.Append(nil)},
		{Name: "score of the longest", Op: abi.OpScore, Input: rubbish.Append(nil)},
		{Name: "rank of the most miners", Op: abi.OpRank, Input: rank.Append(nil)},
	})
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) {
		t.Error(err)
	}
	if _, err := m.Call(t.Context(), abi.OpParse, bytes.Repeat([]byte("x\n"), translate.MaxSentences+1), [32]byte{}); !errors.Is(err, plugins.ErrRefused) {
		t.Error(err)
	}
}

func BenchmarkModule(b *testing.B) {
	r := request(b, "beta")
	k := draw(b, r)
	score := abi.ScoreRequest{Public: k.task.Public, Private: k.task.Private}
	for _, name := range []string{model.Good, model.Baseline, model.Lazy} {
		score.Payloads = append(score.Payloads, solve(b, name, &k.public).Append(nil))
	}
	vector.Bench(b, "module", vector.Scaled(r.Append(nil), score))
}

func BenchmarkSolver(b *testing.B) { vector.Bench(b, "solver", solverVectors(b)[:3]) }
