package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/engine"
)

// Errors of Program.Answer, wrapped with what the program said last.
var (
	ErrTimeout = errors.New("program took too long and was killed")
	ErrTooLong = errors.New("program wrote more than an answer may have and was killed")
	ErrFailed  = errors.New("program failed")
)

const (
	defaultPath = "/usr/local/bin:/usr/bin:/bin"
	maxWords    = 512 // bytes of last words that stand in an error
)

// Config says which program answers.
type Config struct {
	// Command is the program and its arguments. A program without a slash is looked
	// up in PATH, or in the usual folders when there is no PATH.
	Command []string
	// Dir is its working directory; empty for the engine's own.
	Dir string
	// Env are variables NAME=VALUE besides those of the package's comment.
	Env []string
	// Timeout bounds one run; 0 for 10 s.
	Timeout time.Duration
	// MaxAnswer bounds an answer, in bytes; 0 for what the miner takes.
	MaxAnswer int
	// Log gets what the program writes to standard error, 1 KiB of a line and 100
	// lines of a run; nil drops it.
	Log *slog.Logger
}

// Program answers tasks by running a program. It may be used by many goroutines.
type Program struct {
	cfg  Config
	path string
	runs runs
}

// New finds the program.
func New(c Config) (*Program, error) {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return nil, errors.New("no program: give it and its arguments after --")
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("timeout %v: must be above 0", c.Timeout)
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = abi.MaxPayload
	}
	if c.MaxAnswer < 0 || c.MaxAnswer > abi.MaxPayload {
		return nil, fmt.Errorf("longest answer %d: must be 1 to %d bytes", c.MaxAnswer, abi.MaxPayload)
	}
	for _, v := range c.Env {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return nil, fmt.Errorf("variable %q: must be NAME=VALUE", v)
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if os.Getenv("PATH") == "" {
		_ = os.Setenv("PATH", defaultPath) // an engine has no environment
	}
	path, err := exec.LookPath(c.Command[0])
	if err == nil {
		path, err = filepath.Abs(path) // Dir is another one
	}
	if err != nil {
		return nil, fmt.Errorf("program: %w", err)
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("working directory %s: it is none", c.Dir)
		}
	}
	return &Program{cfg: c, path: path}, nil
}

// Answer runs the program once and copies its answer to w as it comes. An error
// makes what w has got void.
func (p *Program) Answer(ctx context.Context, t engine.Task, w io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	most := p.cfg.MaxAnswer
	if t.MaxAnswer > 0 {
		most = min(most, t.MaxAnswer)
	}
	cmd := exec.CommandContext(ctx, p.path, p.cfg.Command[1:]...)
	cmd.Args[0] = p.cfg.Command[0]
	cmd.Dir = p.cfg.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), fmt.Sprint("PLEXUS_NETUID=", t.NetUID),
		fmt.Sprint("PLEXUS_MAX_ANSWER=", most), fmt.Sprint("PLEXUS_TIMEOUT_MS=", p.cfg.Timeout.Milliseconds())}, p.cfg.Env...)
	words := &words{log: p.cfg.Log}
	out := &bounded{w: w, left: most, stop: cancel}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(t.Public), out, words
	cmd.WaitDelay = 200 * time.Millisecond // a grandchild may hold the pipes open
	err := p.runs.run(cmd)
	words.end()
	switch {
	case out.over:
		return fmt.Errorf("%w (at most %d bytes)%s", ErrTooLong, most, words.last())
	case out.err != nil:
		return out.err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w (%v)%s", ErrTimeout, p.cfg.Timeout, words.last())
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, and left somebody behind
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w%s", ErrFailed, err, words.last())
	}
	return nil
}

// bounded passes on what it is given, up to a bound.
type bounded struct {
	w    io.Writer
	left int
	over bool
	err  error
	stop func() // ends the program
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		b.over = true
		b.stop()
		return 0, ErrTooLong
	}
	n, err := b.w.Write(p)
	if err != nil {
		b.err = err
		b.stop()
	}
	return n, err
}

// words are what a run writes to standard error: lines for the log, and the end
// for an error.
type words struct {
	log   *slog.Logger
	line  []byte
	tail  []byte
	lines int
}

const (
	maxLine  = 1 << 10
	maxLines = 100
)

func (w *words) Write(p []byte) (int, error) {
	w.tail = append(w.tail, p[max(0, len(p)-maxWords):]...)
	w.tail = w.tail[max(0, len(w.tail)-maxWords):]
	for rest := p; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, part[:min(len(part), maxLine-len(w.line))]...)
		if whole {
			w.end()
		}
		rest = after
	}
	return len(p), nil
}

// end logs the line that is under way.
func (w *words) end() {
	line := bytes.TrimSpace(w.line)
	w.line = w.line[:0]
	if len(line) == 0 {
		return
	}
	if w.lines++; w.lines <= maxLines {
		w.log.Info("program", "says", strings.ToValidUTF8(string(line), "?"))
	}
}

func (w *words) last() string {
	t := bytes.TrimSpace(w.tail)
	if len(t) == 0 {
		return ""
	}
	return ", last words " + strconv.Quote(strings.ToValidUTF8(string(t), "?"))
}
