package child

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A link is a stream beside the gRPC connection for calls that come often or
// carry much: a length and the bytes, without a copy into a message or a record
// of TLS. Both ends are inherited, so nobody else can reach it. It serves one
// call at a time; a second goes by gRPC meanwhile.
//
// A request is the length of the method (one byte), the length of the body (four,
// big-endian), method, body; a reply is a status (one byte), the length of the
// body (four), body.
const (
	linkHead    = 5
	linkOK      = 0
	linkRefused = 1 // the body is why
	linkLarge   = 2 // the reply was above the bound
	linkFile    = 3 // the child's descriptor
	linkBuffer  = 1 << 20
	envLink     = "PLEXUS_CHILD_LINK"
)

// link is the host's end.
type link struct {
	mu   sync.Mutex // held during a call
	conn net.Conn
	gone atomic.Bool // the stream is out of step, or closed
	head [linkHead]byte
}

// call makes one call. ok is false when the link is in use or gone: the call is
// to go another way.
func (l *link) call(ctx context.Context, max int, method string, body []byte) (out []byte, ok bool, err error) {
	if l == nil || !l.mu.TryLock() {
		return nil, false, nil
	}
	defer l.mu.Unlock()
	if l.gone.Load() {
		return nil, false, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, true, err
	}
	stop := context.AfterFunc(ctx, func() { _ = l.conn.SetDeadline(time.Unix(1, 0)) })
	status, out, err := l.exchange(max, method, body)
	if !stop() && err == nil {
		err = ctx.Err() // the deadline may hit the next call
	}
	if err != nil {
		l.close()
		if ctx.Err() != nil {
			return nil, true, ctx.Err()
		}
		return nil, true, err
	}
	switch status {
	case linkOK:
		return out, true, nil
	case linkLarge:
		return nil, true, fmt.Errorf("%w (at most %d bytes)", ErrTooLarge, max)
	default:
		return nil, true, fmt.Errorf("%w: %s", ErrRefused, cut(string(out), maxRefusal))
	}
}

// errLinkBroken says that the stream ended in the middle of a call.
var errLinkBroken = errors.New("link broke")

func (l *link) exchange(max int, method string, body []byte) (status byte, out []byte, err error) {
	l.head[0] = byte(len(method))
	binary.BigEndian.PutUint32(l.head[1:], uint32(len(body)))
	first := append(append(make([]byte, 0, linkHead+maxMethod), l.head[:]...), method...)
	bufs := net.Buffers{first, body}
	if _, err := bufs.WriteTo(l.conn); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errLinkBroken, err)
	}
	if _, err := io.ReadFull(l.conn, l.head[:]); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errLinkBroken, err)
	}
	n := binary.BigEndian.Uint32(l.head[1:])
	if uint64(n) > uint64(max) {
		return 0, nil, fmt.Errorf("reply of %d bytes: %w (at most %d)", n, ErrTooLarge, max)
	}
	out = make([]byte, n)
	if _, err := io.ReadFull(l.conn, out); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errLinkBroken, err)
	}
	return l.head[0], out, nil
}

// close ends the link and with it a call that is running.
func (l *link) close() {
	if l != nil && !l.gone.Swap(true) {
		_ = l.conn.Close()
	}
}

// serveLink answers calls on the child's end until the host closes its own. The
// body that a handler gets is valid until it returns.
func serveLink(conn io.ReadWriteCloser, max int, handle Handler) {
	defer conn.Close()
	var head [linkHead]byte
	var method [maxMethod]byte
	var buf []byte
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		name := method[:min(int(head[0]), maxMethod)]
		n := binary.BigEndian.Uint32(head[1:])
		if _, err := io.ReadFull(conn, name); err != nil || uint64(n) > uint64(max) || !validMethod(string(name)) {
			return
		}
		body := buf
		if uint64(n) > uint64(cap(buf)) {
			body = make([]byte, n)
			if n <= linkBuffer {
				buf = body
			}
		}
		body = body[:n]
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		out, err := handle(context.Background(), string(name), body)
		head[0] = linkOK
		switch {
		case err != nil:
			head[0], out = linkRefused, []byte(cut(err.Error(), maxRefusal))
		case len(out) > max:
			head[0], out = linkLarge, nil
		}
		binary.BigEndian.PutUint32(head[1:], uint32(len(out)))
		bufs := net.Buffers{head[:], out}
		if _, err := bufs.WriteTo(conn); err != nil {
			return
		}
	}
}

// inheritedLink returns the child's end, or nil when there is none.
func inheritedLink() io.ReadWriteCloser {
	if os.Getenv(envLink) == "" {
		return nil
	}
	f := os.NewFile(linkFile, "link")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil
	}
	return conn
}
