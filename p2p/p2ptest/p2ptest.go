// Package p2ptest holds what every kind of host must do.
package p2ptest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p"
)

// Host is what the suite tests: the methods that hosts of sockets and of memory
// share.
type Host interface {
	ID() peer.ID
	Handle(name string, fn func(ctx context.Context, s *p2p.Stream))
	Open(ctx context.Context, to peer.ID, name string) (*p2p.Stream, error)
	Join(name string, validate func(from peer.ID, data []byte) p2p.Verdict) (p2p.Topic, error)
	ServeBlobs(open p2p.OpenBlob)
	FetchSHA256(ctx context.Context, peers []peer.ID, id [32]byte, max int64, progress func(done, total int64)) ([]byte, error)
	Close() error
}

// Factory makes n hosts that know each other. They are closed by the suite.
type Factory func(t *testing.T, n int) []Host

var cases = []struct {
	name  string
	hosts int
	run   func(t *testing.T, h []Host)
}{
	{"Frames", 2, frames},
	{"Oversize", 2, oversize},
	{"Deadline", 2, deadline},
	{"Cancel", 2, cancel},
	{"Busy", 2, busy},
	{"Blame", 3, blame},
	{"Concurrent", 4, concurrent},
	{"Unknown", 2, unknown},
	{"Close", 2, closing},
	{"Verdicts", 3, verdicts},
	{"Topic", 2, topic},
	{"Blobs", 4, blobs},
}

// Run runs the suite. Each case runs within wrap, which is how a fake clock gets
// in: synctest.Test for hosts in memory, nil for others.
func Run(t *testing.T, wrap func(*testing.T, func(*testing.T)), make Factory) {
	if wrap == nil {
		wrap = func(t *testing.T, f func(*testing.T)) { f(t) }
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			wrap(t, func(t *testing.T) {
				h := make(t, c.hosts)
				defer func() {
					for _, x := range h {
						if err := x.Close(); err != nil {
							t.Error(err)
						}
					}
				}()
				c.run(t, h)
			})
		})
	}
}

// eventually polls, since what happens at another host has no event here.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within 10 s: %s", what)
}

func echo(h Host) {
	h.Handle("echo", func(_ context.Context, s *p2p.Stream) {
		for {
			b, err := s.Recv(1 << 20)
			if err != nil || s.Send(b) != nil {
				return
			}
		}
	})
}

