package miner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/round"
)

// Chain gives a miner a view of the chain that it need not trust anyone for.
type Chain interface {
	Fresh(ctx context.Context) (ledger.View, error)
}

// Server serves streams: a p2p.Host, or one in memory.
type Server interface {
	Handle(name string, fn func(ctx context.Context, s *p2p.Stream))
}

// Engine answers tasks.
type Engine interface {
	Answer(ctx context.Context, netuid uint16, public []byte) ([]byte, error)
}

// Config of a Miner.
type Config struct {
	ChainID string
	Hotkey  key.Seed
	Net     Server // whose identity is the hotkey's peer key
	Chain   Chain
	// Keep remembers the requests taken across restarts; nil forgets them.
	Keep Keep
	// Subnets are served at once; at least one, each netuid once.
	Subnets []Subnet
	// Remember bounds the requests remembered of each subnet; 0 for
	// DefaultRemember. Beyond it none is taken until an epoch is forgotten.
	Remember int
	// Notify is told of each exchange; it must not block. May be nil.
	Notify func(Event)
	Log    *slog.Logger
}

// DefaultRemember is some 30 MiB of memory.
const DefaultRemember = 1 << 18

// Validate says which rule the configuration breaks.
func (c *Config) Validate() error {
	if len(c.Subnets) == 0 {
		return errors.New("miner: no subnet to serve")
	}
	if c.Remember < 0 {
		return fmt.Errorf("miner: remember %d: must be 1 or more, or 0 for %d", c.Remember, DefaultRemember)
	}
	seen := map[ledger.NetUID]bool{}
	for i := range c.Subnets {
		s := &c.Subnets[i]
		err := s.Policy.Validate()
		switch {
		case err != nil:
		case s.NetUID == 0:
			err = errors.New("no subnet has this number")
		case seen[s.NetUID]:
			err = errors.New("listed twice: one engine answers a subnet")
		case s.Parallel < 0 || s.Parallel > 1024:
			err = fmt.Errorf("parallel %d: must be 1 to 1024, or 0 for %d", s.Parallel, DefaultParallel)
		case s.Queue > 4096:
			err = fmt.Errorf("queue %d: must be at most 4096, 0 for %d, below 0 for none", s.Queue, DefaultQueue)
		}
		if err != nil {
			return fmt.Errorf("miner: netuid %d: %w", s.NetUID, err)
		}
		seen[s.NetUID] = true
	}
	return nil
}

// Event is the outcome of one exchange.
type Event struct {
	NetUID  ledger.NetUID // 0 when it is not known
	Epoch   ledger.Epoch
	Round   uint16
	Caller  ledger.Hotkey
	Outcome string // see Stats
	Bytes   int    // of the payload handed over
	Err     error  // why none was; a round.Refusal is in it when it was refused
	// Held is the proof that the caller had the answer; nil without its receipt.
	Held *round.Held
}

// Errors of an exchange that is no refusal.
var (
	// ErrBusy: all places are taken; the caller was told when to come back.
	ErrBusy = errors.New("miner: busy")
	// ErrLost: the stream ended before the exchange did.
	ErrLost = errors.New("miner: the caller went away")
)

// Miner serves one hotkey. It starts no goroutine of its own: what runs are the
// handlers of its host.
type Miner struct {
	c       Config
	self    key.ID
	signer  key.Expanded
	subnets map[ledger.NetUID]*subnet
	counts  counts
}

// New makes a miner and begins to serve on its host, until the host closes.
func New(c Config) (*Miner, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Remember == 0 {
		c.Remember = DefaultRemember
	}
	m := &Miner{c: c, self: c.Hotkey.Public(), signer: c.Hotkey.Expand(), subnets: map[ledger.NetUID]*subnet{}}
	for _, s := range c.Subnets {
		if s.Parallel == 0 {
			s.Parallel = DefaultParallel
		}
		if s.Queue == 0 {
			s.Queue = DefaultQueue
		}
		seen, err := openSeen(c.Keep, s.NetUID, m.self, c.Remember)
		if err != nil {
			return nil, err
		}
		m.subnets[s.NetUID] = &subnet{Subnet: s, chain: c.Chain, queue: newQueue(s.Parallel, max(s.Queue, 0)), seen: seen,
			loading: make(chan struct{}, 1), rosters: map[ledger.Epoch]*roster{}}
	}
	c.Net.Handle(round.Protocol, m.serve)
	return m, nil
}

// blame is what one provable fault costs the peer that it came from.
const blame = 200

func (m *Miner) serve(ctx context.Context, s *p2p.Stream) {
	var e Event
	e.Err = m.exchange(ctx, s, &e)
	var refused round.Refusal
	switch {
	case e.Err == nil:
		e.Outcome = Answered
	case errors.As(e.Err, &refused):
		e.Outcome = refused.String()
		s.Send((&round.Reply{Refused: refused}).Append(nil)) // who does not hear it sees the stream end
		if refused.Provable() {
			s.Blame(blame)
		}
	case errors.Is(e.Err, ErrBusy):
		e.Outcome = Busy
	case errors.Is(e.Err, round.ErrReceipt):
		e.Outcome = NoReceipt
	default:
		e.Outcome = Lost
	}
	if e.Err != nil {
		m.c.Log.Info("request not answered", "outcome", e.Outcome, "netuid", e.NetUID, "epoch", e.Epoch, "round", e.Round,
			"caller", e.Caller, "peer", s.Remote(), "err", e.Err)
	}
	m.counts.add(e.NetUID, e.Outcome)
	m.c.Notify(e)
}

