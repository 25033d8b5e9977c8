package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/validator"
)

// Pauses before a loop that failed is started again.
const (
	againFirst = time.Second
	againLast  = time.Minute
)

// errEnded is why a loop that ended by itself, without an error, is started again.
var errEnded = errors.New("the loop ended")

// loops runs one validator's loop a subnet, as the configuration asks for. What
// ends one ends no other, and it is started again after a pause that doubles.
type loops struct {
	// run is one life of a subnet's loop: until ctx ends, or in order until quit is
	// closed.
	run func(ctx context.Context, s *subnetLoop, quit <-chan struct{}) error
	// fault is told of each end that nobody asked for.
	fault func(netuid ledger.NetUID, err error, again time.Duration)
	// bound is told within what each wanted subnet may run, and of one that is gone
	// that nothing bounds it any more.
	bound func(config.Subnet)
	// gone is told of each loop that ended in order.
	gone func(netuid ledger.NetUID)
	log  *slog.Logger

	mu      sync.Mutex
	want    []config.Subnet
	all     map[ledger.NetUID]*subnetLoop // running, or ending
	changed chan struct{}                 // holds one
}

// subnetLoop is one subnet's loop. The lock of its loops guards it.
type subnetLoop struct {
	netuid ledger.NetUID

	cfg      config.Subnet
	quit     chan struct{} // closed to end in order
	ending   bool
	waiting  bool // to be started again
	restarts int
	scored   int            // rounds
	skipped  map[string]int // rounds, by the names of skips
	faults   map[string]int // miners' messages, by validator.Fault
	idle     bool           // its hotkey has no permit
	lastErr  string
	since    time.Time // of lastErr
	data     dataState
}

func newLoops(log *slog.Logger) *loops {
	return &loops{log: log, all: map[ledger.NetUID]*subnetLoop{}, changed: make(chan struct{}, 1)}
}

// ask says which subnets are to be validated from now on. Bounds change at once;
// a loop that is no longer wanted ends when its rounds in flight have.
func (l *loops) ask(want []config.Subnet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.want = slices.Clone(want)
	for _, w := range want {
		if s := l.all[w.NetUID]; s != nil && !s.ending && !reflect.DeepEqual(s.cfg, w) {
			s.cfg = w
			l.bound(w)
		}
	}
	l.wake()
}

func (l *loops) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// wanted are the netuids asked for.
func (l *loops) wanted() (out []ledger.NetUID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.want {
		out = append(out, w.NetUID)
	}
	return out
}

// Run keeps the loops that are wanted running until ctx ends, and waits for all.
func (l *loops) Run(ctx context.Context) error {
	var g errgroup.Group
	for {
		l.reconcile(ctx, &g)
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-l.changed:
		}
	}
}

func (l *loops) reconcile(ctx context.Context, g *errgroup.Group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for netuid, s := range l.all {
		if !s.ending && !slices.ContainsFunc(l.want, func(w config.Subnet) bool { return w.NetUID == netuid }) {
			s.ending = true
			close(s.quit)
		}
	}
	for _, w := range l.want {
		if l.all[w.NetUID] != nil { // one that is ending wakes us when it is gone
			continue
		}
		s := &subnetLoop{netuid: w.NetUID, cfg: w, quit: make(chan struct{}), skipped: map[string]int{}, faults: map[string]int{}}
		l.bound(w)
		l.all[w.NetUID] = s
		g.Go(func() error {
			l.keep(ctx, s)
			l.mu.Lock()
			delete(l.all, s.netuid)
			l.mu.Unlock()
			l.bound(config.Subnet{NetUID: s.netuid})
			l.gone(s.netuid)
			l.wake()
			return nil
		})
	}
}

// keep runs a loop again and again until ctx ends or it is no longer wanted.
func (l *loops) keep(ctx context.Context, s *subnetLoop) {
	for pause := againFirst; ; pause = min(2*pause, againLast) {
		began := time.Now()
		l.mu.Lock()
		s.waiting, s.idle = false, false
		l.mu.Unlock()
		err := l.run(ctx, s, s.quit)
		select {
		case <-ctx.Done():
			return
		case <-s.quit:
			l.log.Info("a subnet is no longer validated", "netuid", s.netuid)
			return
		default:
		}
		if err == nil {
			err = errEnded
		}
		if time.Since(began) > 2*againLast {
			pause = againFirst
		}
		l.mu.Lock()
		s.restarts++
		s.waiting = true
		s.fail(err)
		l.mu.Unlock()
		l.log.Error("a subnet's loop ended and is started again", "netuid", s.netuid, "in", pause, "err", err)
		l.fault(s.netuid, err, pause)
		select {
		case <-ctx.Done():
			return
		case <-s.quit:
			return
		case <-time.After(pause):
		}
	}
}

func (s *subnetLoop) fail(err error) { s.lastErr, s.since = err.Error(), time.Now() }

// skip counts a round that was skipped.
func (s *subnetLoop) skip(err error) {
	why := "other"
	switch {
	case errors.Is(err, validator.ErrModule):
		why = "module"
	case errors.Is(err, validator.ErrData):
		why = "data"
	}
	s.skipped[why]++
	s.fail(err)
}

// count changes what is counted of a subnet, if it is validated.
func (l *loops) count(netuid ledger.NetUID, fn func(s *subnetLoop)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.all[netuid]; s != nil {
		fn(s)
	}
}

// setting is how the subnet is validated now.
func (l *loops) setting(s *subnetLoop) config.Subnet {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.cfg
}

// find is how a subnet that is wanted is to be validated.
func (l *loops) find(netuid ledger.NetUID) (config.Subnet, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.want, func(w config.Subnet) bool { return w.NetUID == netuid })
	if i < 0 {
		return config.Subnet{}, false
	}
	return l.want[i], true
}

// tellData notes what is known of a subnet's data and returns the error noted
// before.
func (l *loops) tellData(netuid ledger.NetUID, d dataState) (was string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.all[netuid]; s != nil {
		was, s.data = s.data.Err, d
	}
	return was
}

// list tells of the loops, in the order of their netuids.
func (l *loops) list() (out []admin.Subnet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.all {
		x := admin.Subnet{NetUID: uint16(s.netuid), State: "running", Data: s.cfg.Data, Fuel: s.cfg.Fuel, Memory: s.cfg.Memory, Bandwidth: s.cfg.Bandwidth,
			Scored: s.scored, Skips: maps.Clone(s.skipped), Faults: maps.Clone(s.faults), Restarts: s.restarts, Err: s.lastErr}
		for _, n := range s.skipped {
			x.Skipped += n
		}
		switch {
		case s.ending:
			x.State = "ending"
		case s.waiting:
			x.State = "waiting"
		case s.idle:
			x.State = "no permit"
		}
		if s.data.Root != ([32]byte{}) {
			x.Root, x.Windows, x.Left, x.DataErr = fmt.Sprintf("%x", s.data.Root), s.data.Windows, s.data.Left, s.data.Err
		}
		if s.lastErr != "" {
			at := s.since
			x.ErrAt = &at
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b admin.Subnet) int { return int(a.NetUID) - int(b.NetUID) })
	return out
}

// describe names a fault in an event.
func describe(err error, again time.Duration) string {
	return fmt.Sprintf("%v: started again in %v", err, again)
}
