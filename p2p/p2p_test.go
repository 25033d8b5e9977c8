package p2p

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/plexus-network/plexus/p2p/internal/slots"
)

func TestMain(m *testing.M) {
	LogTo(slog.DiscardHandler)
	os.Exit(m.Run())
}

var genesis = [32]byte{1, 2, 3}

func start(t *testing.T, n byte, change ...func(*Config)) *Host {
	t.Helper()
	c := Config{Seed: [32]byte{n}, Genesis: genesis}
	for _, f := range change {
		f(&c)
	}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func connect(t *testing.T, a, b *Host) {
	t.Helper()
	if err := a.Connect(t.Context(), b.Addrs()...); err != nil {
		t.Fatal(err)
	}
}

// eventually polls, since what happens at the other host has no event here. It is
// patient: the race detector on a busy machine is slow.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within 40 s: %s", what)
}

func TestPrefix(t *testing.T) {
	// The same string is held by a test of package ledger/chain.
	if got := ConsensusPrefix([32]byte{0x01, 0xab, 0xff}); got != "/plexus/01abff0000000000/consensus/" {
		t.Fatal(got)
	}
}

func TestIdentity(t *testing.T) {
	seed := [32]byte{9}
	pub := [32]byte(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	id, err := PeerIDFromKey(pub)
	if err != nil || id != PeerID(seed) {
		t.Fatalf("%s, %v: want %s", id, err, PeerID(seed))
	}
	if h := start(t, 9); h.ID() != id {
		t.Fatalf("host is %s, want %s", h.ID(), id)
	}
	if _, err := New(Config{Genesis: genesis}); err == nil {
		t.Fatal("a host with the zero seed started")
	}
	if _, err := New(Config{Seed: seed, Genesis: genesis, Listen: []string{"/ip4/127.0.0.1/udp/99999/quic-v1"}}); err == nil {
		t.Fatal("a host listens on port 99999")
	}
}

func TestPortInUse(t *testing.T) {
	for _, listen := range []string{DefaultListen, "/ip4/127.0.0.1/tcp/0"} {
		a := start(t, 1, func(c *Config) { c.Listen = []string{listen} })
		taken := a.Libp2p().Addrs()[0].String()
		h, err := New(Config{Seed: [32]byte{2}, Genesis: genesis, Listen: []string{taken}})
		if err == nil {
			h.Close()
			t.Fatalf("two hosts listen on %s", taken)
		}
		if !strings.Contains(err.Error(), taken) {
			t.Errorf("the error does not name the address: %v", err)
		}
	}
}

func TestHandlersPerPeer(t *testing.T) {
	t.Parallel()
	a, b := start(t, 1), start(t, 2)
	connect(t, a, b)
	var running, most atomic.Int32
	b.Handle("hold", func(ctx context.Context, s *Stream) {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		s.Recv(10)
		running.Add(-1)
	})
	var refused atomic.Int32
	var open []*Stream
	var wg sync.WaitGroup
	for range slots.PerPeer + 5 {
		s, err := a.Open(t.Context(), b.ID(), "hold")
		if err != nil {
			t.Fatal(err)
		}
		s.s.Write([]byte{0}) // makes the lazily negotiated stream real
		open = append(open, s)
		wg.Go(func() {
			var busy *BusyError
			if _, err := s.Recv(10); errors.As(err, &busy) && busy.Retry == time.Second {
				refused.Add(1)
			}
		})
	}
	eventually(t, "all slots taken, the others refused", func() bool { return running.Load() == slots.PerPeer && refused.Load() == 5 })
	for _, s := range open {
		s.Close()
	}
	wg.Wait()
	if most.Load() != slots.PerPeer {
		t.Fatalf("%d at once", most.Load())
	}
	eventually(t, "slots free again", func() bool { return running.Load() == 0 })
	got := b.Stats().Streams["hold"]
	if got.Handled != slots.PerPeer || got.Refused != 5 || got.Running != 0 {
		t.Fatalf("%+v", got)
	}
	if got := a.Stats(); got.Streams["hold"].Opened != slots.PerPeer+5 || got.Peers != 1 {
		t.Fatalf("%+v", got)
	}
}

func TestWrongGenesis(t *testing.T) {
	t.Parallel()
	a := start(t, 1)
	b := start(t, 2, func(c *Config) { c.Genesis = [32]byte{7} })
	connect(t, a, b)
	b.Handle("echo", func(_ context.Context, s *Stream) { s.Send([]byte("hello")) })
	s, err := a.Open(t.Context(), b.ID(), "echo")
	if err == nil {
		s.Send(nil)
		_, err = s.Recv(10)
	}
	if err == nil {
		t.Fatal("two networks talked")
	}
	b.Libp2p().SetStreamHandler(protocol.ID(ConsensusPrefix([32]byte{7})+"0x40"), func(s network.Stream) { s.Reset() })
	ta, err := a.Join("x", func(peer.ID, []byte) Verdict { return Accept })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Join("x", func(peer.ID, []byte) Verdict { return Accept }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
	if len(ta.Peers()) != 0 || len(a.FullNodes()) != 0 {
		t.Fatalf("topic peers %v, full nodes %v", ta.Peers(), a.FullNodes())
	}
}

func TestTopic(t *testing.T) {
	t.Parallel()
	a, b, c := start(t, 1), start(t, 2), start(t, 3)
	connect(t, a, b)
	connect(t, b, c)
	var judged atomic.Int32
	judge := func(_ peer.ID, d []byte) Verdict {
		judged.Add(1)
		switch d[0] {
		case 'i':
			return Ignore
		case 'r':
			return Reject
		}
		return Accept
	}
	var ts []Topic
	for _, h := range []*Host{a, b, c} {
		x, err := h.Join("x", judge)
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, x)
	}
	eventually(t, "mesh", func() bool { return len(ts[0].Peers()) > 0 && len(ts[1].Peers()) == 2 })
	time.Sleep(1200 * time.Millisecond) // a heartbeat, in which b grafts c
	for _, m := range []string{"ignored", "rejected", "good"} {
		if err := ts[0].Publish(t.Context(), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, x := range ts[1:] {
		m, _, err := x.Next(ctx)
		if err != nil || string(m) != "good" {
			t.Fatalf("host %d: %q, %v", i+1, m, err)
		}
	}
	short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if m, _, err := ts[0].Next(short); err == nil {
		t.Fatalf("own message delivered: %q", m)
	}
	if err := ts[0].Publish(t.Context(), make([]byte, MaxMessage+1)); !errors.Is(err, ErrFrame) {
		t.Fatalf("too long a message: %v", err)
	}
	big := append([]byte("g"), make([]byte, MaxMessage-1)...)
	if err := ts[0].Publish(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	if m, _, err := ts[2].Next(ctx); err != nil || !bytes.Equal(m, big) {
		t.Fatalf("largest message: %d bytes, %v", len(m), err)
	}
	if judged.Load() < 6 {
		t.Fatalf("judged %d messages", judged.Load())
	}
}

// Three nodes know only the first; the others find each other through it.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	hub, a, b := start(t, 1), start(t, 2), start(t, 3)
	for _, h := range []*Host{hub, a, b} {
		h.Libp2p().SetStreamHandler(protocol.ID(ConsensusPrefix(genesis)+"0x40"), func(s network.Stream) { s.Reset() })
	}
	client := start(t, 4, func(c *Config) { c.Client = true })
	told := make(chan peer.AddrInfo, 100)
	a.OnPeer(func(p peer.AddrInfo) {
		select {
		case told <- p:
		default:
		}
	})
	connect(t, a, hub)
	connect(t, b, hub)
	connect(t, client, hub)
	timeout := time.After(40 * time.Second)
	for want := map[peer.ID]bool{hub.ID(): true, b.ID(): true}; len(want) > 0; {
		select {
		case p := <-told:
			if p.ID == client.ID() || p.ID == a.ID() || len(p.Addrs) == 0 {
				t.Fatalf("told of %v", p)
			}
			delete(want, p.ID)
		case <-timeout:
			t.Fatalf("never told of %v", want)
		}
	}
	eventually(t, "client finds a by id", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return client.Find(ctx, a.ID()) == nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	if err := client.Find(ctx, PeerID([32]byte{99})); !errors.Is(err, ErrNotFound) {
		t.Fatalf("finding a peer that is not there: %v", err)
	}
}

func TestConnectErrors(t *testing.T) {
	a := start(t, 1)
	for _, bad := range []string{"", "localhost:1", "/ip4/127.0.0.1/udp/1/quic-v1"} {
		if err := a.Connect(t.Context(), bad); err == nil {
			t.Errorf("connected to %q", bad)
		}
	}
	if err := a.Connect(t.Context(), a.Addrs()...); err != nil {
		t.Errorf("connecting to oneself: %v", err)
	}
}
