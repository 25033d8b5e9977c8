package subnets_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

var alike = engine(func(context.Context, []byte) ([]byte, error) { return []byte("same"), nil })

// moods are the parameters of the guest module, which picks one for each round.
func moods(p ledger.SubnetParams, of string) ledger.SubnetParams {
	p.SkipMax, p.Module = 1000, []byte(of)
	return p
}

// TestScoresWaitForTheChain: rounds that are scored by what the chain will hold
// carry it with proofs, which replay holds against the hashes of blocks.
func TestScoresWaitForTheChain(t *testing.T) {
	t.Parallel()
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{1, 5, 9}, 2), "p"), honest("one", alike), honest("other", alike))
	a.revealed(1)
	bundles := a.equal(1)
	rec := a.record(1)
	scores := map[uint64]bool{}
	for _, b := range bundles {
		for i := range b.Rounds {
			r := &b.Rounds[i]
			begin := round.Begin(rec, &a.subnet().Params, uint16(i))
			if r.Skipped || len(r.Inputs) != 4 || len(r.Headers) != 2 || r.Inputs[1].Key != abi.PriceKey(1) || r.Inputs[0].Height != begin+3 {
				t.Fatalf("round %d: skipped %v, %d inputs, %d headers", i, r.Skipped, len(r.Inputs), len(r.Headers))
			}
			scores[r.Responses[0].Leaf.Score] = true
		}
		// Verify, which has no module, checks them too.
		if rep, err := evidence.Verify(a.ctx, a.now(), b, nil); err != nil || !rep.Equal() {
			t.Errorf("%+v, %v", rep, err)
		}
	}
	if len(scores) < 3 {
		t.Errorf("the values of the chain made %d scores", len(scores))
	}
	other := a.bundle(1, 1)
	for _, c := range []struct {
		name, what string
		forge      func(r *evidence.Round)
	}{
		{"a value altered", "input R at block", func(r *evidence.Round) {
			r.Inputs[0].Record = append([]byte{}, r.Inputs[0].Record...)
			r.Inputs[0].Record[0]++
		}},
		{"a price altered", "input price/1 at block", func(r *evidence.Round) {
			r.Inputs[1].Record = append([]byte{}, r.Inputs[1].Record...)
			r.Inputs[1].Record[9]++
		}},
		{"a path altered", "input R at block", func(r *evidence.Round) { r.Inputs[2].Path[0][3]++ }},
		{"a path cut off", "input price/1", func(r *evidence.Round) { r.Inputs[1].Path = r.Inputs[1].Path[1:] }},
		{"a root altered", "header", func(r *evidence.Round) { r.Headers[0].Root[0]++ }},
		{"a header altered", "header", func(r *evidence.Round) { r.Headers[1].Path[2][0]++ }},
		{"a header of another height", "header", func(r *evidence.Round) { r.Headers[1].Height++ }},
		{"a header of a block to come", "header", func(r *evidence.Round) { r.Headers[1].Height += 1 << 40 }},
		{"a header left out", "input", func(r *evidence.Round) { r.Headers = r.Headers[:1] }},
		{"a header too many", "headers", func(r *evidence.Round) { r.Headers = append(r.Headers, other.Rounds[2].Headers[1]) }},
		{"an input left out", "inputs", func(r *evidence.Round) { r.Inputs = r.Inputs[:3] }},
		{"an input of another height", "input", func(r *evidence.Round) { r.Inputs[0], r.Inputs[2] = r.Inputs[2], r.Inputs[0] }},
		{"no inputs", "inputs", func(r *evidence.Round) { r.Inputs, r.Headers = nil, nil }},
		{"a score by other values", "score", func(r *evidence.Round) { r.Responses[0].Leaf.Score++ }},
	} {
		b := a.bundle(0, 1)
		c.forge(&b.Rounds[1])
		rep, err := evidence.Replay(a.ctx, a.now(), a.module, b, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if rep.Equal() || rep.Diff.Round != 1 || !strings.HasPrefix(rep.Diff.What, c.what) {
			t.Errorf("%s: %v, want %s", c.name, rep.Diff, c.what)
		}
	}
	// The hashes of old blocks leave the state; a view that knows them otherwise
	// serves as well.
	forgetful := forgets{a.now(), nil}
	b := a.bundle(0, 1)
	if _, err := evidence.Replay(a.ctx, forgetful, a.module, b, nil); !errors.Is(err, evidence.ErrTooOld) {
		t.Errorf("a state without hashes: %v", err)
	}
	rep, err := evidence.Replay(a.ctx, remembers{forgetful, a.chain}, a.module, b, nil)
	if err != nil || !rep.Equal() {
		t.Errorf("a view that knows older blocks: %+v, %v", rep, err)
	}
	b.Rounds[0].Headers[0].Path[0][0]++
	if rep, err := evidence.Replay(a.ctx, remembers{forgetful, a.chain}, a.module, b, nil); err != nil || rep.Equal() || rep.Diff.What != "header" {
		t.Errorf("a forged header against an older block: %+v, %v", rep, err)
	}
}

