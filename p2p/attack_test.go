package p2p

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

// crowd is some honest hosts on one topic, all connected, and what each heard.
type crowd struct {
	hosts  []*Host
	topics []Topic
	mu     sync.Mutex
	heard  []map[string]bool
}

func newCrowd(t *testing.T, n int) *crowd {
	c := &crowd{}
	judge := func(_ peer.ID, b []byte) Verdict {
		if len(b) < 4 || string(b[:4]) != "good" {
			return Reject
		}
		return Accept
	}
	for i := range n {
		h := start(t, byte(i+1))
		for _, o := range c.hosts {
			connect(t, h, o)
		}
		x, err := h.Join("x", judge)
		if err != nil {
			t.Fatal(err)
		}
		c.hosts, c.topics, c.heard = append(c.hosts, h), append(c.topics, x), append(c.heard, map[string]bool{})
	}
	for i, x := range c.topics {
		go func() {
			for {
				m, _, err := x.Next(t.Context())
				if err != nil {
					return
				}
				c.mu.Lock()
				c.heard[i][string(m)] = true
				c.mu.Unlock()
			}
		}()
	}
	for _, x := range c.topics {
		eventually(t, "mesh", func() bool { return len(x.Peers()) == n-1 })
	}
	return c
}

// delivery has each host publish some messages over a while and says which share
// of them reached the others.
func (c *crowd) delivery(t *testing.T, each int) float64 {
	t.Helper()
	for k := range each {
		for i, x := range c.topics {
			if err := x.Publish(t.Context(), fmt.Appendf(nil, "good %d of %d", k, i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	n, want := 0, each*len(c.hosts)*(len(c.hosts)-1)
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end) && n < want; time.Sleep(50 * time.Millisecond) {
		n = 0
		c.mu.Lock()
		for _, h := range c.heard {
			n += len(h)
		}
		c.mu.Unlock()
	}
	return float64(n) / float64(want)
}

// attacker is a host that keeps to no rule of ours.
func attacker(t *testing.T, c *crowd) host.Host {
	h, err := libp2p.New(libp2p.ListenAddrStrings(DefaultListen))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	for _, o := range c.hosts {
		a, err := peer.AddrInfoFromString(o.Addrs()[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Connect(t.Context(), *a); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// rude is gossipsub without any of our bounds.
func rude(t *testing.T, h host.Host) *pubsub.Topic {
	t.Helper()
	ps, err := pubsub.NewGossipSub(t.Context(), h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMaxMessageSize(64<<20), pubsub.WithFloodPublish(true), pubsub.WithMessageIdFn(messageID))
	if err != nil {
		t.Fatal(err)
	}
	x, err := ps.Join(Prefix(genesis) + "/x/1")
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestAttackBadMessages(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4)
	bad := attacker(t, c)
	x := rude(t, bad)
	eventually(t, "the attacker in the topic", func() bool { return len(x.ListPeers()) == 4 })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			x.Publish(ctx, fmt.Appendf(nil, "bad %d", i))
			time.Sleep(2 * time.Millisecond)
		}
	})
	began := time.Now()
	got := c.delivery(t, 25)
	for _, h := range c.hosts {
		eventually(t, "graylisted", func() bool { return h.Scores()[bad.ID()] < GraylistScore })
	}
	took := time.Since(began)
	stop()
	wg.Wait()
	if took > 30*time.Second || got < 0.99 {
		t.Fatalf("graylisted within %s, %.1f %% delivered", took, 100*got)
	}
	// Nothing of the attacker is even looked at any more, once what came before is.
	rejected := func() int64 { return c.hosts[0].Stats().Topics["x"].Rejected }
	var before int64
	eventually(t, "an end of what was looked at", func() bool {
		before = rejected()
		time.Sleep(300 * time.Millisecond)
		return rejected() == before
	})
	for i := range 50 {
		x.Publish(t.Context(), fmt.Appendf(nil, "bad again %d", i))
	}
	time.Sleep(300 * time.Millisecond)
	if after := rejected(); after != before || before == 0 {
		t.Fatalf("%d messages rejected, and then %d", before, after)
	}
	for _, h := range c.hosts[1:] {
		if s := c.hosts[0].Scores()[h.ID()]; s < 0 {
			t.Errorf("an honest host has score %.1f", s)
		}
	}
	t.Logf("graylisted within %s, %.1f %% delivered", took.Round(time.Millisecond), 100*got)
}

func TestAttackOversize(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4)
	bad := attacker(t, c)
	x := rude(t, bad)
	eventually(t, "the attacker in the topic", func() bool { return len(x.ListPeers()) == 4 })
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			x.Publish(ctx, append(fmt.Appendf(nil, "good but %d", i), make([]byte, MaxMessage+4096)...))
			time.Sleep(10 * time.Millisecond)
		}
	})
	got := c.delivery(t, 25)
	stop()
	wg.Wait()
	if got < 0.99 {
		t.Fatalf("%.1f %% delivered", 100*got)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, h := range c.heard {
		for m := range h {
			if len(m) > MaxMessage {
				t.Fatalf("host %d heard %d bytes", i, len(m))
			}
		}
	}
}

// Garbage, claimed lengths, and subscriptions without end on raw streams of the
// router's protocol.
func TestAttackMalformed(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4)
	bad := attacker(t, c)
	ctx, stop := context.WithCancel(t.Context())
	flood := &pb.RPC{}
	yes := true
	for i := range 1000 {
		name := fmt.Sprintf("%s/no%d/1", Prefix(genesis), i)
		flood.Subscriptions = append(flood.Subscriptions, &pb.RPC_SubOpts{Subscribe: &yes, Topicid: &name})
	}
	subs, err := proto.Marshal(flood)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, h := range c.hosts {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				s, err := bad.NewStream(ctx, h.ID(), pubsub.GossipSubID_v11)
				if err != nil {
					continue // refused by a limit, which is right too
				}
				s.SetDeadline(time.Now().Add(time.Second))
				switch i % 3 {
				case 0:
					s.Write(random(1000))
				case 1:
					s.Write(binary.AppendUvarint(nil, 1<<62))
				case 2:
					s.Write(append(binary.AppendUvarint(nil, uint64(len(subs))), subs...))
				}
				s.Close()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	got := c.delivery(t, 25)
	stop()
	wg.Wait()
	if got < 0.99 {
		t.Fatalf("%.1f %% delivered", 100*got)
	}
	for i, h := range c.hosts {
		if ts := h.pubsub.ListPeers(Prefix(genesis) + "/no999/1"); len(ts) != 0 {
			t.Fatalf("host %d took a thousand subscriptions", i)
		}
	}
}

// More connections from one address than allowed are refused, where the address
// is not this machine's own.
func TestPrefixLimit(t *testing.T) {
	c := Config{PrefixPeers: 3}
	c.defaults()
	m, err := resources(c)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	open := func(addr string) error {
		a, err := multiaddr.NewMultiaddr(addr)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.OpenConnection(network.DirInbound, false, a)
		return err
	}
	for i := range 20 {
		if err := open(fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", 1000+i)); err != nil {
			t.Fatalf("connection %d of this machine: %v", i, err)
		}
	}
	for name, addrs := range map[string][]string{
		"one address": {"/ip4/8.8.8.8/udp/%d/quic-v1"},
		"one /56":     {"/ip6/2600:1:2:3::1/udp/%d/quic-v1", "/ip6/2600:1:2:34::1/udp/%d/quic-v1"},
	} {
		n := 0
		for i := range 10 {
			if open(fmt.Sprintf(addrs[i%len(addrs)], 2000+i)) == nil {
				n++
			}
		}
		if n != 3 {
			t.Errorf("%s: %d connections", name, n)
		}
	}
	n := 0
	for i := range 30 {
		if open(fmt.Sprintf("/ip4/9.9.9.%d/udp/1/quic-v1", i)) == nil {
			n++
		}
	}
	if n != 12 {
		t.Errorf("one /24: %d connections", n)
	}
}