func open(t *testing.T, a, b Host, name string) *p2p.Stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s, err := a.Open(ctx, b.ID(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func frames(t *testing.T, h []Host) {
	echo(h[1])
	s := open(t, h[0], h[1], "echo")
	if s.Remote() != h[1].ID() {
		t.Fatalf("a stream to %s", s.Remote())
	}
	h[1].Handle("who", func(_ context.Context, s *p2p.Stream) {
		s.Recv(0)
		s.Send([]byte(s.Remote()))
	})
	if got, err := p2p.Call(t.Context(), h[0], h[1].ID(), "who", nil, 64); err != nil || string(got) != string(h[0].ID()) {
		t.Fatalf("a stream from %q, %v", got, err)
	}
	for _, n := range []int{0, 1, 64 << 10, 64<<10 + 1, 900 << 10} {
		m := bytes.Repeat([]byte{byte(n)}, n)
		if err := s.Send(m); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Recv(1 << 20); err != nil || !bytes.Equal(got, m) {
			t.Fatalf("%d bytes: %d back, %v", n, len(got), err)
		}
	}
	for _, sizes := range [][]int{{}, {1, 2, 3}, {5, 400 << 10}, {400 << 10, 5}, {20 << 10, 20 << 10, 3, 0, 16 << 10}} {
		var parts [][]byte
		for i, n := range sizes {
			parts = append(parts, bytes.Repeat([]byte{byte(i + 1)}, n))
		}
		if err := s.Send(parts...); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Recv(1 << 20); err != nil || !bytes.Equal(got, bytes.Join(parts, nil)) {
			t.Fatalf("parts of %d bytes: %d back, %v", sizes, len(got), err)
		}
	}
	s.CloseWrite()
	if _, err := s.Recv(10); err != io.EOF {
		t.Fatalf("after the end: %v", err)
	}
	s.Close()
	if got, err := p2p.Call(t.Context(), h[0], h[1].ID(), "echo", []byte("one"), 3); err != nil || string(got) != "one" {
		t.Fatalf("%q, %v", got, err)
	}
}

func oversize(t *testing.T, h []Host) {
	got := make(chan error, 1)
	h[1].Handle("small", func(_ context.Context, s *p2p.Stream) {
		_, err := s.Recv(10)
		got <- err
	})
	s := open(t, h[0], h[1], "small")
	defer s.Close()
	if err := s.Send(make([]byte, 11)); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, p2p.ErrFrame) {
		t.Fatalf("receiver: %v", err)
	}
	if _, err := s.Recv(10); err == nil || err == io.EOF {
		t.Fatalf("sender was not told: %v", err)
	}
	if err := s.Send(make([]byte, p2p.MaxFrame), []byte{1}); !errors.Is(err, p2p.ErrFrame) {
		t.Fatalf("sending more than MaxFrame: %v", err)
	}
}

func silent(h Host) {
	h.Handle("silent", func(ctx context.Context, s *p2p.Stream) {
		s.Recv(10)
		s.Recv(10) // until the other side leaves
	})
}

func deadline(t *testing.T, h []Host) {
	silent(h[1])
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	s, err := h[0].Open(ctx, h[1].ID(), "silent")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send([]byte("?")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := s.Recv(10); err == nil || time.Since(began) > 20*time.Second {
		t.Fatalf("%v after %v", err, time.Since(began))
	}
}

func cancel(t *testing.T, h []Host) {
	silent(h[1])
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := h[0].Open(ctx, h[1].ID(), "silent")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send([]byte("?")); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := s.Recv(10); !errors.Is(err, context.Canceled) {
		t.Fatalf("after cancel: %v", err)
	}
	if _, err := h[0].Open(ctx, h[1].ID(), "silent"); err == nil {
		t.Fatal("opened with a canceled context")
	}
}

// A host takes only so many streams of one name from one peer, says so to the
// rest, and takes others again when those have ended.
func busy(t *testing.T, h []Host) {
	var running atomic.Int32
	h[1].Handle("hold", func(_ context.Context, s *p2p.Stream) {
		running.Add(1)
		defer running.Add(-1)
		s.Send([]byte("here"))
		s.Recv(10)
		s.Recv(10) // until the other side leaves
	})
	var held []*p2p.Stream
	var b *p2p.BusyError
	for {
		s := open(t, h[0], h[1], "hold")
		s.Send([]byte("?")) // what it says of a refusal, Recv says too
		if _, err := s.Recv(10); errors.As(err, &b) {
			s.Close()
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if held = append(held, s); len(held) > 1000 {
			t.Fatal("no limit")
		}
	}
	if b.Retry <= 0 || b.Retry > time.Minute || len(held) < 2 {
		t.Fatalf("%d held, then %v", len(held), b)
	}
	_, err := p2p.Call(t.Context(), h[0], h[1].ID(), "hold", []byte("?"), 10)
	if !errors.As(err, &b) {
		t.Fatalf("a call while busy: %v", err)
	}
	for _, s := range held {
		s.Close()
	}
	eventually(t, "free again", func() bool { return running.Load() == 0 })
	if got, err := p2p.Call(t.Context(), h[0], h[1].ID(), "hold", []byte("?"), 10); err != nil || string(got) != "here" {
		t.Fatalf("%q, %v", got, err)
	}
}

// A peer that was blamed enough is not served any more, on streams of any name;
// another is.
func blame(t *testing.T, h []Host) {
	echo(h[1])
	h[1].Handle("judge", func(_ context.Context, s *p2p.Stream) {
		if b, err := s.Recv(10); err == nil && string(b) == "bad" {
			s.Blame(400)
		}
		s.Send([]byte("heard"))
	})
	for i := range 3 {
		if _, err := p2p.Call(t.Context(), h[0], h[1].ID(), "judge", []byte("bad"), 10); err != nil {
			t.Fatalf("fault %d: %v", i+1, err)
		}
		if _, err := p2p.Call(t.Context(), h[2], h[1].ID(), "judge", []byte("good"), 10); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"judge", "echo"} {
		if got, err := p2p.Call(t.Context(), h[0], h[1].ID(), name, []byte("?"), 10); err == nil {
			t.Errorf("%s: %q after 1200 points", name, got)
		}
		if _, err := p2p.Call(t.Context(), h[2], h[1].ID(), name, []byte("?"), 10); err != nil {
			t.Errorf("%s by a peer that did nothing: %v", name, err)
		}
	}
}

func concurrent(t *testing.T, h []Host) {
	echo(h[0])
	errs := make(chan error)
	n := 0
	for _, a := range h[1:] {
		for i := range 8 {
			n++
			go func() {
				for k := range 10 {
					want := fmt.Appendf(nil, "%s %d %d", a.ID(), i, k)
					got, err := p2p.Call(t.Context(), a, h[0].ID(), "echo", want, 1000)
					if err != nil || !bytes.Equal(got, want) {
						errs <- fmt.Errorf("%q, %w", got, err)
						return
					}
				}
				errs <- nil
			}()
		}
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func unknown(t *testing.T, h []Host) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := p2p.Call(ctx, h[0], h[1].ID(), "nobody", nil, 10); err == nil {
		t.Fatal("a stream that nobody serves")
	}
	if _, err := h[0].Open(ctx, p2p.PeerID([32]byte{99}), "echo"); err == nil {
		t.Fatal("a stream to nobody")
	}
}

// Closing a host ends its handlers and what others wait for.
func closing(t *testing.T, h []Host) {
	ended := make(chan struct{})
	h[1].Handle("hold", func(ctx context.Context, s *p2p.Stream) {
		defer close(ended)
		s.Send([]byte("here"))
		<-ctx.Done()
	})
	s := open(t, h[0], h[1], "hold")
	defer s.Close()
	s.Send(nil)
	if _, err := s.Recv(10); err != nil {
		t.Fatal(err)
	}
	x, err := h[1].Join("x", func(peer.ID, []byte) p2p.Verdict { return p2p.Accept })
	if err != nil {
		t.Fatal(err)
	}
	if err := h[1].Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	default:
		t.Fatal("the handler goes on")
	}
	if _, err := s.Recv(10); err == nil {
		t.Fatal("the stream goes on")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, _, err := x.Next(ctx); err == nil {
		t.Fatal("the topic goes on")
	}
	if _, err := h[1].Open(ctx, h[0].ID(), "hold"); !errors.Is(err, p2p.ErrClosed) {
		t.Fatalf("a closed host opens: %v", err)
	}
	if err := h[1].Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

// meshed joins a topic with all hosts and waits until each knows the others.
func meshed(t *testing.T, h []Host, judge func(peer.ID, []byte) p2p.Verdict) (ts []p2p.Topic) {
	for _, x := range h {
		topic, err := x.Join("x", judge)
		if err != nil {
			t.Fatal(err)
		}
		ts = append(ts, topic)
	}
	for _, topic := range ts {
		eventually(t, "members known", func() bool { return len(topic.Peers()) == len(h)-1 })
	}
	time.Sleep(1200 * time.Millisecond) // a heartbeat, in which a mesh forms
	return ts
}

func verdicts(t *testing.T, h []Host) {
	ts := meshed(t, h, func(_ peer.ID, d []byte) p2p.Verdict {
		switch d[0] {
		case 'i':
			return p2p.Ignore
		case 'r':
			return p2p.Reject
		}
		return p2p.Accept
	})
	for _, m := range []string{"ignored", "rejected", "good"} {
		if err := ts[0].Publish(t.Context(), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, x := range ts[1:] {
		if m, _, err := x.Next(ctx); err != nil || string(m) != "good" {
			t.Fatalf("host %d: %q, %v", i+1, m, err)
		}
	}
	for i, x := range ts { // once only, and not to oneself
		short, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if m, _, err := x.Next(short); err == nil {
			t.Fatalf("host %d: then %q", i, m)
		}
		stop()
	}
}

func topic(t *testing.T, h []Host) {
	ts := meshed(t, h, func(from peer.ID, _ []byte) p2p.Verdict {
		if from != h[0].ID() {
			t.Errorf("from %s", from)
		}
		return p2p.Accept
	})
	if _, err := h[0].Join("x", func(peer.ID, []byte) p2p.Verdict { return p2p.Accept }); err == nil {
		t.Fatal("joined twice")
	}
	if err := ts[0].Publish(t.Context(), make([]byte, p2p.MaxMessage+1)); !errors.Is(err, p2p.ErrFrame) {
		t.Fatalf("too long a message: %v", err)
	}
	big := bytes.Repeat([]byte{7}, p2p.MaxMessage)
	if err := ts[0].Publish(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if m, from, err := ts[1].Next(ctx); err != nil || !bytes.Equal(m, big) || from != h[0].ID() {
		t.Fatalf("largest message: %d bytes from %s, %v", len(m), from, err)
	}
	if err := ts[1].Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ts[1].Next(ctx); !errors.Is(err, p2p.ErrClosed) {
		t.Fatalf("a closed topic: %v", err)
	}
}

type reader struct{ io.ReadSeeker }

func (reader) Close() error { return nil }

func blobs(t *testing.T, h []Host) {
	content := make([]byte, 2<<20+5)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	lie := bytes.Clone(content)
	lie[1<<20] ^= 1
	id := sha256.Sum256(content)
	serve := func(h Host, b []byte) {
		h.ServeBlobs(func(want [32]byte) (io.ReadSeekCloser, int64, error) {
			if want != id {
				return nil, 0, errors.New("not here")
			}
			return reader{bytes.NewReader(b)}, int64(len(b)), nil
		})
	}
	serve(h[1], content)
	serve(h[2], lie)
	var last int64
	got, err := h[0].FetchSHA256(t.Context(), []peer.ID{h[3].ID(), h[2].ID(), h[1].ID()}, id, 4<<20, func(done, _ int64) { last = done })
	if err != nil || !bytes.Equal(got, content) || last != int64(len(content)) {
		t.Fatalf("%d bytes, progress %d, %v", len(got), last, err)
	}
	for _, c := range []struct {
		from Host
		id   [32]byte
		max  int64
		err  error
	}{{h[1], [32]byte{1}, 4 << 20, p2p.ErrNoBlob}, {h[1], id, 1 << 20, p2p.ErrBlobSize}, {h[2], id, 4 << 20, p2p.ErrBlobHash}} {
		if _, err := h[0].FetchSHA256(t.Context(), []peer.ID{c.from.ID()}, c.id, c.max, nil); !errors.Is(err, c.err) {
			t.Errorf("%v, want %v", err, c.err)
		}
	}
}
