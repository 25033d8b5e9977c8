package subnets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestForgedEvidence: a validator that publishes, commits and reveals something
// else than it should have, with all its keys and consistently, is found by
// replay, which names what, where and whose.
func TestForgedEvidence(t *testing.T) {
	t.Parallel()
	const e = 2 // the second epoch, so that there is a carry
	w := newBench(t, []uint16{1, 3, 5}, 4, 3)
	first := w.make(0, 1, w.rounds(0, 1), nil)
	w.next()
	if code := w.commit(0, first, first.open); code != ledger.OK {
		t.Fatal(code)
	}
	honest := w.rounds(0, e)
	w.next()
	victim := int(honest[1].Responses[1].Leaf.Index)

	for _, c := range []struct {
		name   string
		rounds func(t *testing.T, w *bench, r []evidence.Round)
		in     []evidence.Carried
		bundle func(w *bench, m *made) // after the ranking
		what   string                  // "" for equal
		round  int
		miner  int // roster index, 0 for none
	}{
		{name: "honest"},
		{name: "alters a score", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].Responses[1].Leaf.Score += abi.One / 8 },
			what: "score", round: 1, miner: victim},
		{name: "gives a silent miner a score", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) {
			x := &r[1].Responses[1]
			x.Answer, x.Payload, x.Leaf = nil, nil, evidence.Leaf{Round: 1, Index: uint16(victim), Status: evidence.None, Score: 9}
			r[1].ScoreFuel = 0
		}, what: "score", round: 1, miner: victim},
		{name: "calls an answer none and keeps it", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Responses[1].Leaf.Status, r[1].Responses[1].Leaf.Score = evidence.None, 0
			w.rescore(0, e, &r[1])
		}, what: "status", round: 1, miner: victim},
		{name: "calls a payload withheld and keeps it", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Responses[1].Leaf.Status, r[1].Responses[1].Leaf.Score = evidence.Withheld, 0
			w.rescore(0, e, &r[1])
		}, what: "status", round: 1, miner: victim},
		{name: "makes up a payload for a withheld one", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Responses[1].Payload.Data = []byte{255}
			w.rescore(0, e, &r[1])
		}, what: "status", round: 1, miner: victim},
		{name: "swaps the answers of two miners", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			a, b := &r[1].Responses[0], &r[1].Responses[1]
			a.Answer, b.Answer, a.Receipt, b.Receipt, a.Payload, b.Payload, a.Leaf.Hash, b.Leaf.Hash =
				b.Answer, a.Answer, b.Receipt, a.Receipt, b.Payload, a.Payload, b.Leaf.Hash, a.Leaf.Hash
			w.rescore(0, e, &r[1])
		}, what: "signature", round: 1, miner: int(honest[1].Responses[0].Leaf.Index)},
		{name: "answers for a miner with its own key", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			a := round.SignAnswer(w.hot[0], round.Answer{Request: round.RequestHash(r[1].Responses[1].Request.Body), Hash: r[1].Responses[1].Leaf.Hash})
			r[1].Responses[1].Answer, r[1].Responses[1].Receipt = &a, round.SignReceipt(w.hot[0], a)
		}, what: "signature", round: 1, miner: victim},
		{name: "leaves out a receipt's signature", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].Responses[1].Receipt = key.Signature{} },
			what: "signature", round: 1, miner: victim},
		{name: "names another hash in the leaf", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].Responses[1].Leaf.Hash[0] ^= 1 },
			what: "signature", round: 1, miner: victim},
		{name: "gives a friend more time", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			req, err := r[1].Responses[1].Request.OpenRequest()
			if err != nil {
				t.Fatal(err)
			}
			req.DeadlineMS = 120_000
			leaf := r[1].Responses[1].Leaf
			r[1].Responses[1] = w.exchange(0, victim, &req, r[1].Responses[1].Payload.Data)
			r[1].Responses[1].Leaf.Score = leaf.Score
		}, what: "signature", round: 1, miner: victim},
		{name: "takes an answer longer than the manifest allows", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Responses[1] = w.respond(0, e, &r[1], victim, append([]byte{200}, make([]byte, 16)...))
			w.rescore(0, e, &r[1])
		}, what: "status", round: 1, miner: victim},
		{name: "reuses an exchange of another round", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Responses[1] = w.respond(0, e, &r[0], victim, []byte{250})
			r[1].Responses[1].Leaf.Round = 1
			w.rescore(0, e, &r[1])
		}, what: "signature", round: 1, miner: victim},
		{name: "picks another task", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Task = round.TaskHash([]byte("an easy one"))
			for j := range r[1].Responses {
				x := &r[1].Responses[j]
				score := x.Leaf.Score
				*x = w.respond(0, e, &r[1], int(x.Leaf.Index), x.Payload.Data)
				x.Leaf.Score = score
			}
		}, what: "task", round: 1},
		{name: "says another fuel for the task", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].TaskFuel++ }, what: "task fuel", round: 1},
		{name: "says another fuel for the scores", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].ScoreFuel++ }, what: "score fuel", round: 1},
		{name: "reuses the proof of another round", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].Proof = r[0].Proof }, what: "proof", round: 1},
		{name: "plays one round twice", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1] = r[0] }, what: "round number", round: 1},
		{name: "leaves out a round", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) {}, bundle: func(w *bench, m *made) { m.Rounds = m.Rounds[:2] },
			what: "rounds", round: -1},
		{name: "skips a round that was due", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1] = evidence.Round{Round: 1, Skipped: true} }},
		{name: "skips more than may be", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) {
			r[1], r[2] = evidence.Round{Round: 1, Skipped: true}, evidence.Round{Round: 2, Skipped: true}
		}, what: "skipped rounds", round: -1},
		{name: "hides scores in a skipped round", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) {
			r[1] = evidence.Round{Round: 1, Skipped: true, Responses: []evidence.Response{{Leaf: evidence.Leaf{Round: 1, Index: uint16(victim), Score: abi.One}}}}
		}, what: "skipped round", round: 1},
		{name: "opens another data slice", rounds: func(_ *testing.T, w *bench, r []evidence.Round) {
			i := (r[1].Slices[0].Index + 1) % 32
			b, proof, _ := w.data.Slice(i)
			r[1].Slices = []evidence.Slice{{Index: i, Data: b, Proof: proof}}
		}, what: "data slice", round: 1},
		{name: "alters a data slice", rounds: func(_ *testing.T, w *bench, r []evidence.Round) {
			r[1].Slices = []evidence.Slice{{Index: r[1].Slices[0].Index, Data: []byte("easy one"), Proof: r[1].Slices[0].Proof}}
		}, what: "data slice", round: 1},
		{name: "opens no data slice", rounds: func(_ *testing.T, _ *bench, r []evidence.Round) { r[1].Slices = nil }, what: "data slices", round: 1},
		{name: "leaves out a miner", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			r[1].Responses = append([]evidence.Response(nil), r[1].Responses[:2]...)
			w.rescore(0, e, &r[1])
		}, what: "asked set", round: 1},
		{name: "asks a friend instead", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			asked := map[uint16]bool{}
			for _, x := range r[1].Responses {
				asked[x.Leaf.Index] = true
			}
			for k := validators; k < len(w.hot); k++ {
				if !asked[uint16(k)] {
					r[1].Responses[1] = w.respond(0, e, &r[1], k, []byte{255})
				}
			}
			w.rescore(0, e, &r[1])
		}, what: "asked set", round: 1},
		{name: "invents scores where the module traps", rounds: func(t *testing.T, w *bench, r []evidence.Round) {
			score := r[1].Responses[1].Leaf.Score
			r[1].Responses[1] = w.respond(0, e, &r[1], victim, []byte("trap"))
			r[1].Responses[1].Leaf.Score = score
		}, what: "scores", round: 1},
		{name: "changes a weight", bundle: func(w *bench, m *made) { m.Row = ledger.NewRow([]uint64{0, 0, 0, 1, 1, 1, 7}) }, what: "weight", round: -1, miner: 3},
		{name: "weighs itself", bundle: func(w *bench, m *made) { m.Row = ledger.NewRow([]uint64{1}) }, what: "weight", round: -1},
		{name: "commits other weights than its bundle shows", bundle: func(w *bench, m *made) {
			m.open.Row = ledger.NewRow([]uint64{0, 0, 0, 0, 0, 0, 7})
			m.root = m.Root()
		}, what: "weight", round: -1, miner: 3},
		{name: "says another fuel for the ranking", bundle: func(w *bench, m *made) { m.RankFuel++ }, what: "rank fuel", round: -1},
		{name: "leaves another carry", bundle: func(w *bench, m *made) { m.CarryOut = m.CarryOut[1:] }, what: "carry out", round: -1},
		{name: "commits another carry out than its bundle shows", bundle: func(w *bench, m *made) {
			m.open.CarryOut = [32]byte{5}
			m.root = m.Root()
		}, what: "carry out", round: -1},
		{name: "starts from another carry than it committed", in: []evidence.Carried{}, bundle: func(w *bench, m *made) {
			m.open.CarryIn = evidence.CarryHash(first.CarryOut)
			m.root = m.Root()
		}, what: "carry in", round: -1},
		{name: "commits the root of another bundle", bundle: func(w *bench, m *made) { m.root[0] ^= 1 }, what: "evidence root", round: -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.twin(t)
			rounds := make([]evidence.Round, len(honest))
			for i := range honest {
				rounds[i] = honest[i]
				rounds[i].Responses = append([]evidence.Response(nil), honest[i].Responses...)
				for j := range rounds[i].Responses {
					if p := rounds[i].Responses[j].Payload; p != nil {
						q := *p
						rounds[i].Responses[j].Payload = &q
					}
				}
			}
			if c.rounds != nil {
				c.rounds(t, w, rounds)
			}
			in := first.CarryOut
			if c.in != nil {
				in = c.in
			}
			m := w.make(0, e, rounds, in)
			if c.bundle != nil {
				open, root := m.open, m.root
				c.bundle(w, m)
				if open.Row.Weights == nil {
					t.Fatal("no weights")
				}
				if same(m.open, open) && m.root == root {
					m.seal()
				}
			}
			if code := w.commit(0, m, m.open); code != ledger.OK {
				t.Fatalf("the ledger refuses it: %s", code)
			}
			r, err := evidence.Replay(context.Background(), w.now(), native{}, m.Bundle, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.what == "" && !r.Equal():
				t.Errorf("%s", r.Diff)
			case c.what == "":
			case r.Equal():
				t.Errorf("replay finds nothing, want %q", c.what)
			case r.Diff.What != c.what || r.Diff.Round != c.round:
				t.Errorf("replay finds %s, want %q in round %d", r.Diff, c.what, c.round)
			case c.miner != 0 && r.Diff.Hotkey != w.hot[c.miner].Public():
				t.Errorf("replay names %s, want %s: %s", r.Diff.Hotkey, w.hot[c.miner].Public(), r.Diff)
			}
			// What needs no module is found without one, and named the same.
			v, err := evidence.Verify(context.Background(), w.now(), m.Bundle, nil)
			if err != nil {
				t.Fatal(err)
			}
			manifest := c.name == "calls a payload withheld and keeps it" || c.name == "takes an answer longer than the manifest allows" || c.name == "opens no data slice"
			switch c.what {
			case "signature", "status", "asked set", "proof", "data slice", "data slices", "round number", "evidence root", "carry in":
				if manifest { // tells the longest answer and the number of slices
					break
				}
				if v.Equal() || v.Diff.What != r.Diff.What || v.Diff.Round != r.Diff.Round {
					t.Errorf("without the module: %v, want %s", v.Diff, r.Diff)
				}
			case "", "score", "task", "task fuel", "score fuel", "rank fuel":
				if !v.Equal() {
					t.Errorf("without the module: %s", v.Diff)
				}
			}
		})
	}
}

