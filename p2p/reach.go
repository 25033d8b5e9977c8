package p2p

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// What one relayed connection may use before it is cut: enough for the exchange
// of a task and its answer, too little to be a free tunnel.
const (
	relayTime  = 10 * time.Minute
	relayBytes = 16 << 20 // each way
)

// relayBackoff is how long a relay that failed is left alone. A host with one
// relay is out of reach meanwhile, so it is short.
const relayBackoff = 15 * time.Second

// reachability is how a host behind a router is found: it learns from others
// whether it can be reached (AutoNAT), asks its router for a port, and otherwise
// reserves a place at peers that relay, from where a direct connection is tried.
func (h *Host) reachability(c Config) []libp2p.Option {
	opts := []libp2p.Option{
		libp2p.EnableRelay(),
		libp2p.EnableAutoNATv2(),
		libp2p.EnableAutoRelayWithPeerSource(h.relays, autorelay.WithNumRelays(2), autorelay.WithMinCandidates(1),
			autorelay.WithBootDelay(5*time.Second), autorelay.WithBackoff(relayBackoff), autorelay.WithMinInterval(2*time.Second)),
	}
	if c.HolePunching {
		var tell []holepunch.Option
		if c.punch != nil {
			tell = append(tell, holepunch.WithTracer(c.punch))
		}
		opts = append(opts, libp2p.EnableHolePunching(tell...))
	}
	if c.Relay {
		r := relay.DefaultResources()
		r.Limit = &relay.RelayLimit{Duration: relayTime, Data: relayBytes}
		r.MaxReservationsPerIP = c.PrefixPeers
		opts = append(opts, libp2p.EnableRelayService(relay.WithResources(r)))
	}
	if !c.Client && !c.Hidden {
		// A host asks for a place at a relay once others could not dial it back, of
		// which libp2p learns by the first form of AutoNAT alone: somebody has to
		// offer that.
		opts = append(opts, libp2p.EnableNATService())
	}
	switch {
	case c.Relay || c.reach == network.ReachabilityPublic:
		opts = append(opts, libp2p.ForceReachabilityPublic())
	case c.Hidden || c.reach == network.ReachabilityPrivate:
		opts = append(opts, libp2p.ForceReachabilityPrivate())
	}
	if !local(c.Listen) {
		opts = append(opts, libp2p.NATPortMap())
	}
	if c.gater != nil {
		opts = append(opts, libp2p.ConnectionGater(c.gater))
	}
	return opts
}

// relays offers the known peers as relays; the caller finds out which of them
// relay.
func (h *Host) relays(ctx context.Context, n int) <-chan peer.AddrInfo {
	out := make(chan peer.AddrInfo, n)
	defer close(out)
	d := h.table.Load()
	if d == nil { // the host is being made
		return out
	}
	seen := map[peer.ID]bool{}
	for _, id := range append(h.host.Network().Peers(), d.RoutingTable().ListPeers()...) {
		if len(out) == n || ctx.Err() != nil {
			break
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if as := direct(h.host.Peerstore().Addrs(id)); len(as) > 0 && h.relaysFor(id) {
			out <- peer.AddrInfo{ID: id, Addrs: as}
		}
	}
	return out
}

// relaysFor says whether a peer may be a relay, as far as is known.
func (h *Host) relaysFor(id peer.ID) bool {
	known, err := h.host.Peerstore().GetProtocols(id)
	if err != nil || len(known) == 0 {
		return true // it has not introduced itself
	}
	for _, p := range known {
		if strings.HasPrefix(string(p), "/libp2p/circuit/relay/") && strings.HasSuffix(string(p), "/hop") {
			return true
		}
	}
	return false
}

// autoRelay is the tag by which libp2p protects the connections to the relays at
// which this host has a place.
const autoRelay = "autorelay"

// relayed are this host's addresses at relays that have no public address.
// libp2p gives out none of those, but on a network of one's own they are the only
// ones there are.
func (h *Host) relayed() (out []multiaddr.Multiaddr) {
	for _, id := range h.host.Network().Peers() {
		if !h.host.ConnManager().IsProtected(id, autoRelay) {
			continue
		}
		as := direct(h.host.Peerstore().Addrs(id))
		if slices.ContainsFunc(as, manet.IsPublicAddr) {
			continue
		}
		circuit, err := multiaddr.NewMultiaddr("/p2p/" + id.String() + "/p2p-circuit")
		if err != nil {
			continue
		}
		for _, a := range as {
			out = append(out, a.Encapsulate(circuit))
		}
	}
	slices.SortFunc(out, func(a, b multiaddr.Multiaddr) int { return bytes.Compare(a.Bytes(), b.Bytes()) })
	return out
}

// direct are the addresses that need no relay.
func direct(as []multiaddr.Multiaddr) (out []multiaddr.Multiaddr) {
	for _, a := range as {
		if _, err := a.ValueForProtocol(multiaddr.P_CIRCUIT); err != nil {
			out = append(out, a)
		}
	}
	return out
}

// Loopback reports whether an address is one of this machine alone, or none.
func Loopback(addr string) bool { return local([]string{addr}) }

// local says that a host with these addresses is reached from this machine only.
func local(listen []string) bool {
	for _, s := range listen {
		if a, err := multiaddr.NewMultiaddr(s); err != nil || !manet.IsIPLoopback(a) {
			return false
		}
	}
	return true
}
