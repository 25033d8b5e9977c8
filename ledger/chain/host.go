package chain

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/lp2p"
	cmtp2p "github.com/cometbft/cometbft/p2p"
	bcproto "github.com/cometbft/cometbft/proto/tendermint/blocksync"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// engineHost is the caller's host as CometBFT sees it. It renames the engine's
// protocols to ones that carry the genesis, since the engine itself never
// compares chain ids with a peer, and it keeps the engine from closing a host
// that is not its own.
type engineHost struct {
	host.Host
	prefix string // "/plexus/GENESIS/consensus/"

	mu      sync.Mutex
	handled []protocol.ID
}

const theirPrefix = lp2p.ProtocolIDPrefix + "/channel/"

// consensusPrefix must agree with p2p.ConsensusPrefix, by which other nodes
// recognise a full node.
func consensusPrefix(genesis [32]byte) string {
	const digits = "0123456789abcdef"
	b := []byte("/plexus/")
	for _, x := range genesis[:8] {
		b = append(b, digits[x>>4], digits[x&15])
	}
	return string(b) + "/consensus/"
}

func (h *engineHost) ours(id protocol.ID) protocol.ID {
	if channel, ok := strings.CutPrefix(string(id), theirPrefix); ok {
		return protocol.ID(h.prefix + channel)
	}
	return id
}

func (h *engineHost) SetStreamHandler(id protocol.ID, fn network.StreamHandler) {
	ours := h.ours(id)
	h.mu.Lock()
	h.handled = append(h.handled, ours)
	h.mu.Unlock()
	h.Host.SetStreamHandler(ours, func(s network.Stream) { fn(renamed{s, id}) })
}

func (h *engineHost) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	mapped := make([]protocol.ID, len(ids))
	for i, id := range ids {
		mapped[i] = h.ours(id)
	}
	return h.Host.NewStream(ctx, p, mapped...)
}

// watch tells of peers that restarted and of ones whose last connection is gone,
// until it is ended; a transport that sees a peer leave needs neither.
func (h *engineHost) watch() (gone <-chan peer.ID, end func()) {
	if h == nil {
		return nil, func() {}
	}
	ids := make(chan peer.ID, 64)
	tell := func(id peer.ID) {
		select {
		case ids <- id:
		default:
		}
	}
	notify := &network.NotifyBundle{
		ConnectedF: func(net network.Network, c network.Conn) {
			if stale(net, c) {
				tell(c.RemotePeer())
			}
		},
		DisconnectedF: func(net network.Network, c network.Conn) {
			if net.Connectedness(c.RemotePeer()) != network.Connected {
				tell(c.RemotePeer())
			}
		},
	}
	h.Host.Network().Notify(notify)
	return ids, func() { h.Host.Network().StopNotify(notify) }
}

// release takes the engine's handlers off the host.
func (h *engineHost) release() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.handled {
		h.Host.RemoveStreamHandler(id)
	}
	h.handled = nil
}

func (h *engineHost) Close() error                   { return nil }
func (h *engineHost) Network() network.Network       { return openNetwork{h.Host.Network()} }
func (h *engineHost) Peerstore() peerstore.Peerstore { return openPeerstore{h.Host.Peerstore()} }

type openNetwork struct{ network.Network }

func (openNetwork) Close() error { return nil }

type openPeerstore struct{ peerstore.Peerstore }

func (openPeerstore) Close() error { return nil }

// renamed is a stream that answers to the engine's own protocol id.
type renamed struct {
	network.Stream
	id protocol.ID
}

func (r renamed) Protocol() protocol.ID { return r.id }

// Greet makes a full node a peer of consensus, on both sides; it does nothing
// when it is one. The engine has no discovery: it adds a peer when a first
// message comes in from it, and answers with messages of its own, which add
// this node there. A status request is the harmless first message. On the
// transport tcp it does nothing: that one finds peers itself.
func (n *Node) Greet(ctx context.Context, to peer.AddrInfo) error {
	if n.host == nil || to.ID == n.host.ID() || n.engine.peer(to.ID) != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := n.host.Connect(ctx, to); err != nil {
		return err
	}
	msg := &bcproto.Message{Sum: &bcproto.Message_StatusRequest{StatusRequest: &bcproto.StatusRequest{}}}
	b, err := msg.Marshal()
	if err != nil {
		return err
	}
	s, err := n.host.NewStream(ctx, to.ID, lp2p.ProtocolID(blocksync.BlocksyncChannel))
	if err != nil {
		return err
	}
	return lp2p.StreamWriteClose(s, b)
}

// ConsensusPeers returns the ids of the peers that take part in this node's
// consensus gossip, as the transport writes them.
func (n *Node) ConsensusPeers() []string {
	var out []string
	for _, p := range n.engine.sw.Peers().Copy() {
		out = append(out, string(p.ID()))
	}
	return out
}

// stale reports, for a new connection, a peer whose older connection still
// stands: it has restarted. QUIC notices a dead peer only after half a minute,
// and until then consensus believes that the peer still has the votes it was
// sent before, sends them to nobody, and the round can stall for good.
func stale(n network.Network, c network.Conn) bool {
	const apart = 2 * time.Second // less is two sides dialling at once
	for _, old := range n.ConnsToPeer(c.RemotePeer()) {
		if c.Stat().Opened.Sub(old.Stat().Opened) >= apart {
			return true
		}
	}
	return false
}

func (e *engine) peer(id peer.ID) cmtp2p.Peer { return e.sw.Peers().Get(cmtp2p.ID(id.String())) }