func same(a, b ledger.Opening) bool { return string(a.Append(nil)) == string(b.Append(nil)) }

// TestForgeryRefusedByLedger: what the ledger can see, it does not pay for.
func TestForgeryRefusedByLedger(t *testing.T) {
	t.Parallel()
	w := newBench(t, []uint16{1, 3}, 3, 2)
	first := w.make(0, 1, w.rounds(0, 1), nil)
	w.next()
	other := first.open
	other.Row = ledger.NewRow([]uint64{0, 0, 0, 0, 0, 1})
	if code := w.twin(t).commit(0, first, other); code != ledger.CodeCommitment {
		t.Errorf("a weight changed after the commit: %s", code)
	}
	swapped := *first
	swapped.open.CarryIn = [32]byte{1}
	if code := w.twin(t).commit(0, &swapped, swapped.open); code != ledger.CodeCarry {
		t.Errorf("a carry out of nowhere: %s", code)
	}
	// Evidence of one validator is worth nothing in the hand of another.
	if code := w.twin(t).commit(1, first, first.open); code != ledger.OK {
		t.Fatal(code)
	}
	if code := w.commit(0, first, first.open); code != ledger.OK {
		t.Fatal(code)
	}
	e2 := w.rounds(0, 2)
	w.next()
	m := w.make(0, 2, e2, nil)
	if code := w.commit(0, m, m.open); code != ledger.CodeCarry {
		t.Errorf("an empty carry where there is one: %s", code)
	}
}

