package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/plexus-network/plexus/p2p/internal/wire"
)

const (
	// MaxFrame is the longest frame that Send accepts, in bytes.
	MaxFrame = 8 << 20
	// recvIdle and sendIdle end a call on a silent peer when the context would
	// wait longer. A request's deadline is at most two minutes away, so an
	// answer may take that long.
	recvIdle = 150 * time.Second
	sendIdle = 30 * time.Second
	// handlerTime is how long a handler's context lasts.
	handlerTime = 10 * time.Minute
	// refuseTime is how long a refusal may take to write and to read.
	refuseTime = time.Second
)

// ErrFrame: a frame was longer than allowed.
var ErrFrame = wire.ErrFrame

// BusyError is returned by Send and Recv when the other host had no handler to
// spare for the stream. Its Retry is the pause after which to open another.
type BusyError = wire.Busy

// Conn is the two-way flow of bytes below a Stream: a libp2p stream, or one of
// memnet. Deadlines and Reset end calls under way in other goroutines.
type Conn interface {
	io.ReadWriter
	Close() error // ends both directions after what was written has left
	CloseWrite() error
	Reset() error // ends both directions at once, which the peer sees as an error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Stream carries frames both ways between two peers. One goroutine may send
// while another receives. It lives until Close or the end of the context it was
// opened with.
type Stream struct {
	s     Conn
	peer  peer.ID
	ctx   context.Context
	stop  func() bool
	count *counters
	blame func(points float64)

	reading  sync.Mutex
	received bool  // guarded by reading: a frame came, so the stream was not refused
	busy     error // guarded by reading: it was
}

// NewStream makes a Stream of a Conn to a peer; it obeys ctx for its whole life.
// It is for hosts of other kinds: a Host makes its own. blame is what Blame calls.
func NewStream(ctx context.Context, c Conn, to peer.ID, blame func(points float64)) *Stream {
	return newStream(ctx, c, to, new(counters), blame)
}

func newStream(ctx context.Context, c Conn, to peer.ID, count *counters, blame func(points float64)) *Stream {
	return &Stream{s: c, peer: to, ctx: ctx, stop: context.AfterFunc(ctx, func() { c.Reset() }), count: count, blame: blame}
}

// Refuse tells the peer that opened c to come back after retry, and closes c.
func Refuse(c Conn, retry time.Duration) error {
	c.SetWriteDeadline(time.Now().Add(refuseTime))
	if _, err := c.Write(wire.AppendBusy(nil, retry)); err != nil {
		c.Reset()
		return err
	}
	return c.Close()
}

func (h *Host) protocol(name string) protocol.ID { return protocol.ID(h.prefix + "/" + name + "/1") }

// Handle serves streams of the given name with fn, each in its own goroutine;
// the stream is closed when fn returns. A peer gets a bounded number of them at
// a time and each lives for a bounded time. Whoever opens more is told to come
// back (BusyError).
func (h *Host) Handle(name string, fn func(ctx context.Context, s *Stream)) {
	count := h.stats.stream(name)
	h.host.SetStreamHandler(h.protocol(name), func(raw network.Stream) {
		from := raw.Conn().RemotePeer()
		if h.conduct.Shunned(from) {
			count.refused.Add(1)
			raw.Reset()
			return
		}
		if retry, ok := h.slots.Take(name, from); !ok {
			count.refused.Add(1)
			h.slots.Refusing(func() { Refuse(raw, retry) }, func() { raw.Reset() })
			return
		}
		defer h.slots.Free(name, from)
		ctx, cancel := context.WithTimeout(h.ctx, handlerTime)
		defer cancel()
		s := newStream(ctx, raw, from, count, h.blamer(from))
		defer s.Close()
		count.handled.Add(1)
		count.running.Add(1)
		defer count.running.Add(-1)
		fn(ctx, s)
	})
}

// Open opens a stream of the given name to a peer, which is searched for when
// it is not connected. The stream obeys ctx for its whole life. A peer that is
// reached through a relay only is talked to through it.
func (h *Host) Open(ctx context.Context, to peer.ID, name string) (*Stream, error) {
	if h.ctx.Err() != nil {
		return nil, ErrClosed
	}
	count := h.stats.stream(name)
	if err := h.Find(ctx, to); err != nil {
		count.failed.Add(1)
		return nil, err
	}
	s, err := h.host.NewStream(network.WithAllowLimitedConn(ctx, name), to, h.protocol(name))
	if err != nil {
		count.failed.Add(1)
		return nil, fmt.Errorf("p2p: opening %s to %s: %w", name, to, err)
	}
	count.opened.Add(1)
	return newStream(ctx, s, to, count, h.blamer(to)), nil
}

// Opener opens streams: a Host, or a host in memory.
type Opener interface {
	Open(ctx context.Context, to peer.ID, name string) (*Stream, error)
}

// Call sends one frame to a peer and returns the one that it answers, of at most
// max bytes. A busy peer's BusyError is the caller's to obey.
func Call(ctx context.Context, h Opener, to peer.ID, name string, request []byte, max int) ([]byte, error) {
	s, err := h.Open(ctx, to, name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Send(request); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, s.fail("sending", err)
	}
	return s.Recv(max)
}

// Remote returns the peer at the other end.
func (s *Stream) Remote() peer.ID { return s.peer }

// Blame adds points to what the peer at the other end did wrong. They lower its
// standing in gossip, half of them are forgiven within ten minutes, and with 1000
// its streams are refused. Use it only for what can be nobody else's fault: the
// bytes of a stream are the peer's, that the stream ended may be the network's.
func (s *Stream) Blame(points float64) { s.blame(points) }

// gathered is how many bytes of a frame are copied to leave in one write. What is
// longer costs more to copy than another write does.
const gathered = 16 << 10

// Send writes one frame of at most MaxFrame bytes, which is the parts one after
// another.
func (s *Stream) Send(parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > MaxFrame {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, n, MaxFrame)
	}
	s.s.SetWriteDeadline(s.deadline(sendIdle))
	if err := s.write(n, parts); err != nil {
		if busy := s.refused(); busy != nil {
			err = busy
		}
		return s.fail("sending", err)
	}
	s.count.sent.Add(1)
	s.count.bytesOut.Add(int64(wire.Head + n))
	return nil
}

