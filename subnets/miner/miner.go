// Package miner is a miner's side of a subnet: it takes requests from validators
// that hold a permit in the epoch's proved roster, lets an engine answer them,
// and hands a payload over only against a receipt.
package miner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
	NetUID  ledger.NetUID
	Hotkey  key.Seed
	Net     Server // whose identity is the hotkey's peer key
	Chain   Chain
	Engine  Engine
	// Parallel bounds the answers in the making; others are told to come back.
	Parallel int
	// Notify is told of each exchange; it must not block. May be nil.
	Notify func(Event)
	Log    *slog.Logger
}

// Event is the outcome of one exchange.
type Event struct {
	Epoch  ledger.Epoch
	Round  uint16
	Caller ledger.Hotkey
	Bytes  int   // of the payload handed over
	Err    error // why none was
}

// Errors of an exchange that the miner refuses.
var (
	ErrStranger = errors.New("miner: the caller has no permit in this epoch")
	ErrReplay   = errors.New("miner: this request was answered before")
	ErrBusy     = errors.New("miner: busy")
)

// Miner serves one hotkey on one subnet.
type Miner struct {
	Config
	self key.ID
	slot chan struct{}

	mu      sync.Mutex
	rosters map[ledger.Epoch]ledger.Roster
	seen    map[[16]byte]ledger.Epoch
}

// New makes a miner and begins to serve on its host, until the host closes.
func New(c Config) *Miner {
	if c.Parallel <= 0 {
		c.Parallel = 4
	}
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m := &Miner{Config: c, self: c.Hotkey.Public(), slot: make(chan struct{}, c.Parallel),
		rosters: map[ledger.Epoch]ledger.Roster{}, seen: map[[16]byte]ledger.Epoch{}}
	c.Net.Handle("work", m.serve)
	return m
}

// retryMS is when a busy miner asks to be tried again.
const retryMS = 1000

func (m *Miner) serve(ctx context.Context, s *p2p.Stream) {
	var e Event
	e.Err = m.exchange(ctx, s, &e)
	if e.Err != nil {
		m.Log.Info("request refused", "netuid", m.NetUID, "epoch", e.Epoch, "round", e.Round, "caller", e.Caller, "err", e.Err)
	}
	m.Notify(e)
}

func (m *Miner) exchange(ctx context.Context, s *p2p.Stream, e *Event) error {
	b, err := s.Recv(round.MaxAsk)
	if err != nil {
		return err
	}
	ask, err := round.DecodeAsk(b)
	if err != nil {
		return fmt.Errorf("%w: %w", round.ErrRequest, err)
	}
	req, err := ask.Request.OpenRequest()
	if err != nil {
		return err
	}
	e.Epoch, e.Round, e.Caller = req.Epoch, req.Round, req.Caller
	if ask.Follows() {
		if err := s.Send((&round.Reply{Go: true}).Append(nil)); err != nil {
			return err
		}
		if ask.Public, err = s.Recv(ask.Size); err != nil {
			return err
		}
	}
	if err := m.accept(ctx, &req, ask.Public); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(req.DeadlineMS)*time.Millisecond)
	defer cancel()
	data, err := m.answer(ctx, s, &req, ask.Public)
	if err != nil {
		return err
	}
	// Recv obeys the stream's own context, so a caller that never sends its
	// receipt is cut off here.
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	p := round.Payload{Data: data}
	rand.Read(p.Salt[:]) // crypto/rand never fails
	answer := round.SignAnswer(m.Hotkey, round.Answer{Request: round.RequestHash(ask.Request.Body), Hash: round.SaltedHash(p.Salt, data)})
	if err := s.Send((&round.Reply{Answer: &answer}).Append(nil)); err != nil {
		return err
	}
	if b, err = s.Recv(256); err != nil {
		return fmt.Errorf("%w: none came: %w", round.ErrReceipt, err)
	}
	receipt, err := round.DecodeReceipt(b)
	if err != nil {
		return fmt.Errorf("%w: %w", round.ErrReceipt, err)
	}
	if err := round.CheckReceipt(req.Caller, answer, receipt); err != nil {
		return err
	}
	e.Bytes = len(data)
	return s.Send(p.Append(nil))
}

