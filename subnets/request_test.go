package subnets_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p/memnet"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/round"
)

// counter is a miner alone with a caller; nothing runs but what the test does.
type counter struct {
	*chain
	t       *testing.T
	net     *memnet.Net
	callers int
	caller  *memnet.Host
	said    round.Reply // last word of the miner
	miner   *memnet.Host
	config  miner.Config
	running *miner.Miner
	events  chan miner.Event
	work    func() // what the engine does first
}

func newCounter(t *testing.T, parallel int) *counter {
	c := &counter{t: t, chain: newChain(t, 2, ledger.Subnet{Module: [32]byte{1}, Params: params([]uint16{1}, 1)}), events: make(chan miner.Event, 64)}
	c.block()
	net := memnet.New(memnet.Config{Seed: 1, Latency: time.Millisecond})
	t.Cleanup(func() { net.Close() })
	c.net = net
	c.caller, c.miner = net.Host(seed("anyone", 1)), net.Host(c.hot[validators].Derive("peer"))
	c.config = miner.Config{ChainID: c.gen.ChainID, Hotkey: c.hot[validators], Net: c.miner, Chain: c.chain,
		Subnets: []miner.Subnet{{NetUID: netuid, Parallel: parallel, Queue: -1, Engine: engine(func(context.Context, []byte) ([]byte, error) {
			if c.work != nil {
				c.work()
			}
			return []byte("answer"), nil
		})}}, Notify: func(e miner.Event) { c.events <- e }}
	c.start()
	return c
}

// start starts the miner, or another one over the same keep.
func (c *counter) start() {
	c.t.Helper()
	m, err := miner.New(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	c.running = m
}

var public = []byte("the task")

// again gives the caller another identity on the network.
func (c *counter) again() {
	c.callers++
	c.caller = c.net.Host(seed("anyone", 1+c.callers))
}

// request is one that the miner takes, by validator i.
func (c *counter) request(i int, e ledger.Epoch) *round.Request {
	r := &round.Request{ChainID: c.gen.ChainID, NetUID: netuid, Module: [32]byte{1}, Epoch: e, Task: round.TaskHash(public),
		Caller: c.hot[i].Public(), Callee: c.hot[validators].Public(), DeadlineMS: 20_000}
	rand.Read(r.ID[:])
	return r
}

// send plays a whole exchange and returns the payload and what the miner says of it.
func (c *counter) send(ask round.Ask, receipt func(round.Signed) key.Signature) (got []byte, e miner.Event) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	s, err := c.caller.Open(ctx, c.miner.ID(), round.Protocol)
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(ask.Append(nil)); err != nil {
		c.t.Fatal(err)
	}
	c.said = round.Reply{}
	if b, err := s.Recv(8192); err == nil {
		reply, err := round.DecodeReply(b)
		if err != nil {
			c.t.Fatal(err)
		}
		if reply.Go && ask.Follows() {
			s.Send(ask.Public)
			if b, err = s.Recv(8192); err != nil {
				c.t.Fatal(err)
			}
			if reply, err = round.DecodeReply(b); err != nil {
				c.t.Fatal(err)
			}
		}
		c.said = reply
		if reply.Answer != nil && receipt != nil {
			s.Send(round.AppendReceipt(nil, receipt(*reply.Answer)))
			if b, err := s.Recv(round.MaxFrame); err == nil {
				p, err := round.DecodePayload(b)
				if err != nil {
					c.t.Fatal(err)
				}
				got = p.Data
			}
		}
	} else if !errors.Is(err, io.EOF) {
		c.t.Logf("no reply: %v", err)
	}
	s.Close()
	select {
	case e = <-c.events:
	case <-time.After(20 * time.Second):
		c.t.Fatal("the miner says nothing")
	}
	return got, e
}

func (c *counter) honour(i int) func(round.Signed) key.Signature {
	return func(a round.Signed) key.Signature { return round.SignReceipt(c.hot[i], a) }
}

