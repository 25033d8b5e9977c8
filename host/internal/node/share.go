package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// share is what one subnet's module may use of the node, whatever others do with
// the same module: fuel a second, and memory of the calls that run at once. It
// may be changed while calls wait.
type share struct {
	mu      sync.Mutex
	rate    uint64 // fuel a second, 0 for no bound
	memory  uint64 // bytes, 0 for no bound
	saved   int64  // fuel saved up, negative when overdrawn
	at      time.Time
	running int
	taken   uint64        // bytes of the running calls
	changed chan struct{} // closed when a call that waits should look again
}

// shareBurst is how much fuel is saved up, in seconds.
const shareBurst = 2

func newShare() *share { return &share{changed: make(chan struct{})} }

// bound sets what may be used from now on.
func (s *share) bound(rate, memory uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rate != s.rate {
		s.rate, s.saved, s.at = rate, int64(rate)*shareBurst, time.Now()
	}
	s.memory = memory
	s.wake()
}

func (s *share) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// take waits until a call that needs so many bytes may start.
func (s *share) take(ctx context.Context, bytes uint64) error {
	for {
		s.mu.Lock()
		pause, ok := s.ready(bytes, time.Now())
		if ok {
			s.running++
			s.taken += bytes
			s.mu.Unlock()
			return nil
		}
		changed := s.changed
		s.mu.Unlock()
		var saved <-chan time.Time
		if pause > 0 {
			saved = time.After(pause)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-saved:
		}
	}
}

// ready reports whether a call may start, else after which pause to look again; 0
// for when another ends. A call starts while fuel is saved up and may overdraw it.
func (s *share) ready(bytes uint64, now time.Time) (pause time.Duration, ok bool) {
	if s.rate > 0 {
		most := int64(s.rate) * shareBurst
		gained := now.Sub(s.at).Seconds() * float64(s.rate)
		s.at = now
		s.saved = int64(min(float64(most), float64(s.saved)+gained))
		if s.saved <= 0 {
			return time.Duration(float64(1-s.saved)/float64(s.rate)*float64(time.Second)) + time.Millisecond, false
		}
	}
	return 0, s.memory == 0 || s.running == 0 || s.taken+bytes <= s.memory
}

// give ends a call that used so much fuel.
func (s *share) give(bytes, fuel uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.taken -= bytes
	if s.rate > 0 {
		s.saved -= int64(min(fuel, plugins.MaxFuel))
	}
	s.wake()
}

// caller makes the calls of a module within the share.
func (s *share) caller(c plugins.Caller) plugins.Caller { return sharing{c, s} }

type sharing struct {
	plugins.Caller
	share *share
}

// Call waits for its turn, then calls.
func (c sharing) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	bytes := min(c.Manifest().Pages, plugins.MaxPages) << 16
	if err := c.share.take(ctx, bytes); err != nil {
		return plugins.Reply{}, err
	}
	r, err := c.Caller.Call(ctx, op, input, seed)
	fuel := r.Fuel
	var fault *plugins.Fault
	if errors.As(err, &fault) {
		fuel = fault.Fuel
	}
	c.share.give(bytes, fuel)
	return r, err
}
