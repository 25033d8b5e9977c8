package p2p

import (
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
)

// resources are libp2p's own limits, scaled to the machine, with more streams
// per peer, since the consensus engine opens one for each message, and with the
// configured connections, in all and per prefix. Loopback has no limit per
// prefix: a development network lives there. Their metrics are off: they format
// the time of each change of each count, a twelfth of what a short stream costs.
func resources(c Config) (network.ResourceManager, error) {
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
	// The connection manager trims at MaxPeers; beyond a half more nobody enters.
	all := c.MaxPeers + c.MaxPeers/2
	base.SystemBaseLimit.Conns = max(base.SystemBaseLimit.Conns, 2*all)
	base.SystemBaseLimit.ConnsInbound = max(base.SystemBaseLimit.ConnsInbound, all)
	base.SystemBaseLimit.ConnsOutbound = max(base.SystemBaseLimit.ConnsOutbound, all)
	n := c.PrefixPeers
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(base.AutoScale()), rcmgr.WithMetricsDisabled(), rcmgr.WithLimitPerSubnet(
		[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: n}, {PrefixLength: 24, ConnCount: 4 * n}},
		[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: n}, {PrefixLength: 48, ConnCount: 8 * n}}))
}
