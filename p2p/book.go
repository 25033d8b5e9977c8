package p2p

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/plexus-network/plexus/p2p/internal/wire"
)

// bookKey is where the peer book is kept.
var bookKey = []byte("p2p/book")

const (
	// bookFirst and bookEvery are when the book is kept: soon, so that a node
	// killed early remembers someone, then once a minute if it changed.
	bookFirst, bookEvery = 5 * time.Second, time.Minute
	bookAge              = 30 * 24 * time.Hour // after which a peer is forgotten
	// anchors are the oldest outgoing connections to full nodes. They are dialled
	// first after a restart: who restarts a node cannot choose its peers.
	anchors    = 4
	bookDial   = 8 * time.Second
	bookEnough = 8 // connections with which a restarted host stops dialling the book
)

// book keeps who was connected. Its goroutine and the host's Close save it.
type book struct {
	h    *Host
	keep Book

	mu    sync.Mutex // guards what follows, once the host runs
	last  []byte
	peers map[peer.ID]wire.BookPeer
}

func openBook(h *Host, keep Book) *book {
	b := &book{h: h, keep: keep, peers: map[peer.ID]wire.BookPeer{}}
	raw, err := keep.Get(bookKey)
	if err != nil || raw == nil {
		if err != nil {
			h.log.Warn("the peer book is unreadable and begins anew", "err", err)
		}
		return b
	}
	peers, err := wire.DecodeBook(raw)
	if err != nil {
		h.log.Warn("the peer book is damaged and begins anew", "err", err)
	}
	for _, p := range peers {
		id, err := peer.IDFromBytes(p.ID)
		if err != nil || id == h.ID() || time.Since(time.Unix(int64(p.Seen), 0)) > bookAge {
			continue
		}
		b.peers[id] = p
		h.host.Peerstore().AddAddrs(id, addrsOf(p), 24*time.Hour)
	}
	return b
}

func addrsOf(p wire.BookPeer) (out []multiaddr.Multiaddr) {
	for _, raw := range p.Addrs {
		if a, err := multiaddr.NewMultiaddrBytes(raw); err == nil {
			out = append(out, a)
		}
	}
	return out
}

// run dials the peers of the last time and keeps the book until ctx ends.
func (b *book) run(ctx context.Context) error {
	b.dial(ctx)
	wait := bookFirst
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		b.save()
		wait = bookEvery
	}
}

// dial connects to the anchors at once, then to others, newest first, until
// there are enough connections.
func (b *book) dial(ctx context.Context) {
	b.mu.Lock()
	order := b.sorted()
	b.mu.Unlock()
	done := make(chan bool, len(order))
	dial := func(p wire.BookPeer) {
		c, cancel := context.WithTimeout(ctx, bookDial)
		defer cancel()
		id, _ := peer.IDFromBytes(p.ID) // it was read with the book
		done <- b.h.host.Connect(c, peer.AddrInfo{ID: id, Addrs: addrsOf(p)}) == nil
	}
	for len(order) > 0 && ctx.Err() == nil && len(b.h.Peers()) < bookEnough {
		n := min(anchors, len(order))
		for _, p := range order[:n] {
			go dial(p)
		}
		for range n {
			<-done
		}
		order = order[n:]
	}
}

// sorted lists anchors first, then who was seen last.
func (b *book) sorted() []wire.BookPeer {
	var out []wire.BookPeer
	for _, p := range b.peers {
		out = append(out, p)
	}
	slices.SortFunc(out, func(x, y wire.BookPeer) int {
		if x.Anchor != y.Anchor {
			if x.Anchor {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(y.Seen, x.Seen), bytes.Compare(x.ID, y.ID))
	})
	return out
}

// save notes who is connected and keeps the book if it changed by more than the
// time.
func (b *book) save() {
	b.mu.Lock()
	defer b.mu.Unlock()
	type link struct {
		id  peer.ID
		age time.Time
	}
	var outgoing []link
	full := map[peer.ID]bool{}
	for _, id := range b.h.FullNodes() {
		full[id] = true
	}
	now := uint64(time.Now().Unix())
	for _, c := range b.h.host.Network().Conns() {
		id := c.RemotePeer()
		if s := c.Stat(); s.Limited || c.IsClosed() {
			continue
		} else if s.Direction == network.DirOutbound && full[id] {
			outgoing = append(outgoing, link{id, s.Opened})
		}
		p := wire.BookPeer{ID: []byte(id), Seen: now}
		for _, a := range direct(b.h.host.Peerstore().Addrs(id)) {
			if raw := a.Bytes(); len(p.Addrs) < wire.MaxAddrs && len(raw) <= 256 {
				p.Addrs = append(p.Addrs, raw)
			}
		}
		slices.SortFunc(p.Addrs, bytes.Compare)
		if len(p.Addrs) > 0 {
			p.Anchor = b.peers[id].Anchor
			b.peers[id] = p
		}
	}
	slices.SortFunc(outgoing, func(x, y link) int { return x.age.Compare(y.age) })
	if len(outgoing) > 0 { // else the old anchors may be away for a while only
		for id, p := range b.peers {
			p.Anchor = false
			b.peers[id] = p
		}
		for _, l := range outgoing[:min(anchors, len(outgoing))] {
			if p, ok := b.peers[l.id]; ok {
				p.Anchor = true
				b.peers[l.id] = p
			}
		}
	}
	order := b.sorted()
	for _, p := range order[min(len(order), wire.MaxPeers):] {
		delete(b.peers, peer.ID(p.ID))
	}
	raw := wire.AppendBook(nil, order[:min(len(order), wire.MaxPeers)])
	if bytes.Equal(raw, b.last) || len(order) == 0 {
		return
	}
	if err := b.keep.Put(bookKey, raw); err != nil {
		b.h.log.Warn("the peer book was not kept", "err", fmt.Errorf("p2p: keeping the peer book: %w", err))
		return
	}
	b.last = raw
}

// Known returns the peers whose addresses the host remembers, connected or not.
func (h *Host) Known() peer.IDSlice { return h.host.Peerstore().PeersWithAddrs() }