// TestWithheldEvidence: what is not revealed, or not what was committed, cannot
// be passed off as replayed.
func TestWithheldEvidence(t *testing.T) {
	t.Parallel()
	w := newBench(t, []uint16{1}, 3, 2)
	m := w.make(0, 1, w.rounds(0, 1), nil)
	if _, err := evidence.Replay(context.Background(), w.now(), native{}, m.Bundle, nil); !errors.Is(err, evidence.ErrNoReveal) {
		t.Errorf("nothing committed: %v", err)
	}
	w.next()
	alone := w.twin(t)
	if code := w.commit(0, m, m.open); code != ledger.OK {
		t.Fatal(code)
	}
	copied := *m.Bundle
	copied.Validator = w.hot[1].Public()
	if _, err := evidence.Replay(context.Background(), w.now(), native{}, &copied, nil); !errors.Is(err, evidence.ErrNoReveal) {
		t.Errorf("another's evidence without a reveal of its own: %v", err)
	}
	copied.Validator, copied.Epoch = m.Validator, 9
	if _, err := evidence.Replay(context.Background(), w.now(), native{}, &copied, nil); !errors.Is(err, evidence.ErrNoRecord) {
		t.Errorf("an epoch that never was: %v", err)
	}
	// A second validator commits the first one's bundle as its own.
	mine := *m
	if code := alone.commit(1, &mine, mine.open); code != ledger.OK {
		t.Fatal(code)
	}
	stolen := *m.Bundle
	stolen.Validator = alone.hot[1].Public()
	r, err := evidence.Replay(context.Background(), alone.now(), native{}, &stolen, nil)
	if err != nil || r.Equal() || r.Diff.What != "proof" {
		t.Errorf("another's evidence: %v, %+v", err, r)
	}
	// Another bundle than the one committed is refused before any replay.
	file, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := evidence.Decode(file, [32]byte{1}); !errors.Is(err, evidence.ErrBundle) {
		t.Error(err)
	}
}

