package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/internal/child"
)

// Errors of Open and Answer, wrapped with the engine's name and what the model
// said last.
var (
	ErrHandshake = child.ErrHandshake // the program is no engine, or of another version
	ErrDied      = child.ErrDied      // the model ended before it answered
	ErrTooLarge  = child.ErrTooLarge  // the task or the answer is too large
	ErrRefused   = child.ErrRefused   // the model returned an error
	ErrHung      = errors.New("engine did not answer in time and was killed")
	ErrDown      = errors.New("engine is not running")
	ErrClosed    = errors.New("engine is closed")
	ErrPin       = errors.New("engine program differs from its pinned SHA-256")
)

// Config says which model to run and what it may cost.
type Config struct {
	// Command is the program and its arguments. A program without a slash is
	// looked up in PATH.
	Command []string
	// Env is the model's whole environment; the host's is not inherited.
	Env []string
	// Dir is the model's working directory; empty for the host's.
	Dir string
	// Name stands in logs and errors; empty for the program's base name.
	Name string
	// SHA256 pins the program: a copy that has this digest is run, so that
	// nobody can change the file between check and start. Zero for no pin. The
	// pin does not cover interpreters, libraries and models the program loads.
	SHA256 [32]byte
	// Timeout bounds one answer; 0 for 30 s. A model that needs longer is killed.
	Timeout time.Duration
	// StartTimeout bounds the time from start to the handshake, loading
	// included; 0 for 60 s.
	StartTimeout time.Duration
	// MaxAnswer bounds an answer in bytes; 0 for abi.MaxPayload, also the most.
	MaxAnswer int
	// Parallel is how many answers the model may work on at once; 0 for 1.
	Parallel int
	// Log gets restarts and a bounded part of what the model prints; nil drops it.
	Log *slog.Logger
}

func (c *Config) fill() error {
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.StartTimeout <= 0 {
		c.StartTimeout = time.Minute
	}
	if c.MaxAnswer == 0 {
		c.MaxAnswer = abi.MaxPayload
	}
	if c.MaxAnswer < 0 || c.MaxAnswer > abi.MaxPayload {
		return fmt.Errorf("engine: MaxAnswer %d: must be 1 to %d bytes", c.MaxAnswer, abi.MaxPayload)
	}
	if c.Parallel == 0 {
		c.Parallel = 1
	}
	if c.Parallel < 0 || c.Parallel > 1024 {
		return fmt.Errorf("engine: Parallel %d: must be 1 to 1024", c.Parallel)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Engine is a supervised model. Its methods are safe for concurrent use.
type Engine struct {
	config Config
	child  child.Config
	pinned string             // directory of the pinned copy, if any
	stop   context.CancelFunc // ends the supervisor
	ctx    context.Context    // ends with Close
	tasks  sync.WaitGroup     // the supervisor and the calls still running
	slots  chan struct{}      // one per answer being worked on
	useful atomic.Bool        // the running model has answered

	mu       sync.Mutex
	proc     *child.Process // nil while down
	changed  chan struct{}  // closed when proc changes
	reason   error          // why the running model was doomed, if it was
	last     error          // why the last model ended
	restarts int
	since    time.Time
	closed   bool
}

// Health is what is known of an engine at a moment.
type Health struct {
	Alive    bool
	PID      int       // of the running model
	Restarts int       // since Open
	Since    time.Time // of the last start or end
	LastErr  error     // why it last ended, nil if it never did
}

// Open starts the model and returns once it is ready. A program that cannot be
// started now is an error; one that ends later is restarted.
func Open(ctx context.Context, c Config) (*Engine, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	e := &Engine{config: c, slots: make(chan struct{}, c.Parallel), changed: make(chan struct{})}
	e.child = child.Config{Command: c.Command, Env: c.Env, Dir: c.Dir, Name: c.Name, Log: c.Log,
		StartTimeout: c.StartTimeout, MaxMessage: abi.MaxPayload + taskOverhead}
	if c.SHA256 != [32]byte{} {
		dir, command, err := pin(c.Command, c.SHA256)
		if err != nil {
			return nil, err
		}
		e.pinned, e.child.Command = dir, command
	}
	p, err := child.Start(ctx, e.child)
	if err != nil {
		e.unpin()
		return nil, fmt.Errorf("open engine: %w", err)
	}
	e.up(p)
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.tasks.Go(func() { e.supervise(p) })
	return e, nil
}

// Answer asks the model for its answer to a task of a subnet. It waits for a
// free slot, and for a model that is being restarted, until ctx ends. An answer
// that takes longer than Config.Timeout is ErrHung, and the model is killed.
// When only ctx ends, the model is left to finish, since starting it anew may
// cost more than the answer.
func (e *Engine) Answer(ctx context.Context, netuid uint16, public []byte) ([]byte, error) {
	if len(public) > abi.MaxPayload {
		return nil, fmt.Errorf("engine: task of %d bytes: %w", len(public), ErrTooLarge)
	}
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("engine: wait for a free slot: %w", ctx.Err())
	case <-e.ctx.Done():
		return nil, ErrClosed
	}
	p, err := e.running(ctx)
	if err != nil {
		<-e.slots
		return nil, err
	}
	type reply struct {
		body []byte
		err  error
	}
	t := Task{NetUID: netuid, Public: public}
	body := t.append(nil) // not in the goroutine: public is the caller's
	done := make(chan reply, 1)
	e.tasks.Go(func() {
		b, err := e.ask(p, body)
		<-e.slots
		done <- reply{b, err}
	})
	select {
	case r := <-done:
		return r.body, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("engine: answer: %w", ctx.Err())
	}
}

// ask makes one call under the engine's own timeout.
func (e *Engine) ask(p *child.Process, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.config.Timeout)
	defer cancel()
	b, err := p.Call(ctx, methodAnswer, body)
	switch {
	case e.ctx.Err() != nil:
		return nil, ErrClosed
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("%w (%v)", ErrHung, e.config.Timeout)
		e.doom(p, err)
		p.Kill()
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("engine: %w", err)
	case len(b) > e.config.MaxAnswer:
		return nil, fmt.Errorf("engine: answer of %d bytes: %w (at most %d)", len(b), ErrTooLarge, e.config.MaxAnswer)
	}
	e.useful.Store(true)
	return b, nil
}

// running returns the running model, waiting while it is down.
func (e *Engine) running(ctx context.Context) (*child.Process, error) {
	for {
		e.mu.Lock()
		p, changed, closed := e.proc, e.changed, e.closed
		e.mu.Unlock()
		if closed {
			return nil, ErrClosed
		}
		if p != nil && p.Alive() {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			err := fmt.Errorf("%w: %w", ErrDown, ctx.Err())
			if last := e.Health().LastErr; last != nil {
				err = fmt.Errorf("%w, after: %w", err, last)
			}
			return nil, err
		case <-e.ctx.Done():
			return nil, ErrClosed
		}
	}
}

// Health reports how the model is.
func (e *Engine) Health() Health {
	e.mu.Lock()
	defer e.mu.Unlock()
	h := Health{Restarts: e.restarts, Since: e.since, LastErr: e.last}
	if e.proc != nil && e.proc.Alive() {
		h.Alive, h.PID = true, e.proc.PID()
	}
	return h
}

// Close kills the model with everything it started and waits until it is gone.
// Answers under way end with ErrClosed.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.stop()
	e.tasks.Wait()
	e.unpin()
}
