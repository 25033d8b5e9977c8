package p2p

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
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
	frameHead   = 4
)

// Stream carries frames both ways between two peers. One goroutine may send
// while another receives. It lives until Close or the end of the context it was
// opened with.
type Stream struct {
	s    network.Stream
	ctx  context.Context
	stop func() bool
}

func newStream(ctx context.Context, s network.Stream) *Stream {
	return &Stream{s: s, ctx: ctx, stop: context.AfterFunc(ctx, func() { s.Reset() })}
}

func (h *Host) protocol(name string) protocol.ID { return protocol.ID(h.prefix + "/" + name + "/1") }

// Handle serves streams of the given name with fn, each in its own goroutine;
// the stream is closed when fn returns. A peer gets a bounded number of them at
// a time and each lives for a bounded time.
func (h *Host) Handle(name string, fn func(ctx context.Context, s *Stream)) {
	h.host.SetStreamHandler(h.protocol(name), func(raw network.Stream) {
		from := raw.Conn().RemotePeer()
		if !h.slots.take(name, from) {
			raw.Reset()
			return
		}
		defer h.slots.free(name, from)
		ctx, cancel := context.WithTimeout(h.ctx, handlerTime)
		defer cancel()
		s := newStream(ctx, raw)
		defer s.Close()
		fn(ctx, s)
	})
}

// Open opens a stream of the given name to a peer, which is searched for when
// it is not connected. The stream obeys ctx for its whole life.
func (h *Host) Open(ctx context.Context, to peer.ID, name string) (*Stream, error) {
	if h.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if err := h.Find(ctx, to); err != nil {
		return nil, err
	}
	s, err := h.host.NewStream(ctx, to, h.protocol(name))
	if err != nil {
		return nil, fmt.Errorf("p2p: opening %s to %s: %w", name, to, err)
	}
	return newStream(ctx, s), nil
}

// Remote returns the peer at the other end.
func (s *Stream) Remote() peer.ID { return s.s.Conn().RemotePeer() }

// Send writes one frame of at most MaxFrame bytes.
func (s *Stream) Send(b []byte) error {
	if len(b) > MaxFrame {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, len(b), MaxFrame)
	}
	s.s.SetWriteDeadline(s.deadline(sendIdle))
	out := make([]byte, 0, frameHead+len(b))
	out = binary.BigEndian.AppendUint32(out, uint32(len(b)))
	if _, err := s.s.Write(append(out, b...)); err != nil {
		return s.fail("sending", err)
	}
	return nil
}

// Recv reads one frame of at most max bytes: ErrFrame if the peer announces a
// longer one, io.EOF if it closed the stream between frames.
func (s *Stream) Recv(max int) ([]byte, error) {
	s.s.SetReadDeadline(s.deadline(recvIdle))
	b, err := readFrame(s.s, max)
	switch {
	case err == nil:
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

// readFrame reads a 4-byte big-endian length and as many bytes. It allocates as
// the bytes arrive, not as the length claims.
func readFrame(r io.Reader, max int) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > int64(max) {
		return nil, fmt.Errorf("%w: %d bytes announced, at most %d", ErrFrame, n, max)
	}
	if n <= 64<<10 {
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, noEOF(err)
		}
		return b, nil
	}
	var buf bytes.Buffer
	if _, err := io.CopyN(&buf, r, n); err != nil {
		return nil, noEOF(err)
	}
	return buf.Bytes(), nil
}

// noEOF says that a stream ended in the middle of a frame.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
