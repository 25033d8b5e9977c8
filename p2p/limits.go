package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
)

// How many handlers of one name may run at once, for one peer and in all. A
// stream above that is reset: the other side sees an error and may come back.
const (
	handlersPerPeer = 16
	handlersInAll   = 512
)

// resourceLimits are libp2p's own, scaled to the machine, with more streams per
// peer: the consensus engine opens one for each message.
func resourceLimits() rcmgr.ConcreteLimitConfig {
	base := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&base)
	const streams = 4096
	raise := func(b *rcmgr.BaseLimit) { b.Streams, b.StreamsInbound, b.StreamsOutbound = 2*streams, streams, streams }
	raise(&base.PeerBaseLimit)
	raise(&base.ProtocolPeerBaseLimit)
	for _, b := range []*rcmgr.BaseLimit{&base.SystemBaseLimit, &base.ProtocolBaseLimit} {
		b.Streams, b.StreamsInbound, b.StreamsOutbound = 8*streams, 4*streams, 4*streams
	}
	base.TransientBaseLimit.Streams, base.TransientBaseLimit.StreamsInbound, base.TransientBaseLimit.StreamsOutbound = streams, streams/2, streams/2
	return base.AutoScale()
}

// slots counts running handlers, so that one peer cannot hold them all.
type slots struct {
	mu      sync.Mutex
	running map[slot]int
	byName  map[string]int
	wg      sync.WaitGroup
	closed  bool
}

type slot struct {
	name string
	peer peer.ID
}

// take reserves a handler; free must be called when it ends.
func (s *slots) take(name string, p peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running, s.byName = map[slot]int{}, map[string]int{}
	}
	k := slot{name, p}
	if s.closed || s.running[k] >= handlersPerPeer || s.byName[name] >= handlersInAll {
		return false
	}
	s.running[k]++
	s.byName[name]++
	s.wg.Add(1)
	return true
}

func (s *slots) free(name string, p peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := slot{name, p}
	s.byName[name]--
	if s.running[k]--; s.running[k] == 0 {
		delete(s.running, k)
	}
	s.wg.Done()
}

// wait refuses new handlers and waits for the running ones.
func (s *slots) wait() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
}
