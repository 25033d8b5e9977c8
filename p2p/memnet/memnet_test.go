package memnet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/p2p/p2ptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSuite(t *testing.T) {
	for name, c := range map[string]Config{
		"perfect": {},
		"far":     {Latency: 80 * time.Millisecond, Jitter: 40 * time.Millisecond, Seed: 1},
		"lossy":   {Latency: 10 * time.Millisecond, Loss: 0.05, Resend: 50 * time.Millisecond, Duplicate: 0.5, Seed: 2},
	} {
		t.Run(name, func(t *testing.T) {
			p2ptest.Run(t, synctest.Test, func(_ *testing.T, n int) (out []p2ptest.Host) {
				net := New(c)
				for i := range n {
					out = append(out, net.Host([32]byte{byte(i + 1)}))
				}
				return out
			})
		})
	}
}

func echo(h *Host) {
	h.Handle("echo", func(_ context.Context, s *p2p.Stream) {
		for {
			b, err := s.Recv(1 << 20)
			if err != nil || s.Send(b) != nil {
				return
			}
		}
	})
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := New(Config{Latency: time.Second})
		defer net.Close()
		a, b := net.Host([32]byte{1}), net.Host([32]byte{2})
		echo(b)
		began := time.Now()
		if _, err := p2p.Call(t.Context(), a, b.ID(), "echo", []byte("?"), 10); err != nil {
			t.Fatal(err)
		}
		// There and back to open, and there and back for the frames.
		if took := time.Since(began); took != 4*time.Second {
			t.Fatal(took)
		}
	})
}

// The same seed gives the same delays, another one others, and lost packets are
// late ones.
func TestSeed(t *testing.T) {
	a, b := p2p.PeerID([32]byte{1}), p2p.PeerID([32]byte{2})
	delays := func(seed uint64) (out []time.Duration, twice int) {
		n := New(Config{Seed: seed, Latency: time.Millisecond, Jitter: time.Millisecond, Loss: 0.25, Duplicate: 0.5, Resend: time.Second})
		for range 4000 {
			d, two := n.delay(a, b)
			if two {
				twice++
			}
			out = append(out, d)
		}
		return out, twice
	}
	x, twice := delays(7)
	y, _ := delays(7)
	z, _ := delays(8)
	var late, later, differ int
	for i := range x {
		if x[i] != y[i] {
			t.Fatalf("packet %d: %s and %s", i, x[i], y[i])
		}
		if x[i] != z[i] {
			differ++
		}
		if x[i] >= time.Second {
			late++
		}
		if x[i] >= 3*time.Second {
			later++
		}
	}
	// 4,000 draws: 1,000 once, 250 twice, 2,000 duplicates; bounds of five sigma.
	if differ < 3900 || late < 860 || late > 1140 || later < 170 || later > 330 || twice < 1840 || twice > 2160 {
		t.Fatalf("%d differ, %d late, %d later, %d twice", differ, late, later, twice)
	}
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := New(Config{Latency: 10 * time.Millisecond})
		defer net.Close()
		a, b, c := net.Host([32]byte{1}), net.Host([32]byte{2}), net.Host([32]byte{3})
		echo(b)
		accept := func(peer.ID, []byte) p2p.Verdict { return p2p.Accept }
		ta, err := a.Join("x", accept)
		if err != nil {
			t.Fatal(err)
		}
		tb, err := b.Join("x", accept)
		if err != nil {
			t.Fatal(err)
		}
		s, err := a.Open(t.Context(), b.ID(), "echo")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		net.Partition([]peer.ID{a.ID(), c.ID()}, []peer.ID{b.ID()})
		if len(a.Peers()) != 1 || len(ta.Peers()) != 0 {
			t.Fatalf("peers %v, of the topic %v", a.Peers(), ta.Peers())
		}
		if err := s.Send([]byte("held up")); err != nil {
			t.Fatal(err)
		}
		if err := ta.Publish(t.Context(), []byte("lost")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := a.Open(t.Context(), b.ID(), "echo"); !errors.Is(err, p2p.ErrNotFound) || time.Since(began) != dialTime {
			t.Fatalf("opened across: %v after %s", err, time.Since(began))
		}
		time.AfterFunc(time.Minute, net.Heal)
		if got, err := s.Recv(10); err != nil || string(got) != "held up" || time.Since(began) < time.Minute {
			t.Fatalf("%q, %v, after %s", got, err, time.Since(began))
		}
		if err := ta.Publish(t.Context(), []byte("heard")); err != nil {
			t.Fatal(err)
		}
		if m, _, err := tb.Next(t.Context()); err != nil || string(m) != "heard" {
			t.Fatalf("%q, %v", m, err)
		}
	})
}

// A thousand hosts gossip and ask each other; a virtual hour of waiting costs
// nothing.
func TestThousand(t *testing.T) {
	const n = 1000
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		net := New(Config{Latency: 50 * time.Millisecond, Jitter: 100 * time.Millisecond, Loss: 0.02, Duplicate: 0.1, Seed: 3})
		defer net.Close()
		var hosts []*Host
		var topics []p2p.Topic
		var judged atomic.Int64
		for i := range n {
			h := net.Host([32]byte{byte(i), byte(i >> 8), 1})
			echo(h)
			x, err := h.Join("x", func(peer.ID, []byte) p2p.Verdict { judged.Add(1); return p2p.Accept })
			if err != nil {
				t.Fatal(err)
			}
			hosts, topics = append(hosts, h), append(topics, x)
		}
		start := time.Now()
		for i := range 5 {
			if err := topics[i*100].Publish(t.Context(), fmt.Appendf(nil, "message %d", i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		if got := judged.Load(); got != 5*(n-1) {
			t.Fatalf("%d deliveries, want %d", got, 5*(n-1))
		}
		var wg sync.WaitGroup
		var failed atomic.Int64
		for i, h := range hosts {
			wg.Go(func() {
				if _, err := p2p.Call(t.Context(), h, hosts[(i+n/2)%n].ID(), "echo", []byte("?"), 10); err != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if failed.Load() > 0 {
			t.Fatalf("%d calls failed", failed.Load())
		}
		time.Sleep(time.Hour - time.Since(start))
	})
	if took := time.Since(began); took > 15*time.Second {
		t.Fatalf("a thousand hosts took %s", took)
	}
}
