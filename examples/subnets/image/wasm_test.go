package image_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/image"
	"github.com/plexus-network/plexus/examples/subnets/image/model"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/plugins"
)

// TestModule runs the golden vectors through the real modules.
func TestModule(t *testing.T) {
	vector.Sandbox(t, "module", vectors(t), "testdata/golden.txt")
	vector.Sandbox(t, "solver", solverVectors(t), "testdata/solver.txt")
}

// TestModuleLimits: the costliest answers of 256 miners stay within the manifest's
// fuel and memory, so that no miner can stop the scoring.
func TestModuleLimits(t *testing.T) {
	const part = 8 // of 256 answers, to be quick
	m := vector.Load(t, "module", false)
	public := draw(t, "beta").Public
	longest := len(image.AppendAnswer(nil, [][]byte{make([]byte, image.MaxPicture), make([]byte, image.MaxPicture),
		make([]byte, image.MaxPicture), make([]byte, image.MaxPicture)}))
	if longest > int(m.Manifest().Answer) {
		t.Errorf("longest answer of %d bytes, manifest %d", longest, m.Manifest().Answer)
	}
	var list []vector.Vector
	for _, c := range []struct {
		name    string
		picture []byte
	}{
		{"noise", noise()}, {"bombs", bomb(image.Side)}, {"universal", catalogue()}, {"nested frames", frames()}, {"one-pixel stripes", painted(func(x, y int) image.Color {
			return image.Color(x % 2 * (1 + x/2%7))
		})},
	} {
		most := &abi.ScoreRequest{Public: public}
		for i := range 256 / part { // each a little different, else it is looked at once
			most.Payloads = append(most.Payloads, image.AppendAnswer(nil, [][]byte{c.picture, c.picture, c.picture, fmt.Append(nil, i)}))
		}
		list = append(list, vector.Vector{Name: "score of " + c.name, Op: abi.OpScore, Input: most.Append(nil)})
	}
	vector.Limits(t, m, part, list)
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

func BenchmarkModule(b *testing.B) {
	score := abi.ScoreRequest{Public: draw(b, "beta").Public}
	for i := range 256 { // each looked at, since none is as another
		mode := []string{model.Good, model.Baseline, model.Lazy, model.Good}[i%4]
		r := &abi.SolveRequest{Params: []byte(mode), Public: score.Public, Seed: [32]byte{byte(i)}}
		answer, err := model.Solve(r)
		if err != nil {
			b.Fatal(err)
		}
		score.Payloads = append(score.Payloads, answer)
	}
	list := vector.Scaled((&abi.TaskRequest{Beta: [32]byte{1}}).Append(nil), score)
	score.Payloads = score.Payloads[:4]
	vector.Bench(b, "module", append(list, vector.Vector{Name: "score/4", Op: abi.OpScore, Input: score.Append(nil)}))
}

func BenchmarkSolver(b *testing.B) { vector.Bench(b, "solver", solverVectors(b)[:3]) }
