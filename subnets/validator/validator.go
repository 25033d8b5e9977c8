// Package validator is a validator's loop over one subnet: it draws the tasks of
// each epoch from the subnet's module, asks the drawn miners, scores their
// answers blind, keeps every finished round durably, and at the epoch's end
// ranks, publishes evidence, commits and reveals by the epoch clock.
//
// A Validator owns its goroutines: Run starts them and waits for them. A round
// that fails is skipped and recorded as such; it never stops the loop.
package validator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// Chain is what the loop needs of a node.
type Chain interface {
	// View returns the newest committed state; release it after use.
	View() (v ledger.View, release func(), err error)
	// Blocks sends the height of each committed block; it may skip some for a
	// slow reader, never the newest.
	Blocks(ctx context.Context) <-chan ledger.Height
	// Submit hands in a transaction.
	Submit(tx []byte) error
}

// Keep is the durable store of the loop. Put has survived a crash when it
// returns; Get returns nil for an absent key.
type Keep interface {
	Get(key []byte) ([]byte, error)
	Put(key, value []byte) error
	Delete(key []byte) error
}

// Config of a Validator.
type Config struct {
	ChainID string
	NetUID  ledger.NetUID
	Hotkey  key.Seed
	Net     p2p.Opener // whose identity is the hotkey's peer key
	Chain   Chain
	Keep    Keep
	// Module loads the module of a digest, ready to be called.
	Module func(ctx context.Context, id plugins.ID) (plugins.Caller, error)
	// Data opens the data set that the subnet names, of which the epoch draws one
	// window; it is not called for a subnet without data.
	Data func(ctx context.Context, named ledger.DataSet, e ledger.Epoch) (*dataset.Set, error)
	// Publish keeps and serves the bundle of a closed epoch: write writes its file
	// and returns its root.
	Publish func(n ledger.NetUID, e ledger.Epoch, write func(io.Writer) ([32]byte, error)) (root [32]byte, size int64, err error)
	// Quit, once closed, lets Run begin no more rounds and return when those in
	// flight are kept. May be nil.
	Quit <-chan struct{}
	// Notify is told of what the loop does; it must not block. May be nil.
	Notify func(Event)
	Log    *slog.Logger
}

// Event is one thing that the loop did.
type Event struct {
	Kind   string // "round", "skipped", "evidence", "commit", "reveal"
	NetUID ledger.NetUID
	Epoch  ledger.Epoch
	Round  uint16
	Scores []Score // of a round
	Root   [32]byte
	Bytes  int64 // of an evidence file
	Err    error // why a round was skipped
}

// Score is one asked miner's result in a round.
type Score struct {
	Hotkey ledger.Hotkey
	Score  uint64
	Status evidence.Status
}

// Validator is the loop. Its fields below the mutex are shared by the rounds in
// flight; the rest belongs to Run.
type Validator struct {
	Config
	self key.ID

	mu      sync.Mutex
	started map[roundID]bool // rounds begun in this run
	flying  map[ledger.Epoch]int

	sent map[ledger.Epoch]sent // last tries of commits and reveals, owned by Run
}

type roundID struct {
	epoch ledger.Epoch
	round uint16
}

type sent struct{ commit, reveal ledger.Height }

// New makes a validator's loop.
func New(c Config) *Validator {
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Validator{Config: c, self: c.Hotkey.Public(), started: map[roundID]bool{}, flying: map[ledger.Epoch]int{},
		sent: map[ledger.Epoch]sent{}}
}

// Run follows the chain until ctx ends, or in order until Quit is closed.
func (v *Validator) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	blocks := v.Chain.Blocks(ctx)
	g.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-v.Quit:
				return nil
			case h, ok := <-blocks:
				if !ok {
					return nil
				}
				if err := v.block(ctx, g, h); err != nil {
					return err
				}
			}
		}
	})
	return g.Wait()
}

// block does what is due after block h. Only an error of the state or of the
// store stops the loop.
func (v *Validator) block(ctx context.Context, g *errgroup.Group, h ledger.Height) error {
	view, release, err := v.Chain.View()
	if err != nil {
		return fmt.Errorf("validator: %w", err)
	}
	defer release()
	clock, err := ledger.LoadClock(view, v.NetUID)
	if err != nil || clock == nil {
		return err
	}
	if err := v.begin(ctx, g, view, clock, h); err != nil {
		return err
	}
	if clock.Epoch == 0 {
		return nil
	}
	if err := v.finish(ctx, view, clock, h); err != nil && ctx.Err() == nil {
		if !errors.Is(err, errUnready) {
			return err
		}
		v.Log.Warn("closing an epoch", "netuid", v.NetUID, "epoch", clock.Epoch-1, "err", err)
	}
	return nil
}

// roundGrace is how many blocks after its start a round is still begun.
const roundGrace = 2

// begin starts the rounds that are due.
func (v *Validator) begin(ctx context.Context, g *errgroup.Group, view ledger.View, clock *ledger.Clock, h ledger.Height) error {
	rec, err := ledger.LoadRecord(view, v.NetUID, clock.Epoch)
	if err != nil || rec == nil || h < rec.First {
		return err
	}
	sub, err := ledger.LoadSubnet(view, v.NetUID)
	if err != nil {
		return err
	}
	var roster ledger.Roster
	for i, start := range sub.Params.Rounds {
		at := rec.First + uint64(start)
		if h < at || h > at+roundGrace || !v.claim(roundID{rec.Epoch, uint16(i)}) {
			continue
		}
		if kept, err := v.Keep.Get(v.roundKey(rec.Epoch, uint16(i))); err != nil || kept != nil {
			v.land(rec.Epoch)
			if err != nil {
				return err
			}
			continue
		}
		if roster == nil {
			if roster, err = ledger.LoadRoster(view, v.NetUID, rec.Epoch); err != nil {
				return err
			}
		}
		me := roster.Index(v.self)
		if me < 0 || !roster[me].Permit {
			v.land(rec.Epoch)
			continue
		}
		job := job{rec: *rec, sub: *sub, roster: roster, round: uint16(i)}
		g.Go(func() error {
			defer v.land(job.rec.Epoch)
			return v.run(ctx, job)
		})
	}
	return nil
}

// claim marks a round as begun; false when it was already.
func (v *Validator) claim(id roundID) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.started[id] {
		return false
	}
	for old := range v.started {
		if old.epoch+2 < id.epoch {
			delete(v.started, old)
		}
	}
	v.started[id] = true
	v.flying[id.epoch]++
	return true
}

func (v *Validator) land(e ledger.Epoch) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.flying[e]--; v.flying[e] == 0 {
		delete(v.flying, e)
	}
}

func (v *Validator) inFlight(e ledger.Epoch) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.flying[e] > 0
}
