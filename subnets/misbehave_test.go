package subnets_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
	"github.com/plexus-network/plexus/subnets/validator"
)

// exchange is what a miner that does not keep to the rules has in hand.
type exchange struct {
	ctx    context.Context
	s      *p2p.Stream
	hot    key.Seed
	req    round.Request
	ask    round.Ask
	body   []byte // of the request
	public []byte
}

// rogue serves requests with a function of its own.
func rogue(name string, fn func(x *exchange)) part {
	return part{name: name, start: func(a *arena, i int, net *p2p.Host) {
		net.Handle("work", rogueHandler(a.t, name, a.hot[i], fn))
	}}
}

func rogueHandler(t testing.TB, name string, hot key.Seed, fn func(x *exchange)) func(context.Context, *p2p.Stream) {
	return func(ctx context.Context, s *p2p.Stream) {
		b, err := s.Recv(round.MaxAsk)
		if err != nil {
			return
		}
		ask, err := round.DecodeAsk(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		req, err := ask.Request.OpenRequest()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if ask.Follows() {
			s.Send((&round.Reply{Go: true}).Append(nil))
			if ask.Public, err = s.Recv(ask.Size); err != nil {
				return
			}
		}
		fn(&exchange{ctx: ctx, s: s, hot: hot, req: req, ask: ask, body: ask.Request.Body, public: ask.Public})
	}
}

// announce sends the signed hash of a payload, waits for the receipt and returns
// the payload that would honour it.
func (x *exchange) announce(data []byte) *round.Payload {
	p := &round.Payload{Data: data}
	rand.Read(p.Salt[:])
	a := round.SignAnswer(x.hot, round.Answer{Request: round.RequestHash(x.body), Hash: round.SaltedHash(p.Salt, data)})
	x.s.Send((&round.Reply{Answer: &a}).Append(nil))
	x.s.Recv(256)
	return p
}

func (x *exchange) reply(seed key.Seed, request, hash [32]byte) {
	a := round.SignAnswer(seed, round.Answer{Request: request, Hash: hash})
	x.s.Send((&round.Reply{Answer: &a}).Append(nil))
	x.s.Recv(256)
}

func (x *exchange) sleep(d time.Duration) {
	select {
	case <-x.ctx.Done():
	case <-time.After(d):
	}
}

// TestMiners: whatever a miner does, its leaf says so, it scores nothing for it,
// the others are scored as ever, and replay sees the same.
func TestMiners(t *testing.T) {
	t.Parallel()
	answer, _ := constant(t.Context(), nil)
	cases := []struct {
		part
		want evidence.Status
	}{
		{honest("another model", func(context.Context, []byte) ([]byte, error) { return fixed(" et") }), evidence.Answered},
		{honest("copied", constant), evidence.Answered},
		{honest("copier", constant), evidence.Answered},
		{rogue("another payload", func(x *exchange) {
			p := x.announce(answer)
			p.Data = []byte("something better")
			x.s.Send(p.Append(nil))
		}), evidence.Mismatch},
		{rogue("another salt", func(x *exchange) {
			p := x.announce(answer)
			p.Salt[0] ^= 1
			x.s.Send(p.Append(nil))
		}), evidence.Mismatch},
		{rogue("dies after the hash", func(x *exchange) { x.announce(answer) }), evidence.Withheld},
		{rogue("hangs after the hash", func(x *exchange) { x.announce(answer); x.s.Recv(1) }), evidence.Withheld},
		{rogue("no payload frame", func(x *exchange) { x.announce(answer); x.s.Send([]byte("rubbish")) }), evidence.Withheld},
		{rogue("a byte too long", func(x *exchange) { x.s.Send(x.announce(make([]byte, 4097)).Append(nil)) }), evidence.Withheld},
		{rogue("much too long", func(x *exchange) { x.s.Send(x.announce(make([]byte, 1<<20)).Append(nil)) }), evidence.Withheld},
		{rogue("rubbish of the right form", func(x *exchange) { x.s.Send(x.announce([]byte("rubbish")).Append(nil)) }), evidence.Answered},
		{rogue("late", func(x *exchange) {
			x.sleep(time.Duration(x.req.DeadlineMS/2+700) * time.Millisecond)
			x.announce(answer)
		}), evidence.None},
		{rogue("silent", func(x *exchange) { x.s.Recv(1) }), evidence.None},
		{rogue("hangs up", func(x *exchange) {}), evidence.None},
		{part{name: "away", away: true}, evidence.None},
		{rogue("another request", func(x *exchange) { x.reply(x.hot, round.RequestHash([]byte("?")), [32]byte{1}) }), evidence.None},
		{rogue("another's key", func(x *exchange) { x.reply(seed("hot", validators), round.RequestHash(x.body), [32]byte{1}) }), evidence.None},
		{rogue("no reply frame", func(x *exchange) { x.s.Send([]byte{0x83, 1, 9}) }), evidence.None},
		{rogue("a reply too long", func(x *exchange) { x.s.Send(make([]byte, 1<<20)) }), evidence.None},
		{rogue("busy", func(x *exchange) { x.s.Send((&round.Reply{Busy: 1000}).Append(nil)) }), evidence.Busy},
		{rogue("no signature", func(x *exchange) {
			a := round.SignAnswer(x.hot, round.Answer{Request: round.RequestHash(x.body), Hash: [32]byte{1}})
			a.Sig = key.Signature{}
			x.s.Send((&round.Reply{Answer: &a}).Append(nil))
			x.s.Recv(256)
		}), evidence.None},
	}
	parts := make([]part, len(cases))
	for i := range cases {
		parts[i] = cases[i].part
	}
	p := params([]uint16{1, 8}, len(cases))
	p.DeadlineMS = 6000 // some use it up; the honest have half of it on a slow machine
	a := newArena(t, textModule(t), corpus(t), p, parts...)
	a.revealed(1)
	a.faulty(map[int]validator.Fault{3: validator.FaultMismatch, 4: validator.FaultMismatch, 7: validator.FaultMalformed, 8: validator.FaultOversize, 9: validator.FaultOversize,
		15: validator.FaultStale, 16: validator.FaultSignature, 17: validator.FaultMalformed, 18: validator.FaultOversize, 20: validator.FaultUnsigned})
	for v, b := range a.equal(1) {
		shares(t, b, map[int]bool{validators + 1: true, validators + 2: true})
		for i := range b.Rounds {
			if b.Rounds[i].Skipped || len(b.Rounds[i].Responses) != len(cases) {
				t.Fatalf("validator %d round %d: skipped %v, %d responses", v, i, b.Rounds[i].Skipped, len(b.Rounds[i].Responses))
			}
			var alone, shared uint64
			for j := range b.Rounds[i].Responses {
				r := &b.Rounds[i].Responses[j]
				k := int(r.Leaf.Index) - validators
				c := &cases[k]
				if r.Leaf.Status != c.want {
					t.Errorf("validator %d round %d: %s: %s, want %s", v, i, c.name, r.Leaf.Status, c.want)
				}
				if (r.Leaf.Score > 0) != (k < 3) {
					t.Errorf("validator %d round %d: %s: score %d", v, i, c.name, r.Leaf.Score)
				}
				if (r.Answer != nil) != (r.Leaf.Hash != [32]byte{}) || (r.Payload != nil) != (c.want == evidence.Answered || c.want == evidence.Mismatch) {
					t.Errorf("validator %d round %d: %s: answer %v, payload %v", v, i, c.name, r.Answer != nil, r.Payload != nil)
				}
				if k == 1 {
					shared = r.Leaf.Score
				}
			}
			// What one of the twins would have had alone is twice its share.
			beta, err := a.hot[v].VRF().Public().VerifyVRF(round.Alpha(a.record(1).Seed, netuid, uint16(i)), b.Rounds[i].Proof)
			if err != nil {
				t.Fatal(err)
			}
			var data [][]byte
			for _, s := range b.Rounds[i].Slices {
				data = append(data, s.Data)
			}
			task, _, err := round.Task(a.ctx, a.module, beta, a.terms(1, uint16(i), data))
			if err != nil {
				t.Fatal(err)
			}
			scores, _, err := round.Score(a.ctx, a.module, beta, nil, task, nil, [][]byte{answer})
			if err != nil {
				t.Fatal(err)
			}
			if alone = scores[0]; alone/2 != shared || alone > abi.One {
				t.Errorf("validator %d round %d: a copied answer has %d, alone it has %d", v, i, shared, alone)
			}
		}
	}
}

// faulty wants each of these miners, and no other, to be told of by every
// validator, with what was wrong. On a busy machine a message may come too late to
// be looked at: another round brings another.
func (a *arena) faulty(want map[int]validator.Fault) {
	a.t.Helper()
	for i := range validators {
		a.wait(fmt.Sprintf("word of each faulty miner by validator %d", i), func() bool {
			seen := map[int]bool{}
			for _, e := range a.told(i, "fault") {
				k := a.number(e.Miner) - validators
				if seen[k] = true; e.Fault != want[k] {
					a.t.Errorf("validator %d: miner %d: %q, want %q", i, k, e.Fault, want[k])
				}
			}
			return len(seen) == len(want)
		})
	}
}
