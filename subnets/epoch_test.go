package subnets_test

import (
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestEpoch: drawn, asked, scored, published, committed, revealed, replayed and
// paid; two epochs, so that the second starts from the carry of the first.
func TestEpoch(t *testing.T) {
	t.Parallel()
	a := newArena(t, textModule(t), corpus(t), params([]uint16{1, 5, 9}, 3),
		honest("order0", solver(t)), honest("twin", solver(t)), honest("constant", constant))
	a.revealed(1)
	better, worse := uint64(0), uint64(0)
	for _, b := range a.equal(1) {
		if len(b.Rounds) != 3 || len(b.CarryIn) != 0 || len(b.CarryOut) != 3 {
			t.Errorf("%d rounds, carries %d and %d", len(b.Rounds), len(b.CarryIn), len(b.CarryOut))
		}
		shares(t, b, map[int]bool{validators: true, validators + 1: true})
		for i := range b.Rounds {
			r := &b.Rounds[i]
			if r.Skipped || len(r.Responses) != 3 || r.TaskFuel == 0 || r.ScoreFuel == 0 || len(r.Slices) != 32 {
				t.Fatalf("round %d: skipped %v, %d responses", i, r.Skipped, len(r.Responses))
			}
			for j := range r.Responses {
				l := &r.Responses[j].Leaf
				if l.Status != evidence.Answered || l.Score == 0 || l.Score > abi.One {
					t.Errorf("round %d miner %d: %s, score %d", i, l.Index, l.Status, l.Score)
				}
				if l.Index == validators+2 {
					worse += l.Score
				} else {
					better += 2 * l.Score // it is shared with the twin
				}
			}
		}
	}
	if better/2 <= worse {
		t.Errorf("the better model scored %d, the constant %d", better/2, worse)
	}
	a.revealed(2)
	for i, b := range a.equal(2) {
		first := a.bundle(i, 1)
		if evidence.CarryHash(b.CarryIn) != evidence.CarryHash(first.CarryOut) || len(b.CarryIn) != 3 {
			t.Errorf("validator %d does not start from what it left", i)
		}
	}
	for i := range a.hot {
		if i >= validators && a.earned(i) == 0 {
			t.Errorf("miner %s earned nothing", a.parts[i-validators].name)
		}
	}
	if len(a.refused) > 0 {
		t.Error(a.refused)
	}
}

// shares checks that the miners of equal payloads have the same score above 0.
func shares(t *testing.T, b *evidence.Bundle, alike map[int]bool) {
	t.Helper()
	for i := range b.Rounds {
		var payload []byte
		var score uint64
		for j := range b.Rounds[i].Responses {
			r := &b.Rounds[i].Responses[j]
			if !alike[int(r.Leaf.Index)] {
				continue
			}
			if r.Leaf.Status != evidence.Answered {
				t.Fatalf("round %d: miner %d: %s", i, r.Leaf.Index, r.Leaf.Status)
			}
			if payload == nil {
				payload, score = r.Payload.Data, r.Leaf.Score
			}
			if string(payload) != string(r.Payload.Data) || score != r.Leaf.Score || score == 0 {
				t.Errorf("round %d: equal payloads have scores %d and %d", i, score, r.Leaf.Score)
			}
		}
	}
}

// TestRestart: a validator that ends in the middle of an epoch, and again
// between commit and reveal, loses no finished round and reveals what it
// committed.
func TestRestart(t *testing.T) {
	t.Parallel()
	a := newArena(t, textModule(t), corpus(t), params([]uint16{1, 5, 9}, 2), honest("order0", solver(t)), honest("constant", constant))
	a.wait("first round", func() bool { return len(a.told(0, "round")) > 0 })
	kept := a.keeps[0].copy()
	a.stop[0]()
	a.startValidator(0)
	a.wait("commit", func() bool {
		com, err := ledger.LoadCommitted(a.now(), netuid, 1, a.hot[0].Public())
		return err == nil && com != nil
	})
	a.stop[0]()
	after := a.keeps[0].copy()
	for k, v := range kept {
		if strings.HasPrefix(k, "finished/") && string(after[k]) != string(v) {
			t.Errorf("a round kept before the restart was changed by it")
		}
	}
	a.startValidator(0)
	a.revealed(1)
	b := a.equal(1)[0]
	if n := len(a.told(0, "evidence")); n != 1 {
		t.Errorf("evidence of epoch 1 was made %d times", n)
	}
	first := a.told(0, "round")[0].Round
	if b.Rounds[first].Skipped {
		t.Error("the round finished before the restart is missing")
	}
	done := 0
	for i := range b.Rounds {
		if !b.Rounds[i].Skipped {
			done++
		}
	}
	if done < 2 {
		t.Errorf("%d of 3 rounds survive two restarts", done)
	}
	seen := map[uint16]bool{}
	for _, e := range a.told(0, "round") {
		if e.Epoch == 1 && seen[e.Round] {
			t.Errorf("round %d was run twice", e.Round)
		}
		seen[e.Round] = e.Epoch == 1
	}
}
