package model

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/image"
	"github.com/plexus-network/plexus/examples/subnets/internal/order"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const copier = "copier"

var names = []string{Good, Baseline, Lazy, copier}

// The scores are of a field of all four.
var claim = order.Claim{
	Expected: map[string]float64{Good: 1, Baseline: 0.47, Lazy: 0.05, copier: 0.05},
	Above:    [][2]string{{Good, Baseline}, {Baseline, Lazy}, {Baseline, copier}},
	Margin:   0.05, Few: 4,
}

func task(t testing.TB, seed uint64) []byte {
	t.Helper()
	r := &abi.TaskRequest{}
	binary.LittleEndian.PutUint64(r.Beta[:], seed)
	out, err := image.DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	return out.Public
}

func answer(t testing.TB, mode string, public []byte) []byte {
	t.Helper()
	b, err := Solve(&abi.SolveRequest{Params: []byte(mode), Public: public})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOrder plays 256 tasks. The copier has the solver's answer to the task before.
func TestOrder(t *testing.T) {
	played := order.Played{}
	before := answer(t, Good, task(t, 1<<40))
	for i := range uint64(256) {
		public := task(t, i)
		good := answer(t, Good, public)
		r := &abi.ScoreRequest{Public: public, Payloads: [][]byte{good, answer(t, Baseline, public), answer(t, Lazy, public), before}}
		before = good
		scores, err := image.Score(r)
		if err != nil {
			t.Fatal(err)
		}
		played.Add(names, scores)
	}
	claim.Check(t, played)
}

// TestSolverSolves: the solver satisfies every prompt that is drawn, and leaves no
// doubt which.
func TestSolverSolves(t *testing.T) {
	for i := range uint64(150) {
		public := task(t, 1<<32+i)
		s, err := image.Score(&abi.ScoreRequest{Public: public, Payloads: [][]byte{answer(t, Good, public)}})
		if err != nil || s[0] != abi.One {
			prompts, _ := image.DecodeTask(public)
			t.Errorf("task %d: %v scores %d, %v", i, prompts, s, err)
		}
	}
}

// A prompt that contradicts itself, or has more than fits, costs the solver a
// bounded search, and gets a picture all the same.
func TestUnsolvable(t *testing.T) {
	for _, text := range []string{
		"on white: one red circle, one blue circle; the red circle left of the blue circle; the blue circle left of the red circle",
		"on white: one red circle; the red circle in the left half; the red circle in the right half",
		"on white: six large red circles, six large blue circles, six large green circles",
		"on white: one hollow red circle, one hollow blue circle; the hollow red circle inside the hollow blue circle; the hollow blue circle inside the hollow red circle",
		"on white: one hollow red triangle, six large blue circles; the blue circles inside the hollow red triangle",
	} {
		p, err := image.ParsePrompt(text)
		if err != nil {
			t.Fatal(err)
		}
		pic := Draw(p, Good, sdk.NewRand([32]byte{}, 0))
		if _, err := image.DecodePNG(image.EncodePNG(pic)); err != nil || len(pic.Pixels) != image.Side*image.Side {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSolve(t *testing.T) {
	public := task(t, 5)
	for _, mode := range []string{Good, Baseline, Lazy} {
		r := &abi.SolveRequest{Params: []byte(mode), Public: public}
		first, err := Solve(r)
		again, _ := Solve(r)
		if err != nil || !bytes.Equal(first, again) {
			t.Errorf("%s is not a function of its request, %v", mode, err)
		}
		r.Params, r.Seed = []byte(mode+"\nany data"), [32]byte{1}
		if other, err := Solve(r); err != nil || bytes.Equal(first, other) != (mode == Lazy) {
			t.Errorf("%s and another seed: %v", mode, err)
		}
	}
	for _, r := range []*abi.SolveRequest{{Public: public}, {Params: []byte("best"), Public: public}, {Params: []byte(Good), Public: []byte("x")}} {
		if _, err := Solve(r); err == nil {
			t.Errorf("%q was answered", r.Params)
		}
	}
}