const (
	// askTime is how long the first frame of a stream may take.
	askTime = 30 * time.Second
	// receiptMax bounds the frame of a receipt.
	receiptMax = 256
)

func (m *Miner) exchange(ctx context.Context, s *p2p.Stream, e *Event) error {
	// Recv obeys the stream's own context, so a caller that sends nothing more is
	// cut off by closing.
	first := time.AfterFunc(askTime, func() { s.Close() })
	b, err := s.Recv(round.MaxAsk)
	first.Stop()
	if err != nil {
		return broken(err)
	}
	ask, err := round.DecodeAsk(b)
	if err != nil {
		return fmt.Errorf("%w: %w", round.RefusedMalformed, err)
	}
	req, err := round.DecodeRequest(ask.Request.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", round.RefusedMalformed, err)
	}
	e.Epoch, e.Round, e.Caller = req.Epoch, req.Round, req.Caller
	sub := m.subnets[req.NetUID]
	if sub == nil {
		return fmt.Errorf("%w: netuid %d", round.RefusedNetUID, req.NetUID)
	}
	e.NetUID = req.NetUID
	if err := m.fits(&req); err != nil {
		return err
	}
	deadline := time.Duration(req.DeadlineMS) * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	weighs, by, err := sub.admit(ctx, &ask.Request, &req)
	if err != nil {
		return err
	}
	// The validator takes hashes for half of its deadline.
	t, retry := sub.queue.enter(req.Caller, weighs, deadline/2)
	if t == nil {
		s.Send((&round.Reply{Busy: uint32(retry.Milliseconds())}).Append(nil)) // the caller learns it or times out
		return fmt.Errorf("%w: told to come back after %s", ErrBusy, retry.Round(time.Millisecond))
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	p, err := m.answer(ctx, s, sub, t, &ask, &req)
	if err != nil {
		return err
	}
	answer := round.SignAnswer(m.signer, round.Answer{Request: round.RequestHash(ask.Request.Body), Hash: round.SaltedHash(p.Salt, p.Data)})
	if err := s.Send((&round.Reply{Answer: &answer}).Append(nil)); err != nil {
		return broken(err)
	}
	if b, err = s.Recv(receiptMax); err != nil {
		return fmt.Errorf("%w: none came: %w", round.ErrReceipt, err)
	}
	receipt, err := round.DecodeReceipt(b)
	if err != nil {
		return fmt.Errorf("%w: %w", round.ErrReceipt, err)
	}
	if err := round.CheckReceipt(by, answer, receipt); err != nil {
		return err
	}
	e.Held = &round.Held{Request: ask.Request, Answer: answer, Receipt: receipt}
	if err := s.Send(p.Parts()); err != nil {
		return broken(err)
	}
	s.CloseWrite() // at once, so that the end leaves with the payload
	e.Bytes = len(p.Data)
	return nil
}

// answer takes the rest of the task, waits for the ticket's turn and lets the
// engine answer. The place is free again before the payload is handed over: else a
// caller that sends no receipt would keep others out.
func (m *Miner) answer(ctx context.Context, s *p2p.Stream, sub *subnet, t *ticket, ask *round.Ask, req *round.Request) (p round.Payload, err error) {
	defer t.leave()
	if ask.Follows() {
		if err := s.Send((&round.Reply{Go: true}).Append(nil)); err != nil {
			return p, broken(err)
		}
		if ask.Public, err = s.Recv(ask.Size); err != nil {
			return p, broken(err)
		}
	}
	if req.Task != round.TaskHash(ask.Public) {
		return p, round.RefusedTask
	}
	if err := t.wait(ctx); err != nil {
		return p, fmt.Errorf("%w: its turn did not come before the deadline: %w", ErrBusy, err)
	}
	durable, err := sub.seen.take(req, sub.Policy.Quota)
	if err != nil {
		return p, err
	}
	// The disk is waited for while the model works; no answer leaves before the
	// request is kept.
	var g errgroup.Group
	if durable != nil {
		g.Go(durable)
	}
	p.Data, err = sub.Engine.Answer(ctx, uint16(req.NetUID), ask.Public)
	if e := g.Wait(); e != nil {
		return p, fmt.Errorf("%w: %w", round.RefusedFault, e)
	}
	if err != nil {
		return p, fmt.Errorf("%w: engine: %w", round.RefusedFault, err)
	}
	rand.Read(p.Salt[:]) // crypto/rand never fails
	return p, nil
}

// fits checks that a request is for this miner and this network.
func (m *Miner) fits(r *round.Request) error {
	switch {
	case r.ChainID != m.c.ChainID:
		return fmt.Errorf("%w: %q", round.RefusedChain, r.ChainID)
	case r.Callee != m.self:
		return fmt.Errorf("%w: %s", round.RefusedCallee, r.Callee)
	case r.DeadlineMS == 0 || r.DeadlineMS > round.MaxDeadlineMS:
		return fmt.Errorf("%w: %d ms: 1 to %d", round.RefusedDeadline, r.DeadlineMS, round.MaxDeadlineMS)
	}
	return nil
}

// broken names what went wrong with a message that did not arrive.
func broken(err error) error {
	switch {
	case errors.Is(err, p2p.ErrFrame):
		return fmt.Errorf("%w: %w", round.RefusedOversize, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", round.RefusedTruncated, err)
	}
	return fmt.Errorf("%w: %w", ErrLost, err)
}
