package p2p

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
	"golang.org/x/sync/errgroup"
)

const (
	// rendezvous is the name under which full nodes are found in the DHT.
	rendezvous = "full"
	// searchFast is the pause between searches while fewer than searchEnough
	// full nodes are known, searchSlow afterwards.
	searchFast, searchSlow = 3 * time.Second, 30 * time.Second
	searchEnough           = 8
	// reportEvery is how often all known full nodes are reported again, so that
	// a consumer that lost one gets it back.
	reportEvery  = 5 * time.Second
	advertiseAll = 10 * time.Minute
	maxKnown     = 256
)

// discovery finds full nodes: peers that speak a consensus protocol of this
// network. One goroutine watches the host's events and reports, another
// searches the DHT; mu guards what they share.
type discovery struct {
	h       *Host
	full    string // prefix of the consensus protocols
	routing *routing.RoutingDiscovery
	events  event.Subscription

	mu     sync.Mutex
	report func(peer.AddrInfo)
	known  map[peer.ID]time.Time // full nodes and when they were last seen
}

func newDiscovery(h *Host, full string) (*discovery, error) {
	sub, err := h.host.EventBus().Subscribe([]any{new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated)})
	if err != nil {
		return nil, err
	}
	return &discovery{h: h, full: full, routing: routing.NewRoutingDiscovery(h.dht), events: sub, known: map[peer.ID]time.Time{}}, nil
}

// OnPeer sets the function that is told of each full node of this network: when
// one connects, when the DHT names one, and again every few seconds while it is
// known. fn runs in one goroutine of the host, must tolerate repetition, and
// must not block for long.
func (h *Host) OnPeer(fn func(peer.AddrInfo)) {
	h.found.mu.Lock()
	defer h.found.mu.Unlock()
	h.found.report = fn
}

// FullNodes returns the known full nodes.
func (h *Host) FullNodes() []peer.ID {
	h.found.mu.Lock()
	defer h.found.mu.Unlock()
	var out []peer.ID
	for id := range h.found.known {
		out = append(out, id)
	}
	return out
}

func (d *discovery) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	found := make(chan peer.AddrInfo, 16)
	g.Go(func() error { return d.search(ctx, found) })
	g.Go(func() error { return d.watch(ctx, found) })
	return g.Wait()
}

// watch turns events and search results into reports.
func (d *discovery) watch(ctx context.Context, found <-chan peer.AddrInfo) error {
	defer d.events.Close()
	again := time.NewTicker(reportEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-d.events.Out():
			switch e := e.(type) {
			case event.EvtPeerIdentificationCompleted:
				d.consider(e.Peer, e.Protocols)
			case event.EvtPeerProtocolsUpdated:
				d.consider(e.Peer, e.Added)
			}
		case p := <-found:
			d.tell(p)
		case <-again.C:
			for _, id := range d.h.FullNodes() {
				d.tell(peer.AddrInfo{ID: id, Addrs: d.h.host.Peerstore().Addrs(id)})
			}
		}
	}
}

func (d *discovery) consider(id peer.ID, protocols []protocol.ID) {
	for _, p := range protocols {
		if strings.HasPrefix(string(p), d.full) {
			d.tell(peer.AddrInfo{ID: id, Addrs: d.h.host.Peerstore().Addrs(id)})
			return
		}
	}
}

// tell remembers a full node and reports it, unless nothing is known about how
// to reach it.
func (d *discovery) tell(p peer.AddrInfo) {
	connected := d.h.host.Network().Connectedness(p.ID) == network.Connected
	d.mu.Lock()
	if connected || d.known[p.ID].IsZero() {
		d.known[p.ID] = time.Now()
	}
	if len(d.known) > maxKnown {
		oldest, when := peer.ID(""), time.Now()
		for id, t := range d.known {
			if t.Before(when) {
				oldest, when = id, t
			}
		}
		delete(d.known, oldest)
	}
	report := d.report
	d.mu.Unlock()
	if report != nil && (connected || len(p.Addrs) > 0) {
		report(p)
	}
}

// isFull says whether this host itself speaks a consensus protocol.
func (d *discovery) isFull() bool {
	for _, p := range d.h.host.Mux().Protocols() {
		if strings.HasPrefix(string(p), d.full) {
			return true
		}
	}
	return false
}

// search advertises this host, if it is a full node, and looks for others.
func (d *discovery) search(ctx context.Context, found chan<- peer.AddrInfo) error {
	var advertised time.Time
	for {
		if d.isFull() && time.Since(advertised) > advertiseAll {
			c, cancel := context.WithTimeout(ctx, 20*time.Second)
			if _, err := d.routing.Advertise(c, rendezvous); err == nil {
				advertised = time.Now()
			}
			cancel()
		}
		n := d.find(ctx, found)
		pause := searchFast
		if n >= searchEnough {
			pause = searchSlow
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// find asks the DHT once and returns how many full nodes are known now.
func (d *discovery) find(ctx context.Context, found chan<- peer.AddrInfo) int {
	c, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if d.h.dht.RoutingTable().Size() > 0 {
		if ch, err := d.routing.FindPeers(c, rendezvous); err == nil {
			for p := range ch {
				if p.ID == d.h.ID() || p.ID == "" {
					continue
				}
				select {
				case found <- p:
				case <-c.Done():
				}
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.known)
}
