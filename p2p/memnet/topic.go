package memnet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p"
)

const (
	degree   = 8               // neighbours of a host in a topic that it chooses
	buffer   = 512             // accepted messages that wait for Next
	remember = 2 * time.Minute // that a message is known again
)

// message is one message of gossip.
type message struct {
	data []byte
	id   [32]byte
}

// topic is a host's part in a topic: like gossipsub it judges each message once
// and hands it on to some neighbours when it accepts it.
type topic struct {
	h     *Host
	name  string
	judge func(peer.ID, []byte) p2p.Verdict
	ready chan struct{} // holds a value when there may be something in queue

	mu     sync.Mutex
	seen   map[[32]byte]time.Time
	swept  time.Time
	queue  []heard
	closed chan struct{}
}

type heard struct {
	data []byte
	from peer.ID
}

// Join joins a topic, as p2p.Host does.
func (h *Host) Join(name string, validate func(from peer.ID, data []byte) p2p.Verdict) (p2p.Topic, error) {
	t := &topic{h: h, name: name, judge: validate, ready: make(chan struct{}, 1), seen: map[[32]byte]time.Time{}, closed: make(chan struct{})}
	if err := h.add(t); err != nil {
		return nil, err
	}
	h.net.forget(name) // a net is locked before its hosts
	return t, nil
}

func (h *Host) add(t *topic) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ctx.Err() != nil:
		return p2p.ErrClosed
	case h.topics[t.name] != nil:
		return fmt.Errorf("p2p: joining %s: joined already", t.name)
	}
	h.topics[t.name] = t
	return nil
}

func (n *Net) forget(topic string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.meshes, topic)
}

// neighbours are the hosts to which h hands messages of a topic.
func (n *Net) neighbours(h *Host, topic string) []*Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	mesh := n.meshes[topic]
	if mesh == nil {
		mesh = n.mesh(topic)
		n.meshes[topic] = mesh
	}
	return mesh[h.id]
}

// mesh links each member of a topic with the members that follow it on a ring,
// so that all are linked, and with some drawn from the seed. Links go both ways.
// mu is held.
func (n *Net) mesh(topic string) map[peer.ID][]*Host {
	var all []*Host
	for _, h := range n.hosts {
		h.mu.Lock()
		if h.topics[topic] != nil {
			all = append(all, h)
		}
		h.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b *Host) int { return cmp.Compare(a.id, b.id) })
	linked := map[[2]int]bool{}
	out := map[peer.ID][]*Host{}
	link := func(i, j int) {
		if i == j || linked[[2]int{i, j}] {
			return
		}
		linked[[2]int{i, j}], linked[[2]int{j, i}] = true, true
		out[all[i].id], out[all[j].id] = append(out[all[i].id], all[j]), append(out[all[j].id], all[i])
	}
	for i, h := range all {
		if len(all) <= 2*degree {
			for j := range all {
				link(i, j)
			}
			continue
		}
		link(i, (i+1)%len(all))
		x := mix(n.c.Seed ^ number(h.id))
		for range degree/2 - 1 {
			x = mix(x + 0x9e3779b97f4a7c15)
			link(i, int(x%uint64(len(all))))
		}
	}
	return out
}

// Publish gives data to the neighbours.
func (t *topic) Publish(ctx context.Context, data []byte) error {
	if len(data) > p2p.MaxMessage {
		return fmt.Errorf("%w: message of %d bytes, at most %d", p2p.ErrFrame, len(data), p2p.MaxMessage)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.h.ctx.Err() != nil {
		return p2p.ErrClosed
	}
	m := &message{append([]byte(nil), data...), sha256.Sum256(data)}
	if t.first(m.id) {
		t.pass(m, "")
	}
	return nil
}

// first notes a message and says whether it is new here.
func (t *topic) first(id [32]byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.swept) > remember {
		for k, at := range t.seen {
			if now.Sub(at) > remember {
				delete(t.seen, k)
			}
		}
		t.swept = now
	}
	if _, ok := t.seen[id]; ok {
		return false
	}
	t.seen[id] = now
	return true
}

// pass sends a message to all neighbours but the one it came from.
func (t *topic) pass(m *message, except peer.ID) {
	for _, to := range t.h.net.neighbours(t.h, t.name) {
		if to.id == except {
			continue
		}
		if way, _ := t.h.net.reach(t.h.id, to.id); way != to {
			continue
		}
		d, twice := t.h.net.delay(t.h.id, to.id)
		time.AfterFunc(d, func() { to.hear(t.name, m, t.h.id) })
		if twice {
			time.AfterFunc(2*d, func() { to.hear(t.name, m, t.h.id) })
		}
	}
}

// hear takes a message from a neighbour.
func (h *Host) hear(name string, m *message, from peer.ID) {
	h.mu.Lock()
	t := h.topics[name]
	h.mu.Unlock()
	if way, _ := h.net.reach(from, h.id); t == nil || way != h || !t.first(m.id) {
		return
	}
	if t.judge(from, m.data) != p2p.Accept {
		return
	}
	t.mu.Lock()
	if len(t.queue) < buffer {
		t.queue = append(t.queue, heard{m.data, from})
	}
	t.mu.Unlock()
	select {
	case t.ready <- struct{}{}:
	default:
	}
	t.pass(m, from)
}

// Next waits for the next accepted message of another host.
func (t *topic) Next(ctx context.Context) ([]byte, peer.ID, error) {
	for {
		t.mu.Lock()
		if len(t.queue) > 0 {
			m := t.queue[0]
			if t.queue = t.queue[1:]; len(t.queue) > 0 {
				select { // another goroutine may wait too
				case t.ready <- struct{}{}:
				default:
				}
			}
			t.mu.Unlock()
			return append([]byte(nil), m.data...), m.from, nil
		}
		t.mu.Unlock()
		select {
		case <-t.closed:
			return nil, "", p2p.ErrClosed
		case <-ctx.Done():
			return nil, "", ctx.Err()
		case <-t.ready:
		}
	}
}

// Peers returns the other members that can be reached.
func (t *topic) Peers() (out []peer.ID) {
	for _, id := range t.h.Peers() {
		if h, _ := t.h.net.reach(t.h.id, id); h != nil {
			h.mu.Lock()
			if h.topics[t.name] != nil {
				out = append(out, id)
			}
			h.mu.Unlock()
		}
	}
	return out
}

// Close leaves the topic.
func (t *topic) Close() error {
	t.h.mu.Lock()
	if t.h.topics[t.name] == t {
		delete(t.h.topics, t.name)
		close(t.closed)
	}
	t.h.mu.Unlock()
	t.h.net.forget(t.name)
	return nil
}

var _ p2p.Topic = (*topic)(nil)
