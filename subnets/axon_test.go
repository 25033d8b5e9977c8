package subnets_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/round"
)

// good is a request that the miner takes, by validator i.
func (c *counter) good(i int) round.Ask {
	return round.Ask{Request: round.SignRequest(c.hot[i], c.request(i, 1)), Public: public}
}

// raw plays fn with a stream to the miner and returns what the miner says of it.
func (c *counter) raw(fn func(s *p2p.Stream)) miner.Event {
	c.t.Helper()
	s, err := c.caller.Open(c.t.Context(), c.miner.ID(), round.Protocol)
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	fn(s)
	select {
	case e := <-c.events:
		return e
	case <-time.After(20 * time.Second):
		c.t.Fatal("the miner says nothing")
		return miner.Event{}
	}
}

// TestDamagedMessages: whatever arrives instead of a request has a name, a
// counter, and costs the sender its standing where only the sender can have done it.
func TestDamagedMessages(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 4)
	whole := c.good(0)
	frame := whole.Append(nil)
	long := whole
	long.Public = make([]byte, round.Ride+1)
	flipped := append([]byte(nil), frame...)
	flipped[len(flipped)-len(public)-70] ^= 1 // in the signature
	deep := round.Ask{Request: round.Signed{Body: []byte{0x8c, 1, 0x60}}, Public: public}
	huge := cbor.AppendBytes(cbor.AppendUint(whole.Request.Append(cbor.AppendUint(cbor.AppendArray(nil, 4), 1)), abi.MaxPayload+1), nil)
	for name, k := range map[string]struct {
		send func(s *p2p.Stream)
		want string
	}{
		"nothing":          {func(s *p2p.Stream) { s.CloseWrite() }, miner.Lost},
		"an empty frame":   {func(s *p2p.Stream) { s.Send(nil) }, "malformed"},
		"rubbish":          {func(s *p2p.Stream) { s.Send([]byte("GET / HTTP/1.1")) }, "malformed"},
		"half a request":   {func(s *p2p.Stream) { s.Send(frame[:len(frame)/2]) }, "malformed"},
		"a byte too many":  {func(s *p2p.Stream) { s.Send(append(frame[:len(frame):len(frame)], 0)) }, "malformed"},
		"a flipped bit":    {func(s *p2p.Stream) { s.Send(flipped) }, "signature"},
		"a body of three":  {func(s *p2p.Stream) { s.Send(deep.Append(nil)) }, "malformed"},
		"a task too large": {func(s *p2p.Stream) { s.Send(huge) }, "malformed"},
		"a frame too long": {func(s *p2p.Stream) { s.Send(make([]byte, round.MaxAsk+1)) }, "oversize"},
		"a task longer than it said": {func(s *p2p.Stream) {
			s.Send(long.Append(nil))
			s.Recv(64)
			s.Send(append(long.Public, 0))
		}, "oversize"},
		"a task shorter than it said": {func(s *p2p.Stream) {
			s.Send(long.Append(nil))
			s.Recv(64)
			s.Send(long.Public[1:])
		}, "task"},
		"gone after the go": {func(s *p2p.Stream) {
			s.Send(long.Append(nil))
			s.Recv(64)
			s.CloseWrite()
		}, miner.Lost},
	} {
		c.again()
		before := c.running.Stats()
		e := c.raw(k.send)
		if e.Outcome != k.want {
			t.Errorf("%s: %s (%v), want %s", name, e.Outcome, e.Err, k.want)
		}
		rise := int64(0)
		for i, s := range c.running.Stats() {
			rise += s.Outcomes[k.want] - before[i].Outcomes[k.want]
		}
		if rise != 1 {
			t.Errorf("%s: the counter of %s rises by %d", name, k.want, rise)
		}
	}
	// Who does it again and again is not heard any more.
	c.again()
	heard := 0
	for range 20 {
		s, err := c.caller.Open(t.Context(), c.miner.ID(), round.Protocol)
		if err != nil {
			t.Fatal(err)
		}
		s.Send([]byte("rubbish"))
		if b, err := s.Recv(64); err == nil {
			if r, err := round.DecodeReply(b); err == nil && r.Refused == round.RefusedMalformed {
				heard++
				<-c.events
			}
		} else if errors.Is(err, io.EOF) {
			t.Error("a stream ends in order")
		}
		s.Close()
	}
	if heard < 5 || heard > 6 { // a little is forgiven meanwhile
		t.Errorf("%d of 20 messages of rubbish were read", heard)
	}
	c.again()
	if got, e := c.send(c.good(0), c.honour(0)); string(got) != "answer" {
		t.Errorf("another peer: %v", e.Err)
	}
}

