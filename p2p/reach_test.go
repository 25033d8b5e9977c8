package p2p

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// closed is a router that lets no connection in but relayed ones.
type closed struct{}

func (closed) InterceptPeerDial(peer.ID) bool                      { return true }
func (closed) InterceptAddrDial(peer.ID, multiaddr.Multiaddr) bool { return true }
func (closed) InterceptAccept(network.ConnMultiaddrs) bool         { return true }
func (closed) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) {
	return true, 0
}
func (closed) InterceptSecured(d network.Direction, _ peer.ID, c network.ConnMultiaddrs) bool {
	_, err := c.RemoteMultiaddr().ValueForProtocol(multiaddr.P_CIRCUIT)
	return d == network.DirOutbound || err == nil
}

func echo(h *Host) {
	h.Handle("echo", func(_ context.Context, s *Stream) {
		for {
			b, err := s.Recv(1 << 20)
			if err != nil || s.Send(b) != nil {
				return
			}
		}
	})
}

func TestRelay(t *testing.T) {
	t.Parallel()
	relay := start(t, 1, func(c *Config) { c.Relay = true })
	hidden := start(t, 2, func(c *Config) { c.reach, c.gater, c.HolePunching = network.ReachabilityPrivate, closed{}, true })
	echo(hidden)
	connect(t, hidden, relay)
	// It listens nowhere: else the hidden host would find it and dial it.
	caller := start(t, 3, func(c *Config) { c.Hidden, c.Client, c.HolePunching = true, true, true })
	// The direct way is closed.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	for _, a := range hidden.Libp2p().Network().ListenAddresses() {
		if err := caller.Connect(ctx, a.String()+"/p2p/"+hidden.ID().String()); err == nil {
			if _, err := Call(ctx, caller, hidden.ID(), "echo", []byte("hi"), 10); err == nil {
				t.Fatal("reached directly")
			}
		}
	}
	eventually(t, "disconnected", func() bool { return len(caller.Peers()) == 0 })
	caller.Libp2p().Peerstore().ClearAddrs(hidden.ID())
	// libp2p gives out no relayed address that is not a public one, so that it is
	// put together here.
	addr := relay.Addrs()[0] + "/p2p-circuit/p2p/" + hidden.ID().String()
	eventually(t, "reached through the relay", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return caller.Connect(ctx, addr) == nil && caller.Stats().Relayed == 1
	})
	for range 3 {
		got, err := Call(t.Context(), caller, hidden.ID(), "echo", []byte(strings.Repeat("frame", 20_000)), 1<<20)
		if err != nil || len(got) != 100_000 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if s := caller.Stats(); s.Relayed != 1 {
		t.Fatalf("%+v: not relayed", s)
	}

	// A host that nobody asked to relay does not.
	plain := start(t, 4)
	alone := start(t, 5, func(c *Config) { c.reach = network.ReachabilityPrivate })
	connect(t, alone, plain)
	time.Sleep(2500 * time.Millisecond) // it looks for relays every two seconds
	ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := caller.Connect(ctx, plain.Addrs()[0]+"/p2p-circuit/p2p/"+alone.ID().String()); err == nil {
		t.Fatal("relayed by a host that was not asked to")
	}
}

// A host that listens nowhere is found and asked by its peer id: it reserves a
// place at a relay by itself and announces it, in the DHT and in its group.
func TestHidden(t *testing.T) {
	t.Parallel()
	relay := start(t, 1, func(c *Config) { c.Relay = true })
	hidden := start(t, 2, func(c *Config) { c.Hidden, c.Client, c.Announce, c.HolePunching = true, true, true, true })
	if a := hidden.Libp2p().Network().ListenAddresses(); len(direct(a)) > 0 {
		t.Fatalf("a hidden host listens on %v", a)
	}
	echo(hidden)
	connect(t, hidden, relay)
	caller := start(t, 3, func(c *Config) { c.Hidden, c.Client = true, true }) // else it would be dialled itself
	connect(t, caller, relay)
	began := time.Now()
	eventually(t, "asked by its peer id", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		got, err := Call(ctx, caller, hidden.ID(), "echo", []byte("hi"), 10)
		return err == nil && string(got) == "hi"
	})
	t.Logf("asked %s after it joined, at %v", time.Since(began).Round(time.Millisecond), hidden.relayed())
	if s := caller.Stats(); s.Relayed != 1 {
		t.Errorf("%+v: not relayed", s)
	}
	// In a group its record tells of the relay.
	told := make(chan Record, 1)
	named := func(peer.ID) bool { return true }
	if _, err := relay.Records("group", named, nil); err != nil { // gossip does not go through relays
		t.Fatal(err)
	}
	if _, err := caller.Records("group", named, func(r Record) {
		select {
		case told <- r:
		default:
		}
	}); err != nil {
		t.Fatal(err)
	}
	group, err := hidden.Records("group", named, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- group.Run(ctx) }()
	select {
	case r := <-told:
		if r.Peer != hidden.ID() || len(r.Addrs) == 0 || !strings.Contains(r.Addrs[0].String(), relay.ID().String()+"/p2p-circuit") {
			t.Errorf("the record says %v", r.Addrs)
		}
	case <-time.After(20 * time.Second):
		t.Error("no record came")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if c := (Config{Seed: [32]byte{1}, Hidden: true, Relay: true}); c.Validate() == nil {
		t.Error("a hidden relay is valid")
	}
}

// memory is a Book in memory.
type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (m *memory) Get(k []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.m[string(k)], nil
}

func (m *memory) Put(k, v []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.m == nil {
		m.m = map[string][]byte{}
	}
	m.m[string(k)] = append([]byte(nil), v...)
	return nil
}

// A restarted host finds its peers though nobody tells it of any, and its
// anchors first.
func TestBook(t *testing.T) {
	t.Parallel()
	other, full := start(t, 1), start(t, 2)
	full.Libp2p().SetStreamHandler("/plexus/0102030000000000/consensus/0x40", func(s network.Stream) { s.Reset() })
	var m memory
	c := Config{Seed: [32]byte{3}, Genesis: genesis, Book: &m}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	connect(t, h, other)
	connect(t, h, full)
	eventually(t, "both known", func() bool {
		return len(h.FullNodes()) == 1 && len(h.Libp2p().Peerstore().Addrs(other.ID())) > 0
	})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if h, err = New(c); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both connected again", func() bool { return len(h.Peers()) == 2 })
	h.book.mu.Lock()
	order := h.book.sorted()
	h.book.mu.Unlock()
	if len(order) != 2 || !order[0].Anchor || order[1].Anchor || peer.ID(order[0].ID) != full.ID() {
		t.Fatalf("book: %+v", order)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	m.Put(bookKey, []byte("damaged"))
	if h, err = New(c); err != nil {
		t.Fatalf("a damaged book stops the host: %v", err)
	}
	h.Close()
}

func TestConfig(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no seed":        func(c *Config) { c.Seed = [32]byte{} },
		"few peers":      func(c *Config) { c.MaxPeers = -1 },
		"many peers":     func(c *Config) { c.MaxPeers = 1 << 20 },
		"negative peers": func(c *Config) { c.PrefixPeers = -1 },
	} {
		c := Config{Seed: [32]byte{1}}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s: valid", name)
		}
	}
}
