// Package memnet is a network of hosts in memory, for tests and simulation.
//
// Its hosts do what those of package p2p do, with the same Stream, Topic and
// blob code, and pass the same suite (package p2ptest), but open no socket and
// start no goroutine of their own except for the handlers of open streams. All
// waiting is by the time package, so that within testing/synctest the hours of a
// thousand hosts pass at once. Latency, loss, duplicates and partitions come
// from a seed: the nth message from one host to another takes the same time in
// each run.
//
// Like the transports of a real host it loses nothing between connected hosts: a
// lost packet is a late one. What a partition cuts stays cut until Heal, and
// gossip of that time is gone.
//
//	net := memnet.New(memnet.Config{Latency: 20 * time.Millisecond, Seed: 7})
//	a, b := net.Host([32]byte{1}), net.Host([32]byte{2})
//	defer net.Close()
package memnet

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p"
)

// Config of a Net. The zero value is a perfect network.
type Config struct {
	Seed uint64
	// Latency is the least time that anything takes from host to host; Jitter is
	// how much more it may take.
	Latency, Jitter time.Duration
	// Loss is the share of packets, 0 to below 1, that must be sent again, each
	// time after Resend (200 ms if 0).
	Loss   float64
	Resend time.Duration
	// Duplicate is the share of gossip messages, 0 to 1, that come twice.
	Duplicate float64
}

// Net is a network. Its methods may be called concurrently.
type Net struct {
	c Config

	mu    sync.Mutex
	hosts map[peer.ID]*Host
	side  map[peer.ID]int // of a partition; nil when there is none
	moved chan struct{}   // closed and replaced when hosts or sides change
	sent  map[[2]peer.ID]uint64
	// meshes are the neighbours in each topic, made when first needed after its
	// members changed.
	meshes map[string]map[peer.ID][]*Host
}

// New makes an empty network.
func New(c Config) *Net {
	if c.Resend == 0 {
		c.Resend = 200 * time.Millisecond
	}
	return &Net{c: c, hosts: map[peer.ID]*Host{}, moved: make(chan struct{}), sent: map[[2]peer.ID]uint64{}, meshes: map[string]map[peer.ID][]*Host{}}
}

// Host adds a host with the identity of an ed25519 seed. Closing it removes it.
func (n *Net) Host(seed [32]byte) *Host {
	h := newHost(n, p2p.PeerID(seed))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[h.id] = h
	n.change()
	return h
}

// Partition divides the network: a host reaches only those of its own group.
// Hosts in no group are together.
func (n *Net) Partition(groups ...[]peer.ID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.side = map[peer.ID]int{}
	for i, g := range groups {
		for _, id := range g {
			n.side[id] = i + 1
		}
	}
	n.change()
}

// Heal ends the partition.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.side = nil
	n.change()
}

// Close closes all hosts.
func (n *Net) Close() error {
	n.mu.Lock()
	var all []*Host
	for _, h := range n.hosts {
		all = append(all, h)
	}
	n.mu.Unlock()
	for _, h := range all {
		h.Close()
	}
	return nil
}

// change wakes whoever waits for a host or a way. mu is held.
func (n *Net) change() {
	close(n.moved)
	n.moved = make(chan struct{})
}

// reach says whether a way leads from one host to another now, and what to wait
// on if not.
func (n *Net) reach(from, to peer.ID) (*Host, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[to]
	if h == nil || n.side[from] != n.side[to] {
		return nil, n.moved
	}
	return h, n.moved
}

// cut says whether a partition lies between two hosts, and what to wait on.
func (n *Net) cut(from, to peer.ID) (bool, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.side[from] != n.side[to], n.moved
}

// draws are numbers in [0, 1) for the next packet from one host to another.
func (n *Net) draws(from, to peer.ID) (out [3]float64) {
	n.mu.Lock()
	k := [2]peer.ID{from, to}
	n.sent[k]++
	count := n.sent[k]
	n.mu.Unlock()
	x := mix(n.c.Seed ^ mix(number(from)) ^ 3*mix(number(to)) ^ mix(count))
	for i := range out {
		x = mix(x + 0x9e3779b97f4a7c15)
		out[i] = float64(x>>11) / (1 << 53)
	}
	return out
}

// delay is how long the next packet takes, and whether it comes twice.
func (n *Net) delay(from, to peer.ID) (d time.Duration, twice bool) {
	r := n.draws(from, to)
	d = n.c.Latency + time.Duration(r[0]*float64(n.c.Jitter))
	// Each further try is lost with the same share, which the one number tells.
	for lost, wait := n.c.Loss, n.c.Resend; lost > 1e-6 && r[1] < lost; lost, wait = lost*n.c.Loss, 2*wait {
		d += wait
	}
	return d, r[2] < n.c.Duplicate
}

// number is an identity as a number; the end of a peer id is its key.
func number(id peer.ID) uint64 { return binary.BigEndian.Uint64([]byte(id[len(id)-8:])) }

// mix is a bijection that spreads its input over all bits (splitmix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