func TestTruncated(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 4)
	var direct handler
	c.config.Net = &direct
	c.start()
	whole := c.good(0)
	frame := whole.Append(nil)
	for name, k := range map[string]struct {
		bytes []byte
		want  string
	}{
		"half a length":        {[]byte{0, 0}, "truncated"},
		"a length and no more": {[]byte{0, 0, 1, 0}, "truncated"},
		"a byte too few":       {append([]byte{0, 0, byte(len(frame) >> 8), byte(len(frame))}, frame[:len(frame)-1]...), "truncated"},
		"a huge length":        {[]byte{0x7f, 0xff, 0xff, 0xff}, "oversize"},
	} {
		near, far := net.Pipe()
		go func() {
			near.Write(k.bytes)
			near.Close()
		}()
		blamed := 0.0
		direct.fn(t.Context(), p2p.NewStream(t.Context(), pipe{far}, c.miner.ID(), func(p float64) { blamed += p }))
		if e := <-c.events; e.Outcome != k.want || (blamed > 0) != (k.want == "oversize") {
			t.Errorf("%s: %s (%v), %v points", name, e.Outcome, e.Err, blamed)
		}
	}
}

// handler is a server whose only stream a test makes.
type handler struct {
	fn func(context.Context, *p2p.Stream)
}

func (h *handler) Handle(_ string, fn func(context.Context, *p2p.Stream)) { h.fn = fn }

// pipe is a connection below the frames.
type pipe struct{ net.Conn }

func (p pipe) CloseWrite() error { return p.Close() }
func (p pipe) Reset() error      { return p.Close() }

// TestPolicies: who may ask, and how often.
func TestPolicies(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]struct {
		policy func(c *counter) miner.Policy
		by     int // of the hotkeys; -1 for a stranger
		want   string
	}{
		"a stranger, open":          {func(c *counter) miner.Policy { return miner.Policy{Open: true} }, -1, miner.Answered},
		"a member, open":            {func(c *counter) miner.Policy { return miner.Policy{Open: true} }, validators + 1, miner.Answered},
		"a stranger, open to stake": {func(c *counter) miner.Policy { return miner.Policy{Open: true, MinStake: 1} }, -1, "stake"},
		"enough stake":              {func(c *counter) miner.Policy { return miner.Policy{MinStake: c.roster(1)[0].Stake} }, 0, miner.Answered},
		"a unit too little":         {func(c *counter) miner.Policy { return miner.Policy{MinStake: c.roster(1)[0].Stake + 1} }, 0, "stake"},
		"allowed":                   {func(c *counter) miner.Policy { return miner.Policy{Allow: []ledger.Hotkey{c.hot[0].Public()}} }, 0, miner.Answered},
		"not among the allowed":     {func(c *counter) miner.Policy { return miner.Policy{Allow: []ledger.Hotkey{c.hot[1].Public()}} }, 0, "denied"},
		"denied":                    {func(c *counter) miner.Policy { return miner.Policy{Deny: []ledger.Hotkey{c.hot[0].Public()}} }, 0, "denied"},
		"another is denied":         {func(c *counter) miner.Policy { return miner.Policy{Deny: []ledger.Hotkey{c.hot[1].Public()}} }, 0, miner.Answered},
		"allowed, but without permit": {func(c *counter) miner.Policy {
			return miner.Policy{Allow: []ledger.Hotkey{c.hot[validators+1].Public()}}
		}, validators + 1, "stranger"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t, 4)
			c.config.Subnets[0].Policy = k.policy(c)
			c.start()
			by := seed("stranger", 0)
			if k.by >= 0 {
				by = c.hot[k.by]
			}
			r := c.request(0, 1)
			r.Caller = by.Public()
			ask := round.Ask{Request: round.SignRequest(by, r), Public: public}
			if _, e := c.send(ask, func(a round.Signed) key.Signature { return round.SignReceipt(by, a) }); e.Outcome != k.want {
				t.Errorf("%s: %v, want %s", e.Outcome, e.Err, k.want)
			}
		})
	}
}

// TestTakenOnceForGood: what was taken stays taken, and quotas used up, when the
// miner is started again over its database.
func TestTakenOnceForGood(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 4)
	c.config.Keep, c.config.Subnets[0].Policy.Quota = &memKeep{m: map[string][]byte{}}, 2
	c.start()
	first := c.good(0)
	if _, e := c.send(first, c.honour(0)); e.Err != nil {
		t.Fatal(e.Err)
	}
	for range 2 {
		c.start()
		if _, e := c.send(first, c.honour(0)); !errors.Is(e.Err, round.RefusedReplay) {
			t.Errorf("the same request to the next run: %v", e.Err)
		}
	}
	if _, e := c.send(c.good(0), c.honour(0)); e.Err != nil {
		t.Error(e.Err)
	}
	c.start()
	if _, e := c.send(c.good(0), c.honour(0)); !errors.Is(e.Err, round.RefusedQuota) {
		t.Errorf("the third request of two: %v", e.Err)
	}
	if _, e := c.send(c.good(1), c.honour(1)); e.Err != nil {
		t.Errorf("another validator's first: %v", e.Err)
	}
}

