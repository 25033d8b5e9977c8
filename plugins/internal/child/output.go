package child

import (
	"bytes"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxLine      = 1 << 10          // bytes of a printed line that are logged
	linesPerSpan = 100              // lines logged per span, so that a child cannot flood the log
	span         = 10 * time.Second // length of a span
	maxTail      = 1 << 10          // bytes of the last output kept for error messages
	maxHandshake = 8 << 10          // bytes of the handshake line, which holds a certificate
)

// output takes what a child prints, logs a bounded part of it line by line and
// keeps the last bytes. It is safe for concurrent use.
type output struct {
	log *slog.Logger
	raw io.Writer // gets everything as it came, may be nil

	mu      sync.Mutex
	line    []byte
	tail    []byte
	panic   string    // first line of a Go child's panic, which its stack buries
	start   time.Time // of the current span
	lines   int       // logged in the current span
	dropped int       // in the current span
}

// Write takes a part of the output. It never fails and never blocks on the log
// for more than one line at a time.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.raw != nil {
		_, _ = o.raw.Write(p)
	}
	o.keep(p)
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		part := rest
		if i >= 0 {
			part = rest[:i]
		}
		o.line = append(o.line, part[:min(len(part), maxLine-len(o.line))]...)
		if i < 0 {
			break
		}
		o.flush()
		rest = rest[i+1:]
	}
	return len(p), nil
}

func (o *output) keep(p []byte) {
	if len(p) >= maxTail {
		o.tail = append(o.tail[:0], p[len(p)-maxTail:]...)
		return
	}
	if over := len(o.tail) + len(p) - maxTail; over > 0 {
		o.tail = append(o.tail[:0], o.tail[over:]...)
	}
	o.tail = append(o.tail, p...)
}

func (o *output) flush() {
	line := string(bytes.TrimRight(o.line, "\r"))
	o.line = o.line[:0]
	if line == "" {
		return
	}
	if o.panic == "" && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		o.panic = line
	}
	if now := time.Now(); now.Sub(o.start) > span {
		if o.dropped > 0 {
			o.log.Warn("child printed too much", "lines_dropped", o.dropped)
		}
		o.start, o.lines, o.dropped = now, 0, 0
	}
	if o.lines == linesPerSpan {
		o.dropped++
		return
	}
	o.lines++
	o.log.Info("child output", "line", line)
}

// last returns the panic or else the end of the output, quoted, for an error
// message.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.panic != "" {
		return strconv.Quote(o.panic)
	}
	t := bytes.TrimSpace(o.tail)
	if len(t) == 0 {
		return ""
	}
	return strconv.Quote(string(t))
}

// firstLine reads the handshake line from a child's standard output and sends
// whatever follows to the output, so that a child that goes on printing is
// neither blocked nor believed. A first line above maxHandshake ends the
// reading.
type firstLine struct {
	io.ReadCloser
	rest io.Writer
	n    int
	done bool
}

func (f *firstLine) Read(p []byte) (int, error) {
	if f.done {
		_, err := io.Copy(f.rest, f.ReadCloser)
		if err == nil {
			err = io.EOF
		}
		return 0, err
	}
	if f.n == maxHandshake {
		return 0, io.EOF
	}
	n, err := f.ReadCloser.Read(p[:min(len(p), maxHandshake-f.n)])
	f.n += n
	if i := bytes.IndexByte(p[:n], '\n'); i >= 0 {
		f.done = true
		_, _ = f.rest.Write(p[i+1 : n])
		n = i + 1
	}
	return n, err
}