// write writes the frame of parts, n bytes in all.
func (s *Stream) write(n int, parts [][]byte) error {
	b := wire.AppendHead(make([]byte, 0, wire.Head+min(n, gathered)), n)
	for _, p := range parts {
		if len(b)+len(p) <= cap(b) {
			b = append(b, p...)
			continue
		}
		for _, out := range [][]byte{b, p} {
			if _, err := s.s.Write(out); err != nil {
				return err
			}
		}
		b = b[:0]
	}
	if len(b) == 0 {
		return nil
	}
	_, err := s.s.Write(b)
	return err
}

// refused looks, after sending failed, whether the other side had refused the
// stream before it read anything.
func (s *Stream) refused() error {
	if !s.reading.TryLock() {
		return nil // the receiving goroutine learns it
	}
	defer s.reading.Unlock()
	if s.received || s.busy != nil || s.ctx.Err() != nil {
		return s.busy
	}
	s.s.SetReadDeadline(time.Now().Add(refuseTime))
	_, err := wire.ReadFrame(s.s, 0)
	var busy *BusyError
	if errors.As(err, &busy) {
		s.busy = busy
	}
	return s.busy
}

// Recv reads one frame of at most max bytes: ErrFrame if the peer announces a
// longer one, io.EOF if it closed the stream between frames, BusyError if it
// refused the stream.
func (s *Stream) Recv(max int) ([]byte, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.busy != nil {
		return nil, s.fail("receiving", s.busy)
	}
	s.s.SetReadDeadline(s.deadline(recvIdle))
	b, err := wire.ReadFrame(s.s, max)
	switch {
	case err == nil:
		s.received = true
		s.count.received.Add(1)
		s.count.bytesIn.Add(int64(wire.Head + len(b)))
		return b, nil
	case err == io.EOF:
		return nil, io.EOF
	case errors.Is(err, ErrFrame):
		s.s.Reset()
	}
	return nil, s.fail("receiving", err)
}

// CloseWrite tells the peer that no more frames follow; Recv still works.
func (s *Stream) CloseWrite() error { return s.s.CloseWrite() }

// Close closes both directions.
func (s *Stream) Close() error {
	s.stop()
	if s.ctx.Err() != nil {
		return s.s.Reset()
	}
	return s.s.Close()
}

func (s *Stream) deadline(idle time.Duration) time.Time {
	t := time.Now().Add(idle)
	if d, ok := s.ctx.Deadline(); ok && d.Before(t) {
		return d
	}
	return t
}

func (s *Stream) fail(doing string, err error) error {
	if e := s.ctx.Err(); e != nil {
		err = e
	}
	return fmt.Errorf("p2p: %s: peer %s: %w", doing, s.Remote(), err)
}
