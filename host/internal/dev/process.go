package dev

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/plexus-network/plexus/host/internal/event"
)

// process is a child that is started again when it ends by itself.
type process struct {
	name string
	args func() []string // of the next start
	log  string          // file that takes its standard error
	out  chan<- event.Event

	mu    sync.Mutex
	stdin io.WriteCloser
	pid   int
}

// ErrFatal marks the end of a process that is not started again.
var ErrFatal = errors.New("a process of the network cannot go on")

// grace is how long a process may take to end once it was asked to.
const grace = 3 * time.Second

// run keeps the process alive until ctx ends.
func (p *process) run(ctx context.Context, self string) error {
	wait := 500 * time.Millisecond
	for {
		start := time.Now()
		err := p.once(ctx, self)
		if ctx.Err() != nil {
			return nil
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) && (exit.ExitCode() == 70 || exit.ExitCode() == 64 || exit.ExitCode() == 78) {
			return fmt.Errorf("%w: %s: %v: %s", ErrFatal, p.name, err, p.lastWords())
		}
		if time.Since(start) > 30*time.Second {
			wait = 500 * time.Millisecond
		}
		text := fmt.Sprintf("%s ended (%v), starting it again", p.name, err)
		if exit != nil && exit.ExitCode() > 0 { // not killed: it said why
			text += ": " + p.lastWords()
		}
		select {
		case <-ctx.Done(): // nobody reads any more
			return nil
		case p.out <- event.Event{Kind: "restart", From: p.name, Text: text}:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// lastWords is the last line of the process's log: the error that ended it.
func (p *process) lastWords() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	const most = 2000
	if info, err := f.Stat(); err == nil && info.Size() > most {
		f.Seek(-most, io.SeekEnd) // else all of it is read
	}
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}

// once starts the process and waits for its end. When ctx ends its standard
// input is closed, which asks it to end, and after a grace it is killed.
func (p *process) once(ctx context.Context, self string) error {
	logFile, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	c := exec.Command(self, p.args()...)
	c.Stderr = logFile
	detach(c)
	stdout, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	stdin, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	p.mu.Lock()
	p.stdin, p.pid = stdin, c.Process.Pid
	p.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		stdin.Close()
		time.AfterFunc(grace, func() { c.Process.Kill() }) // does nothing once it has ended
	})
	defer stop()
	s := bufio.NewScanner(stdout)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var e event.Event
		if json.Unmarshal(s.Bytes(), &e) == nil && e.Kind != "" {
			select {
			case p.out <- e:
			case <-ctx.Done():
			}
		}
	}
	return c.Wait()
}

// tell writes one order to the process.
func (p *process) tell(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stdin != nil {
		p.stdin.Write(append(b, '\n')) // a process that is gone reads nothing
	}
}