// TestDeniedAnswer: a validator that has receipted an answer and drops it with
// every trace tells a story that fits: replay has only the bundle and sees
// "none". What contradicts it is in the miner's hands: the receipt over the
// answer to this very request.
func TestDeniedAnswer(t *testing.T) {
	t.Parallel()
	w := newBench(t, []uint16{1}, 3, 2)
	rounds := w.rounds(0, 1)
	x := &rounds[0].Responses[0]
	answer, receipt, miner := *x.Answer, x.Receipt, w.roster(1)[x.Leaf.Index].Hotkey
	x.Answer, x.Payload, x.Receipt = nil, nil, key.Signature{}
	x.Leaf = evidence.Leaf{Index: x.Leaf.Index, Status: evidence.None}
	w.rescore(0, 1, &rounds[0])
	m := w.make(0, 1, rounds, nil)
	w.next()
	if code := w.commit(0, m, m.open); code != ledger.OK {
		t.Fatal(code)
	}
	r, err := evidence.Replay(context.Background(), w.now(), native{}, m.Bundle, nil)
	if err != nil || !r.Equal() {
		t.Fatalf("%v, %+v", err, r)
	}
	published := m.Rounds[0].Responses[0]
	if _, err := answer.OpenAnswer(published.Request.Body, miner); err != nil {
		t.Error(err)
	}
	if err := round.CheckReceipt(m.Validator, answer, receipt); err != nil || published.Leaf.Status != evidence.None {
		t.Errorf("the receipt does not contradict: %v", err)
	}
}
