package memnet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/p2p/internal/conduct"
	"github.com/plexus-network/plexus/p2p/internal/slots"
)

const (
	dialTime    = 5 * time.Second  // until an unreachable host is given up
	handlerTime = 10 * time.Minute // that a handler's context lasts
)

// Host is a host in memory. Its methods may be called concurrently and are
// those of a p2p.Host.
type Host struct {
	net     *Net
	id      peer.ID
	ctx     context.Context // ends in Close
	cancel  context.CancelFunc
	slots   slots.Slots
	conduct conduct.Conduct

	mu       sync.Mutex
	handlers map[string]func(context.Context, *p2p.Stream)
	topics   map[string]*topic
}

func newHost(n *Net, id peer.ID) *Host {
	h := &Host{net: n, id: id, handlers: map[string]func(context.Context, *p2p.Stream){}, topics: map[string]*topic{}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// ID returns the host's peer id.
func (h *Host) ID() peer.ID { return h.id }

// Handle serves streams of the given name, as p2p.Host does.
func (h *Host) Handle(name string, fn func(ctx context.Context, s *p2p.Stream)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handlers[name] = fn
}

// Open opens a stream of the given name to a peer, as p2p.Host does: after the
// way there and back. A host that cannot be reached is given up after five
// seconds.
func (h *Host) Open(ctx context.Context, to peer.ID, name string) (*p2p.Stream, error) {
	if h.ctx.Err() != nil {
		return nil, p2p.ErrClosed
	}
	dial, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	for {
		other, moved := h.net.reach(h.id, to)
		if other != nil {
			there, _ := h.net.delay(h.id, to)
			back, _ := h.net.delay(to, h.id)
			if err := sleep(dial, h.ctx, there+back); err != nil {
				return nil, h.unreached(ctx, to, err)
			}
			return other.accept(ctx, h, name)
		}
		select {
		case <-moved:
		case <-h.ctx.Done():
			return nil, p2p.ErrClosed
		case <-dial.Done():
			return nil, h.unreached(ctx, to, dial.Err())
		}
	}
}

func (h *Host) unreached(ctx context.Context, to peer.ID, err error) error {
	switch {
	case h.ctx.Err() != nil:
		return p2p.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s: %w", p2p.ErrNotFound, to, err)
}

// sleep waits, unless one of the contexts ends before.
func sleep(a, b context.Context, d time.Duration) error {
	if d <= 0 {
		return errors.Join(a.Err(), b.Err())
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-a.Done():
		return a.Err()
	case <-b.Done():
		return p2p.ErrClosed
	case <-t.C:
		return nil
	}
}

// accept makes a stream from another host and starts its handler.
func (h *Host) accept(ctx context.Context, from *Host, name string) (*p2p.Stream, error) {
	h.mu.Lock()
	fn := h.handlers[name]
	h.mu.Unlock()
	if h.ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %s", p2p.ErrNotFound, h.id)
	}
	if fn == nil {
		return nil, fmt.Errorf("p2p: opening %s to %s: protocol not supported", name, h.id)
	}
	theirs, ours := pair(h.net, from, h)
	out := p2p.NewStream(ctx, theirs, h.id, func(points float64) { from.conduct.Blame(h.id, points) })
	if h.conduct.Shunned(from.id) {
		ours.Reset()
		return out, nil
	}
	if retry, ok := h.slots.Take(name, from.id); !ok {
		if retry == 0 {
			ours.Reset()
		} else {
			p2p.Refuse(ours, retry)
		}
		return out, nil
	}
	go func() {
		defer h.slots.Free(name, from.id)
		ctx, cancel := context.WithTimeout(h.ctx, handlerTime)
		defer cancel()
		s := p2p.NewStream(ctx, ours, from.id, func(points float64) { h.conduct.Blame(from.id, points) })
		defer s.Close()
		fn(ctx, s)
	}()
	return out, nil
}

// ServeBlobs answers requests for blobs, as p2p.Host does.
func (h *Host) ServeBlobs(open p2p.OpenBlob) { p2p.ServeBlobs(h, open) }

// FetchSHA256 gets the blob whose id is its SHA-256, as p2p.Host does.
func (h *Host) FetchSHA256(ctx context.Context, peers []peer.ID, id [32]byte, max int64, progress func(done, total int64)) ([]byte, error) {
	return p2p.Fetch{ID: id, Peers: peers, Max: max, Progress: progress}.Memory(ctx, h)
}

// Peers returns the hosts that can be reached now.
func (h *Host) Peers() (out []peer.ID) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for id := range h.net.hosts {
		if id != h.id && h.net.side[id] == h.net.side[h.id] {
			out = append(out, id)
		}
	}
	return out
}

// Close removes the host from the network, ends its streams and topics, and
// waits for its handlers. It is safe to call twice.
func (h *Host) Close() error {
	h.net.mu.Lock()
	if h.net.hosts[h.id] == h {
		delete(h.net.hosts, h.id)
		h.net.change()
	}
	h.net.mu.Unlock()
	h.cancel()
	h.mu.Lock()
	var all []*topic
	for _, t := range h.topics {
		all = append(all, t)
	}
	h.mu.Unlock()
	for _, t := range all {
		t.Close()
	}
	h.slots.Wait()
	return nil
}