func TestRequestsRefused(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 4)
	good := c.request(0, 1)
	ask := round.Ask{Request: round.SignRequest(c.hot[0], good), Public: public}
	if got, e := c.send(ask, c.honour(0)); string(got) != "answer" || e.Err != nil || e.Bytes != 6 || e.Caller != good.Caller {
		t.Fatalf("a good request: %q, %+v", got, e)
	}
	for _, k := range []struct {
		name   string
		change func(r *round.Request)
		by     int // who signs
		public []byte
		want   round.Refusal
	}{
		{"the same again", func(r *round.Request) { *r = *good }, 0, public, round.RefusedReplay},
		{"the same id in another round", func(r *round.Request) { r.ID, r.Round = good.ID, 1 }, 0, public, round.RefusedReplay},
		{"the same id by another validator", func(r *round.Request) { r.ID, r.Caller = good.ID, c.hot[1].Public() }, 1, public, round.RefusedReplay},
		{"for another miner", func(r *round.Request) { r.Callee = c.hot[validators+1].Public() }, 0, public, round.RefusedCallee},
		{"a stranger", func(r *round.Request) { r.Caller = seed("stranger", 0).Public() }, -1, public, round.RefusedStranger},
		{"a miner without permit", func(r *round.Request) { r.Caller = c.hot[validators+1].Public() }, validators + 1, public, round.RefusedStranger},
		{"in another's name", func(r *round.Request) { r.Caller = c.hot[1].Public() }, 0, public, round.RefusedSignature},
		{"another chain", func(r *round.Request) { r.ChainID = "test-2" }, 0, public, round.RefusedChain},
		{"another subnet", func(r *round.Request) { r.NetUID = 2 }, 0, public, round.RefusedNetUID},
		{"another task than signed", func(r *round.Request) {}, 0, []byte("a harder task"), round.RefusedTask},
		{"another long task than signed", func(r *round.Request) {}, 0, make([]byte, round.Ride+1), round.RefusedTask},
		{"a deadline above two minutes", func(r *round.Request) { r.DeadlineMS = 120_001 }, 0, public, round.RefusedDeadline},
		{"no deadline", func(r *round.Request) { r.DeadlineMS = 0 }, 0, public, round.RefusedDeadline},
		{"an epoch far ahead", func(r *round.Request) { r.Epoch = 3 }, 0, public, round.RefusedEarly},
		{"an epoch beyond all bounds", func(r *round.Request) { r.Epoch = 1<<64 - 1 }, 0, public, round.RefusedEarly},
		{"an epoch before there were permits", func(r *round.Request) { r.Epoch = 0 }, 0, public, round.RefusedStranger},
	} {
		r := c.request(0, 1)
		k.change(r)
		by := seed("stranger", 0)
		if k.by >= 0 {
			by = c.hot[k.by]
		}
		got, e := c.send(round.Ask{Request: round.SignRequest(by, r), Public: k.public}, c.honour(0))
		if !errors.Is(e.Err, k.want) || e.Outcome != k.want.String() || c.said.Refused != k.want || got != nil || e.Bytes != 0 {
			t.Errorf("%s: %q, %v, told %+v, want %v", k.name, got, e.Err, c.said, k.want)
		}
		if k.want.Provable() { // else the caller would soon not be heard any more
			c.again()
		}
	}
	for want, change := range map[round.Refusal]func(*key.Signature){
		round.RefusedSignature: func(s *key.Signature) { s[3] ^= 1 },
		round.RefusedUnsigned:  func(s *key.Signature) { *s = key.Signature{} },
	} {
		ask := round.Ask{Request: round.SignRequest(c.hot[0], c.request(0, 1)), Public: public}
		change(&ask.Request.Sig)
		if got, e := c.send(ask, c.honour(0)); !errors.Is(e.Err, want) || got != nil {
			t.Errorf("%s: %v", want.String(), e.Err)
		}
	}
	// No payload without a receipt, nor for another's.
	r := c.request(0, 1)
	if got, e := c.send(round.Ask{Request: round.SignRequest(c.hot[0], r), Public: public}, nil); !errors.Is(e.Err, round.ErrReceipt) || got != nil {
		t.Errorf("without a receipt: %q, %v", got, e.Err)
	}
	r = c.request(0, 1)
	if got, e := c.send(round.Ask{Request: round.SignRequest(c.hot[0], r), Public: public}, c.honour(1)); !errors.Is(e.Err, round.ErrReceipt) || got != nil {
		t.Errorf("with another's receipt: %q, %v", got, e.Err)
	}
}

