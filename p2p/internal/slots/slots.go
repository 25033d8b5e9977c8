// Package slots counts running stream handlers.
package slots

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// How many handlers of one name may run at once, for one peer and in all, and
// how many refusals may be on their way.
const (
	PerPeer  = 16
	InAll    = 512
	Refusals = 64
)

// Slots counts running handlers, so that one peer cannot hold them all. The zero
// value is ready.
type Slots struct {
	mu       sync.Mutex
	running  map[slot]int
	byName   map[string]int
	refusals int
	wg       sync.WaitGroup
	closed   bool // by Wait
}

type slot struct {
	name string
	peer peer.ID
}

// Take reserves a handler, for which Free must be called when it ends. When
// there is none to have, it returns the pause until the next try, 0 after Wait.
func (s *Slots) Take(name string, p peer.ID) (retry time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running, s.byName = map[slot]int{}, map[string]int{}
	}
	k := slot{name, p}
	switch {
	case s.closed:
		return 0, false
	case s.running[k] >= PerPeer: // its own streams have to end first
		return time.Second, false
	case s.byName[name] >= InAll:
		return 5 * time.Second, false
	}
	s.running[k]++
	s.byName[name]++
	s.wg.Add(1)
	return 0, true
}

// Free gives a handler back.
func (s *Slots) Free(name string, p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := slot{name, p}
	s.byName[name]--
	if s.running[k]--; s.running[k] == 0 {
		delete(s.running, k)
	}
	s.wg.Done()
}

// Refusing calls refuse, which may wait for a slow peer, or reset when too many
// wait already.
func (s *Slots) Refusing(refuse, reset func()) {
	s.mu.Lock()
	if s.closed || s.refusals >= Refusals {
		s.mu.Unlock()
		reset()
		return
	}
	s.refusals++
	s.wg.Add(1)
	s.mu.Unlock()
	refuse()
	s.mu.Lock()
	s.refusals--
	s.mu.Unlock()
	s.wg.Done()
}

// Wait refuses new handlers and waits for the running ones.
func (s *Slots) Wait() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
}
