package memnet

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/plexus-network/plexus/p2p"
)

// window is how many bytes may be under way or unread in one direction.
const window = 1 << 20

var (
	errReset  = errors.New("stream reset")
	errClosed = errors.New("stream closed")
)

// conn is one end of a stream: it reads from in and writes to out.
type conn struct {
	in, out *pipe
	stop    func() bool // of the reset when the host closes
}

func pair(n *Net, a, b *Host) (*conn, *conn) {
	ab, ba := newPipe(n, a, b), newPipe(n, b, a)
	x, y := &conn{in: ba, out: ab}, &conn{in: ab, out: ba}
	x.stop, y.stop = afterClose(a, x), afterClose(b, y)
	return x, y
}

// afterClose resets a stream when its host closes.
func afterClose(h *Host, c *conn) func() bool { return context.AfterFunc(h.ctx, c.reset) }

func (c *conn) Read(p []byte) (int, error)         { return c.in.read(p) }
func (c *conn) Write(p []byte) (int, error)        { return c.out.write(p) }
func (c *conn) SetReadDeadline(t time.Time) error  { c.in.limit(&c.in.readBy, t); return nil }
func (c *conn) SetWriteDeadline(t time.Time) error { c.out.limit(&c.out.writeBy, t); return nil }
func (c *conn) CloseWrite() error                  { c.out.end(nil); return nil }

func (c *conn) Close() error {
	c.stop()
	c.out.end(nil)
	c.in.drop()
	return nil
}

func (c *conn) Reset() error {
	c.stop()
	c.reset()
	return nil
}

func (c *conn) reset() {
	c.out.end(errReset)
	c.in.end(errReset)
}

// pipe carries bytes one way. Packets wait in it until their time has come and,
// in a partition, until a way leads to the reader again.
type pipe struct {
	net      *Net
	from, to *Host

	mu       sync.Mutex
	packets  []packet
	size     int
	last     time.Time // when the newest packet arrives: they keep their order
	ended    bool
	err      error // what the reader gets instead of the end, and the writer
	dropped  bool  // the reader closed
	readBy   time.Time
	writeBy  time.Time
	changed  chan struct{} // closed and replaced when anything above changes
	finished time.Time     // when the end arrives
}

type packet struct {
	b  []byte
	at time.Time
}

func newPipe(n *Net, from, to *Host) *pipe {
	return &pipe{net: n, from: from, to: to, changed: make(chan struct{})}
}

// change wakes those who wait. mu is held.
func (p *pipe) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) limit(which *time.Time, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*which = t
	p.change()
}

// end ends the flow: after what was written has arrived when err is nil, else at
// once.
func (p *pipe) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended && (err == nil || p.err != nil) {
		return
	}
	p.ended, p.err = true, err
	p.finished = p.arrival()
	if err != nil {
		p.packets, p.size = nil, 0
	}
	p.change()
}

// drop tells the writer that nobody reads any more.
func (p *pipe) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped, p.packets, p.size = true, nil, 0
	p.change()
}

// arrival is when what is sent now arrives. mu is held.
func (p *pipe) arrival() time.Time {
	d, _ := p.net.delay(p.from.id, p.to.id)
	if at := time.Now().Add(d); at.After(p.last) {
		p.last = at
	}
	return p.last
}

func (p *pipe) write(b []byte) (done int, err error) {
	for len(b) > 0 {
		p.mu.Lock()
		switch {
		case p.err != nil:
			err = p.err
		case p.ended:
			err = errClosed
		case p.dropped:
			err = errReset
		case p.size >= window:
			by, changed := p.writeBy, p.changed
			p.mu.Unlock()
			if err = wait(by, time.Time{}, changed, nil); err != nil {
				return done, err
			}
			continue
		default:
			n := min(len(b), window-p.size, 64<<10)
			p.packets = append(p.packets, packet{append([]byte(nil), b[:n]...), p.arrival()})
			p.size += n
			b, done = b[n:], done+n
			p.change()
		}
		p.mu.Unlock()
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (p *pipe) read(b []byte) (int, error) {
	for {
		cut, moved := p.net.cut(p.from.id, p.to.id)
		p.mu.Lock()
		now := time.Now()
		var at time.Time // when to look again
		switch {
		case p.dropped:
			p.mu.Unlock()
			return 0, errClosed
		case p.err != nil && (!cut || p.to.ctx.Err() != nil):
			p.mu.Unlock()
			return 0, p.err
		case cut: // until the partition ends
		case len(p.packets) > 0 && !p.packets[0].at.After(now):
			n := copy(b, p.packets[0].b)
			if p.packets[0].b = p.packets[0].b[n:]; len(p.packets[0].b) == 0 {
				p.packets = p.packets[1:]
			}
			p.size -= n
			p.change()
			p.mu.Unlock()
			return n, nil
		case len(p.packets) > 0:
			at = p.packets[0].at
		case p.ended && !p.finished.After(now):
			p.mu.Unlock()
			return 0, io.EOF
		case p.ended:
			at = p.finished
		}
		by, changed := p.readBy, p.changed
		p.mu.Unlock()
		if err := wait(by, at, changed, moved); err != nil {
			return 0, err
		}
	}
}

// wait returns when something changed or at has come, and os.ErrDeadlineExceeded
// when by has. A zero time is no time.
func wait(by, at time.Time, changed, moved <-chan struct{}) error {
	next, late := at, false
	if !by.IsZero() && (at.IsZero() || by.Before(at)) {
		next, late = by, true
	}
	var timer <-chan time.Time
	if !next.IsZero() {
		t := time.NewTimer(time.Until(next))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-changed:
	case <-moved:
	case <-timer:
		if late {
			return os.ErrDeadlineExceeded
		}
	}
	return nil
}

var _ p2p.Conn = (*conn)(nil)
