package chain

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	redialFirst = time.Second
	redialLast  = 20 * time.Second // between two attempts
	redialFor   = time.Hour        // then discovery alone may find the peer again
	redialMost  = 64               // peers at a time
)

// lost is a peer that is tried again.
type lost struct {
	info  peer.AddrInfo
	since time.Time
	next  time.Time
	pause time.Duration
}

// lose makes consensus forget a peer whose connection is gone or was replaced,
// and notes it to be greeted again. CometBFT's libp2p switch keeps such a peer
// and what it believes to have sent it: votes that were under way then are never
// sent again, and a network that was split for longer than a connection lives
// would stand still for good.
func (n *Node) lose(id peer.ID, missing map[peer.ID]*lost) {
	p := n.engine.peer(id)
	if p == nil {
		return
	}
	info := n.host.Peerstore().PeerInfo(id)
	n.log.Info("peer was lost or came back: forgetting what consensus knew of it", "peer", id)
	n.engine.sw.StopPeerForError(p, "connection lost")
	if len(info.Addrs) > 0 && len(missing) < redialMost {
		now := time.Now()
		missing[id] = &lost{info: info, since: now, next: now.Add(redialFirst), pause: redialFirst}
	}
}

// redial greets lost peers until they are back.
func (n *Node) redial(ctx context.Context, gone <-chan peer.ID) error {
	missing := map[peer.ID]*lost{}
	tick := time.NewTicker(redialFirst)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-gone:
			n.lose(id, missing)
			continue
		case <-tick.C:
		}
		for id, l := range missing {
			now := time.Now()
			if n.engine.peer(id) != nil || now.Sub(l.since) > redialFor {
				delete(missing, id)
				continue
			}
			if now.Before(l.next) {
				continue
			}
			l.pause = min(2*l.pause, redialLast)
			l.next = now.Add(l.pause)
			try, cancel := context.WithTimeout(ctx, 2*time.Second) // others wait
			if err := n.Greet(try, l.info); err != nil {
				n.log.Debug("greeting a lost peer", "peer", id, "err", err)
			}
			cancel()
		}
	}
}