// answer lets the engine answer within one of the slots. The slot is free again
// before the payload is handed over: else a caller that sends no receipt would
// keep others out.
func (m *Miner) answer(ctx context.Context, s *p2p.Stream, r *round.Request, public []byte) ([]byte, error) {
	select {
	case m.slot <- struct{}{}:
		defer func() { <-m.slot }()
	default:
		s.Send((&round.Reply{Busy: retryMS}).Append(nil)) // the caller learns it or times out
		return nil, ErrBusy
	}
	if err := m.remember(r); err != nil {
		return nil, err
	}
	data, err := m.Engine.Answer(ctx, uint16(m.NetUID), public)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return data, nil
}

// accept checks that the request is for this miner and this network, and that
// its caller may ask.
func (m *Miner) accept(ctx context.Context, r *round.Request, public []byte) error {
	switch {
	case r.ChainID != m.ChainID || r.NetUID != m.NetUID:
		return fmt.Errorf("%w: for chain %q netuid %d", round.ErrRequest, r.ChainID, r.NetUID)
	case r.Callee != m.self:
		return fmt.Errorf("%w: for another miner", round.ErrRequest)
	case r.Task != round.TaskHash(public):
		return fmt.Errorf("%w: the task is not the one that was signed", round.ErrRequest)
	case r.DeadlineMS == 0 || r.DeadlineMS > round.MaxDeadlineMS:
		return fmt.Errorf("%w: deadline %d ms: 1 to %d", round.ErrRequest, r.DeadlineMS, round.MaxDeadlineMS)
	}
	roster, err := m.roster(ctx, r.Epoch)
	if err != nil {
		return err
	}
	if i := roster.Index(r.Caller); i < 0 || !roster[i].Permit {
		return ErrStranger
	}
	return nil
}

// remember refuses a request id that was seen within its epoch.
func (m *Miner) remember(r *round.Request) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.seen[r.ID]; ok {
		return ErrReplay
	}
	// An id is kept for as long as the roster that lets its epoch in: requests are
	// published with the evidence, and anyone could send an old one again.
	for id, e := range m.seen {
		if e+2 < r.Epoch {
			delete(m.seen, id)
		}
	}
	m.seen[r.ID] = r.Epoch
	return nil
}

// rosterWait is how long a miner waits for the record of an epoch that its view
// of the chain does not hold yet.
const rosterWait = 4 * time.Second

// roster returns an epoch's roster, proved complete. Only the running epoch and
// the one before it are looked up, so that a stranger cannot make the miner
// fetch at will.
func (m *Miner) roster(ctx context.Context, e ledger.Epoch) (ledger.Roster, error) {
	m.mu.Lock()
	r, ok := m.rosters[e]
	m.mu.Unlock()
	if ok {
		return r, nil
	}
	ctx, cancel := context.WithTimeout(ctx, rosterWait)
	defer cancel()
	for {
		v, err := m.Chain.Fresh(ctx)
		if err != nil {
			return nil, fmt.Errorf("miner: view of the chain: %w", err)
		}
		clock, err := ledger.LoadClock(v, m.NetUID)
		if err != nil {
			return nil, err
		}
		if clock == nil || e > clock.Epoch+1 || e+1 < clock.Epoch {
			return nil, fmt.Errorf("%w: epoch %d is not running", round.ErrRequest, e)
		}
		r, err := ledger.LoadRoster(v, m.NetUID, e)
		if err != nil {
			return nil, err
		}
		if r != nil {
			m.mu.Lock()
			for old := range m.rosters {
				if old+2 < e {
					delete(m.rosters, old)
				}
			}
			m.rosters[e] = r
			m.mu.Unlock()
			return r, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: epoch %d has not begun", round.ErrRequest, e)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