// TestTwoSubnets: one host serves several subnets, each with an engine and a
// policy of its own; what it does not serve has a name.
func TestTwoSubnets(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 1)
	block := make(chan bool)
	c.config.Subnets[0].Engine = engine(func(ctx context.Context, b []byte) ([]byte, error) { <-block; return []byte("one"), nil })
	c.config.Subnets = append(c.config.Subnets, miner.Subnet{NetUID: 2, Policy: miner.Policy{Open: true},
		Engine: engine(func(context.Context, []byte) ([]byte, error) { return []byte("two"), nil })})
	c.start()
	// The other subnet's clock is that of no subnet on this chain.
	r := c.request(0, 1)
	r.NetUID = 2
	if _, e := c.send(round.Ask{Request: round.SignRequest(c.hot[0], r), Public: public}, c.honour(0)); !errors.Is(e.Err, round.RefusedNetUID) || e.NetUID != 2 {
		t.Errorf("a subnet that the chain does not have: %v", e.Err)
	}
	r.NetUID = 3
	if _, e := c.send(round.Ask{Request: round.SignRequest(c.hot[0], r), Public: public}, c.honour(0)); !errors.Is(e.Err, round.RefusedNetUID) || e.NetUID != 0 {
		t.Errorf("a subnet that is not served: %v", e.Err)
	}
	go func() { block <- true }()
	if got, e := c.send(c.good(0), c.honour(0)); string(got) != "one" {
		t.Errorf("%q, %v", got, e.Err)
	}
	s := c.running.Stats()
	if len(s) != 3 || s[0].NetUID != 0 || s[0].Outcomes["netuid"] != 1 || s[1].Outcomes[miner.Answered] != 1 || s[2].Outcomes["netuid"] != 1 || s[1].Remembered != 1 {
		t.Errorf("counted %+v", s)
	}
	for _, k := range []miner.Config{
		{}, {Subnets: []miner.Subnet{{NetUID: 1}, {NetUID: 1}}}, {Subnets: []miner.Subnet{{}}}, {Subnets: []miner.Subnet{{NetUID: 1, Parallel: -1}}},
		{Subnets: []miner.Subnet{{NetUID: 1, Policy: miner.Policy{Quota: -1}}}}, {Subnets: []miner.Subnet{{NetUID: 1}}, Remember: -1},
		{Subnets: []miner.Subnet{{NetUID: 1, Policy: miner.Policy{Allow: []ledger.Hotkey{{1}}, Deny: []ledger.Hotkey{{1}}}}}},
	} {
		if _, err := miner.New(k); err == nil {
			t.Errorf("taken: %+v", k)
		}
	}
}

// TestBusyBeforeTheTask: a long task is not sent to a miner that has no place.
func TestBusyBeforeTheTask(t *testing.T) {
	t.Parallel()
	c := newCounter(t, 1)
	in, out := make(chan bool, 4), make(chan bool)
	c.work = func() { in <- true; <-out }
	first := make(chan bool)
	go func() {
		defer close(first)
		s, err := c.caller.Open(t.Context(), c.miner.ID(), round.Protocol)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		ask := c.good(0)
		s.Send(ask.Append(nil))
		s.Recv(8192)
	}()
	<-in
	long := make([]byte, abi.MaxPayload)
	r := c.request(1, 1)
	r.Task = round.TaskHash(long)
	ask := round.Ask{Request: round.SignRequest(c.hot[1], r), Public: long}
	e := c.raw(func(s *p2p.Stream) {
		s.Send(ask.Append(nil))
		b, err := s.Recv(8192)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := round.DecodeReply(b); err != nil || r.Go || r.Busy < 100 || r.Busy > 30_000 {
			t.Errorf("told %+v, %v", r, err)
		}
	})
	if e.Outcome != miner.Busy {
		t.Errorf("%s: %v", e.Outcome, e.Err)
	}
	out <- true
	<-first
	<-c.events
	go func() { <-in; out <- true }()
	if got, e := c.send(ask, c.honour(1)); string(got) != "answer" {
		t.Errorf("later: %q, %v", got, e.Err)
	}
}
