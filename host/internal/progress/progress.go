// Package progress shows how far a long piece of work is: a bar with rate and
// remaining time on a terminal, nothing anywhere else.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// width is the number of cells of a bar.
const width = 30

// Bar shows one piece of work. A nil Bar shows nothing, so that callers need not
// ask. Its methods may be called concurrently.
type Bar struct {
	w    io.Writer
	what string
	unit func(int64) string
	now  func() time.Time

	mu    sync.Mutex
	began time.Time
	drawn time.Time
	any   bool
}

// New makes a bar that draws on w if it is a terminal; what names the things
// that are counted.
func New(w io.Writer, what string) *Bar {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	return newBar(w, what)
}

func newBar(w io.Writer, what string) *Bar {
	unit := func(n int64) string { return fmt.Sprint(n) }
	if what == "bytes" {
		unit = size
	}
	return &Bar{w: w, what: what, unit: unit, now: time.Now}
}

// Set says how much of the work is done; a total of 0 is unknown. It draws at
// most ten times a second.
func (b *Bar) Set(done, total int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.began.IsZero() {
		b.began = now
	}
	if now.Sub(b.drawn) < 100*time.Millisecond && done != total {
		return
	}
	b.drawn, b.any = now, true
	took := now.Sub(b.began)
	line := b.unit(done)
	if total > 0 {
		done = min(max(done, 0), total)
		full := int(done * width / total)
		line = fmt.Sprintf("[%s%s] %s of %s", strings.Repeat("=", full), strings.Repeat(" ", width-full), line, b.unit(total))
	}
	if b.what != "bytes" {
		line += " " + b.what
	}
	if took > time.Second {
		line += fmt.Sprintf(", %s/s", b.unit(int64(float64(done)/took.Seconds())))
		if total > done && done > 0 {
			left := time.Duration(float64(took) * float64(total-done) / float64(done))
			line += ", " + left.Round(time.Second).String() + " left"
		}
	}
	fmt.Fprintf(b.w, "\r\x1b[K%s", line)
}

// Done takes the bar away.
func (b *Bar) Done() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.any {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
	b.any = false
}

// size writes bytes in binary units.
func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
