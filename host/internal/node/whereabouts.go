package node

import (
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/round"
)

// rosterAge is how long the peers that a subnet's neurons name are taken from one
// look at the chain.
const rosterAge = 10 * time.Second

// whereabouts follows the peer records of a subnet's miners until ctx ends, so
// that a round finds them without a search.
func (n *Node) whereabouts(ctx context.Context, netuid ledger.NetUID) {
	var mu sync.Mutex
	var named map[peer.ID]bool
	var at time.Time
	group, err := n.net.Records(round.PeerGroup(netuid), func(id peer.ID) bool {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(at) > rosterAge {
			named, at = n.namedPeers(netuid), time.Now()
		}
		return named[id]
	}, nil)
	if err != nil {
		n.log.Warn("following the miners' addresses", "netuid", netuid, "err", err) // they are searched for, each time
		return
	}
	<-ctx.Done()
	group.Close()
}

// namedPeers are the peers in the roster of a subnet's running epoch, none when it
// cannot be read.
func (n *Node) namedPeers(netuid ledger.NetUID) map[peer.ID]bool {
	v := n.chain.View()
	defer v.Close()
	out := map[peer.ID]bool{}
	clock, err := ledger.LoadClock(v, netuid)
	if err != nil || clock == nil {
		return out
	}
	roster, err := ledger.LoadRoster(v, netuid, clock.Epoch)
	if err != nil {
		return out
	}
	for i := range roster {
		if id, err := p2p.PeerIDFromKey(roster[i].Work.Peer); err == nil && roster[i].Serves() {
			out[id] = true
		}
	}
	return out
}
