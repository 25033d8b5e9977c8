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
	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
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
	// Prove returns values of the state after a height with what proves them. It
	// fails before the block after it and for heights that are long past.
	Prove(h ledger.Height, keys [][]byte) (proof.State, error)
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
	// Artifact gets the bytes of a subnet's artifact, which is in force in an epoch,
	// by their round.ArtifactHash; it may ask whoever revealed it.
	Artifact func(ctx context.Context, n ledger.NetUID, e ledger.Epoch, hash [32]byte) ([]byte, error)
	// KeepArtifact keeps and serves an artifact that this validator votes for.
	KeepArtifact func(n ledger.NetUID, e ledger.Epoch, hash [32]byte, b []byte) error
	// Publish keeps and serves the bundle of a closed epoch: write writes its file
	// and returns its root.
	Publish func(n ledger.NetUID, e ledger.Epoch, write func(io.Writer) ([32]byte, error)) (root [32]byte, size int64, err error)
	// Budget, if not nil, is shared by the validators of a node: rounds wait for it
	// to have bandwidth. Module is to make its calls within it too.
	Budget *Scheduler
	// Quit, once closed, lets Run begin no more rounds and return when those in
	// flight are kept. May be nil.
	Quit <-chan struct{}
	// Notify is told of what the loop does; it must not block. May be nil.
	Notify func(Event)
	Log    *slog.Logger
}

// Event is one thing that the loop did.
type Event struct {
	Kind   string // "round", "skipped", "fault", "evidence", "commit", "reveal", "permit-gone", "permit-back"
	NetUID ledger.NetUID
	Epoch  ledger.Epoch
	Round  uint16
	Scores []Score // of a round
	Root   [32]byte
	Bytes  int64 // of an evidence file
	Err    error // why a round was skipped: ErrModule or ErrData may be in it

	// Of a fault: whose message was wrong, and how.
	Miner ledger.Hotkey
	Fault Fault
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
	sign key.Expanded // the hotkey

	mu      sync.Mutex
	started map[roundID]bool // rounds begun in this run
	flying  map[ledger.Epoch]int

	waiting map[roundID]*waiting // rounds that were asked and are not scored

	sent    map[ledger.Epoch]sent // last tries of commits and reveals, owned by Run
	resumed bool                  // what an earlier run left is taken up
	permit  int                   // what is known of it
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
	return &Validator{Config: c, self: c.Hotkey.Public(), sign: c.Hotkey.Expand(), started: map[roundID]bool{}, flying: map[ledger.Epoch]int{}, waiting: map[roundID]*waiting{},
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
	if err := v.takeUp(view, clock); err != nil {
		return err
	}
	if err := v.forward(ctx, g, clock, h); err != nil {
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

// takeUp resumes, once, what an earlier run left of the epochs that are kept.
func (v *Validator) takeUp(view ledger.View, clock *ledger.Clock) error {
	if v.resumed {
		return nil
	}
	for back := ledger.Epoch(0); back <= clock.Epoch && back <= keepEpochs; back++ {
		e := clock.Epoch - back
		// Rosters of old epochs are gone; the number of rounds is not.
		rec, err := ledger.LoadRecord(view, v.NetUID, e)
		if err != nil {
			return err
		}
		if rec == nil {
			continue
		}
		params, err := ledger.LoadParams(view, rec.Params)
		if err != nil {
			return err
		}
		if params == nil {
			continue
		}
		if err := v.resume(e, len(params.Rounds)); err != nil {
			return err
		}
	}
	v.resumed = true
	return nil
}

// begin starts the rounds that are due.
func (v *Validator) begin(ctx context.Context, g *errgroup.Group, view ledger.View, clock *ledger.Clock, h ledger.Height) error {
	now, err := v.load(view, roundID{epoch: clock.Epoch})
	if err != nil || now == nil || h < now.rec.First {
		return err
	}
	v.permitted(now)
	if v.permit != permitHeld {
		return nil
	}
	for i := range now.params.Rounds {
		at := round.Begin(now.rec, now.params, uint16(i))
		id := roundID{clock.Epoch, uint16(i)}
		if h < at || h > at+roundGrace || !v.claim(id) {
			continue
		}
		if kept, err := v.Keep.Get(v.roundKey(id.epoch, id.round)); err != nil || kept != nil {
			v.land(id.epoch)
			if err != nil {
				return err
			}
			continue
		}
		one := *now
		one.id = id
		g.Go(func() error {
			defer v.land(id.epoch)
			return v.run(ctx, &one)
		})
	}
	return nil
}

// What the loop knows of its permit.
const (
	permitUnknown = iota
	permitHeld
	permitGone
)

// permitted looks whether the hotkey has a permit in an epoch, and tells when that
// changed. Without one no round is begun; the weights of the epoch before are
// still committed and revealed.
func (v *Validator) permitted(j *job) {
	now := permitGone
	if me := j.roster.Index(v.self); me >= 0 && j.roster[me].Permit {
		now = permitHeld
	}
	if now == v.permit {
		return
	}
	before := v.permit
	v.permit = now
	switch {
	case now == permitGone:
		v.Log.Warn("no permit: this subnet is not validated until the hotkey has one again", "netuid", v.NetUID, "epoch", j.rec.Epoch, "hotkey", v.self)
		v.Notify(Event{Kind: "permit-gone", NetUID: v.NetUID, Epoch: j.rec.Epoch})
	case before == permitGone:
		v.Log.Info("the permit is back: this subnet is validated again", "netuid", v.NetUID, "epoch", j.rec.Epoch, "hotkey", v.self)
		v.Notify(Event{Kind: "permit-back", NetUID: v.NetUID, Epoch: j.rec.Epoch})
	}
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