// TestOldRequests: requests are published with the evidence, so an old one may
// come again from anyone at any time; it is never answered twice.
func TestOldRequests(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 4)
	old := round.Ask{Request: round.SignRequest(c.hot[0], c.request(0, 1)), Public: public}
	if got, e := c.send(old, c.honour(0)); got == nil {
		t.Fatal(e.Err)
	}
	for e := ledger.Epoch(2); e < 7; e++ {
		c.until(c.clock().First + tempo)
		if now := c.clock().Epoch; now != e {
			t.Fatalf("epoch %d, want %d", now, e)
		}
		got, ev := c.send(round.Ask{Request: round.SignRequest(c.hot[1], c.request(1, e)), Public: public}, c.honour(1))
		if got == nil {
			t.Fatalf("epoch %d: %v", e, ev.Err)
		}
		if got, ev := c.send(old, c.honour(0)); got != nil || !errors.Is(ev.Err, round.RefusedReplay) && !errors.Is(ev.Err, round.RefusedStale) {
			t.Errorf("epoch %d: the request of epoch 1 again: %q, %v", e, got, ev.Err)
		}
	}
}

// TestHoldingWithoutReceipt: a caller that never sends its receipts cannot make a
// miner busy for others.
func TestHoldingWithoutReceipt(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 3 {
		r := c.request(0, 1)
		r.DeadlineMS = round.MaxDeadlineMS
		s, err := c.caller.Open(ctx, c.miner.ID(), round.Protocol)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Send((&round.Ask{Request: round.SignRequest(c.hot[0], r), Public: public}).Append(nil))
		if b, err := s.Recv(8192); err != nil {
			t.Fatal(err)
		} else if reply, err := round.DecodeReply(b); err != nil || reply.Answer == nil {
			t.Fatalf("no answer: %+v, %v", reply, err)
		}
	}
	if got, e := c.send(round.Ask{Request: round.SignRequest(c.hot[1], c.request(1, 1)), Public: public}, c.honour(1)); string(got) != "answer" {
		t.Errorf("another validator: %q, %v", got, e.Err)
	}
	// And it is cut off at its own deadline.
	r := c.request(2, 1)
	r.DeadlineMS = 2000
	s, err := c.caller.Open(ctx, c.miner.ID(), round.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Send((&round.Ask{Request: round.SignRequest(c.hot[2], r), Public: public}).Append(nil))
	s.Recv(8192)
	select {
	case e := <-c.events:
		if !errors.Is(e.Err, round.ErrReceipt) {
			t.Error(e.Err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a miner waits for a receipt beyond the deadline")
	}
}

// TestBusy: a miner whose slots are taken says so, and the same request may come
// again.
func TestBusy(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 1)
	in, out := make(chan bool, 4), make(chan bool)
	c.work = func() { in <- true; <-out }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	first, err := c.caller.Open(ctx, c.miner.ID(), round.Protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	first.Send((&round.Ask{Request: round.SignRequest(c.hot[0], c.request(0, 1)), Public: public}).Append(nil))
	<-in
	again := round.Ask{Request: round.SignRequest(c.hot[1], c.request(1, 1)), Public: public}
	if got, e := c.send(again, c.honour(1)); !errors.Is(e.Err, miner.ErrBusy) || got != nil {
		t.Errorf("%q, %v, want %v", got, e.Err, miner.ErrBusy)
	}
	out <- true
	if _, err := first.Recv(8192); err != nil {
		t.Fatal(err)
	}
	go func() { out <- true }()
	if got, e := c.send(again, c.honour(1)); string(got) != "answer" {
		t.Errorf("the same request later: %q, %v", got, e.Err)
	}
}
