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
	ErrConfine   = child.ErrConfine // a user or a limit that cannot be had here
)

// Limits bound what a model's process may use, each 0 for no bound: CPU is the
// processor time of its whole life in whole seconds, after which it is killed and
// started anew; Memory the size of its address space in bytes, of which a Go
// program alone reserves 1 GiB; Files how many files it may have open. They hold
// for each process that the model starts by itself.
type Limits = child.Limits

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
	// Probe is how often a model that works on nothing is asked whether it is well,
	// and how long it may take to say so; 0 for 15 s. One that does not is killed
	// and started anew, before a task is lost to it.
	Probe time.Duration
	// User runs the model as another user, by name, UID or UID:GID, without further
	// groups; empty for the host's own. On Linux, when the host is root.
	User string
	// Limits bound what the model may use, on Linux.
	Limits Limits
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
	if c.Probe <= 0 {
		c.Probe = 15 * time.Second
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
	begun    int            // answers asked for
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
		StartTimeout: c.StartTimeout, MaxMessage: abi.MaxPayload + taskOverhead, User: c.User, Limits: c.Limits}
	if c.SHA256 != [32]byte{} {
		dir, command, err := pin(c.Command, c.SHA256, c.User != "")
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