// forgets is a state whose hashes of blocks are gone.
type forgets struct {
	view
	_ []byte
}

func (f forgets) Get(k []byte) ([]byte, error) {
	if strings.HasPrefix(string(k), "hash/") {
		return nil, nil
	}
	return f.view.Get(k)
}

// remembers knows the hashes of all blocks.
type remembers struct {
	forgets
	c *chain
}

func (r remembers) BlockHash(h ledger.Height) ([32]byte, error) {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	return r.c.header(h).Hash(), nil
}

// TestBadWaits: tasks that ask for what nobody can give skip their rounds.
func TestBadWaits(t *testing.T) {
	t.Parallel()
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{1, 4, 7, 10}, 2), "neg"), honest("one", alike), honest("other", alike))
	a.wait("rounds of both kinds", func() bool {
		good, bad := 0, 0
		for i := range validators {
			good += len(a.told(i, "round"))
			for _, e := range a.told(i, "skipped") {
				if bad++; !errors.Is(e.Err, round.ErrInputs) {
					t.Errorf("skipped for %v", e.Err)
				}
			}
		}
		return good > 0 && bad > 3
	})
}

// TestStoppedWhileWaiting: a round that waits for the chain is asked once, and
// scored by the next run; one whose values cannot be proved any more is skipped
// and says so.
func TestStoppedWhileWaiting(t *testing.T) {
	t.Parallel()
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{2, 12}, 2), "p"), honest("one", alike), honest("other", alike))
	asked := func(i int) (ids []string) {
		for k := range a.keeps[i].copy() {
			if strings.HasPrefix(k, "asked/") {
				ids = append(ids, k)
			}
		}
		return ids
	}
	// The first run ends while its round waits, the second finds it.
	a.wait("a round that waits", func() bool { return len(asked(0)) > 0 })
	a.stop[0]()
	if n := len(a.told(0, "round")); n != 0 {
		t.Fatalf("%d rounds were scored before their values were there", n)
	}
	a.startValidator(0)
	a.wait("the round's scores", func() bool { return len(a.told(0, "round")) > 0 })
	if e := a.told(0, "round")[0]; e.Round != 0 || e.Epoch != 1 || len(a.told(0, "skipped")) > 0 {
		t.Fatalf("%+v", e)
	}
	// The second time it stays away for as long as no node proves what was.
	a.wait("another round that waits", func() bool { return len(asked(0)) > 0 })
	a.stop[0]()
	at := a.clock().Epoch
	a.keepGoing.Store(true)
	left := a.tall()
	a.wait("many blocks", func() bool { return a.tall() > left+25 })
	a.keepGoing.Store(false)
	a.startValidator(0)
	a.wait("the round's end", func() bool { return len(a.told(0, "skipped")) > 0 })
	if e := a.told(0, "skipped")[0]; e.Epoch != at || e.Err == nil || !strings.Contains(e.Err.Error(), "can no longer be proved") && !strings.Contains(e.Err.Error(), "is over") {
		t.Errorf("%+v", e)
	}
}
