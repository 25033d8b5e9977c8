package speech_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
	"github.com/plexus-network/plexus/plugins"
)

// TestModule runs the golden vectors through the real modules.
func TestModule(t *testing.T) {
	vector.Sandbox(t, "module", vectors(t), "testdata/golden.txt")
	vector.Sandbox(t, "solver", solverVectors(t), "testdata/solver.txt")
}

// TestSolver: on a whole task, which takes the interpreter ten seconds, the solver
// module answers byte for byte what the package does.
func TestSolver(t *testing.T) {
	public := draw(t, "beta").Public
	m := vector.Load(t, "solver", false)
	for _, mode := range []string{model.Good, model.Baseline, model.Lazy} {
		reply, err := m.Call(t.Context(), abi.OpSolve, solveRequest(mode, public).Append(nil), [32]byte{1})
		if err != nil || !bytes.Equal(reply.Body, solve(t, mode, public)) {
			t.Errorf("%s: the module answers otherwise than the package, %v", mode, err)
		}
	}
}

// TestModuleLimits: the largest calls of the contract stay within the manifest's
// fuel and memory, so that no miner and no number of miners can stop the scoring.
func TestModuleLimits(t *testing.T) {
	m := vector.Load(t, "module", false)
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
	vector.Limits(t, m, 1, []vector.Vector{
		{Name: "task of the longest recordings", Op: abi.OpTask, Input: (&abi.TaskRequest{Slices: [][]byte{slice, slice, slice}}).Append(nil)},
		{Name: "task of the longest speech", Op: abi.OpTask, Input: (&abi.TaskRequest{Slices: [][]byte{{2}, {2}, {2}}}).Append(nil)},
		{Name: "score of the most answers", Op: abi.OpScore, Input: most.Append(nil)},
		{Name: "rank of the most miners", Op: abi.OpRank, Input: rank.Append(nil)},
	})
	if _, err := m.Call(t.Context(), abi.OpParse, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) {
		t.Error(err)
	}
}

func BenchmarkModule(b *testing.B) {
	task := draw(b, "beta")
	score := abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for i := range 256 {
		w := func(k int) string {
			return speech.Words[(i+k)%20] + " " + speech.Words[(i*7+k)%20] + " " + speech.Words[i%13]
		}
		score.Payloads = append(score.Payloads, texts(w(0), w(1), w(2)))
	}
	list := vector.Scaled(request("beta").Append(nil), score)
	score.Payloads = score.Payloads[:4]
	vector.Bench(b, "module", append(list, vector.Vector{Name: "score/4", Op: abi.OpScore, Input: score.Append(nil)}))
}

// BenchmarkSolver measures answers to a whole task.
func BenchmarkSolver(b *testing.B) {
	public := draw(b, "beta").Public
	var list []vector.Vector
	for _, mode := range []string{model.Good, model.Baseline, model.Lazy} {
		list = append(list, vector.Vector{Name: mode, Op: abi.OpSolve, Input: solveRequest(mode, public).Append(nil)})
	}
	vector.Bench(b, "solver", list)
}
