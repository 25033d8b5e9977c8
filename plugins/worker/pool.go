package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/child"
)

// Errors of a Pool.
var (
	// ErrCrashed: two workers in a row died in the same call.
	ErrCrashed = errors.New("worker: crashed twice")
	// ErrClosed: the pool was closed before or during the call.
	ErrClosed = errors.New("worker: pool is closed")
)

// Config says how workers are run.
type Config struct {
	// Command is the program and arguments of a worker, whose process calls
	// Serve. Empty: this executable with the argument "worker".
	Command []string
	// CacheDir keeps compiled code, shared by all workers and other processes.
	// Empty: each worker compiles for itself.
	CacheDir string
	// Workers is how many calls run at once, each in a process of its own,
	// started when first needed. Zero: 1.
	Workers int
	// Timeout kills a worker whose call takes longer. Zero: a minute, which the
	// default fuel needs a sixth of when compiled; an interpreting pool needs
	// some sixty times as long for the same fuel.
	Timeout time.Duration
	// LoadTimeout does so for gating and compiling a module. Zero: two minutes.
	LoadTimeout time.Duration
	// Interpreter selects the referee.
	Interpreter bool
	// Limits bound every call. Zero: plugins.DefaultLimits.
	Limits plugins.Limits
	// Memory bounds a worker, in bytes; the kernel kills one that goes far over
	// it (Linux only). Zero: 2 GiB.
	Memory uint64
	// Log receives what workers print and how they end. Nil: nothing is logged.
	Log *slog.Logger
}

func (c *Config) complete() error {
	if len(c.Command) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return err
		}
		c.Command = []string{exe, "worker"}
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.Workers < 0 || c.Workers > 256 {
		return fmt.Errorf("workers %d: must be 1..256", c.Workers)
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.LoadTimeout == 0 {
		c.LoadTimeout = 2 * time.Minute
	}
	if c.Timeout < 0 || c.LoadTimeout < 0 {
		return errors.New("timeouts must not be negative")
	}
	if c.Limits == (plugins.Limits{}) {
		c.Limits = plugins.DefaultLimits()
	}
	if c.Memory == 0 {
		c.Memory = 2 << 30
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c.Limits.Validate()
}

// Pool runs modules in workers. It may be used by many goroutines.
type Pool struct {
	cfg    Config
	ctx    context.Context // ends when the pool is closed
	cancel context.CancelFunc
	once   sync.Once
	free   chan *worker // those that no call is using
}

// keepBuffer bounds what is kept of memory for messages between calls, in bytes.
const keepBuffer = 4 << 20

// worker is a place for a process. Whoever took it from Pool.free owns it.
type worker struct {
	proc *child.Process
	buf  []byte // for requests, reused
}

func (w *worker) kill() {
	if w.proc != nil {
		w.proc.Kill()
		w.proc = nil
	}
}

// Open makes a pool. No process is started before the first Load.
func Open(cfg Config) (*Pool, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("worker: config: %w", err)
	}
	p := &Pool{cfg: cfg, free: make(chan *worker, cfg.Workers)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for range cfg.Workers {
		p.free <- &worker{}
	}
	return p, nil
}

// Close kills all workers and waits for them; calls that are running end with
// ErrClosed.
func (p *Pool) Close() error {
	p.once.Do(func() {
		p.cancel()
		for range p.cfg.Workers {
			(<-p.free).kill()
		}
	})
	return nil
}

// Load has a worker gate and compile the module and returns its Caller. The
// module's own faults are *plugins.Fault, as in plugins/wasm.
func (p *Pool) Load(ctx context.Context, module []byte) (plugins.Caller, error) {
	manifest, err := plugins.ReadManifest(module)
	if err != nil {
		return nil, err
	}
	m := &remote{pool: p, id: plugins.Digest(module), manifest: manifest, module: module}
	if _, err := p.try(ctx, func(w *worker) (plugins.Reply, error) { return m.load(ctx, w) }); err != nil {
		return nil, fmt.Errorf("load module %s: %w", m.id, err)
	}
	return m, nil
}

// try takes a worker and runs f on it, a second time on a fresh process if the
// first died.
func (p *Pool) try(ctx context.Context, f func(*worker) (plugins.Reply, error)) (plugins.Reply, error) {
	if p.ctx.Err() != nil {
		return plugins.Reply{}, ErrClosed
	}
	var w *worker
	select {
	case w = <-p.free:
	case <-ctx.Done():
		return plugins.Reply{}, ctx.Err()
	case <-p.ctx.Done():
		return plugins.Reply{}, ErrClosed
	}
	defer func() { p.free <- w }()
	var last error
	for range 2 {
		if w.proc != nil && !w.proc.Alive() { // died while nobody used it: costs nothing
			w.kill()
		}
		if w.proc == nil {
			if err := p.start(ctx, w); err != nil {
				w.kill()
				return plugins.Reply{}, err
			}
		}
		r, err := f(w)
		if !errors.Is(err, child.ErrDied) {
			return r, err
		}
		w.kill()
		last = err
		p.cfg.Log.Warn("worker died", "error", err)
	}
	return plugins.Reply{}, fmt.Errorf("%w: %w", ErrCrashed, last)
}

// start starts a process and tells it the settings.
func (p *Pool) start(ctx context.Context, w *worker) error {
	proc, err := child.Start(ctx, child.Config{
		Command:    p.cfg.Command,
		Env:        append(passed(), fmt.Sprintf("GOMEMLIMIT=%d", p.cfg.Memory)),
		Name:       "worker",
		MaxMessage: maxMessage,
		Link:       true,
		Log:        p.cfg.Log,
	})
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	w.proc = proc
	set := settings{cacheDir: p.cfg.CacheDir, interpreter: p.cfg.Interpreter, limits: p.cfg.Limits, memory: p.cfg.Memory}
	_, err = p.ask(ctx, w, p.cfg.LoadTimeout, methodOpen, set.append(nil))
	return err
}

// passed is what a worker inherits of the environment: where temporary files go.
func passed() (env []string) {
	for _, name := range []string{"TMPDIR", "TMP", "TEMP", "SYSTEMROOT"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// errSlow says that the wall clock ended a request.
var errSlow = errors.New("too slow")

// ask sends one request. A worker that has not answered when the time is up, or
// when the context or the pool ends, is killed: it cannot be interrupted.
func (p *Pool) ask(ctx context.Context, w *worker, limit time.Duration, method string, body []byte) (plugins.Reply, error) {
	ask, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	stop := context.AfterFunc(p.ctx, cancel)
	defer stop()
	out, err := w.proc.Call(ask, method, body)
	if err == nil {
		a, err := decodeAnswer(out)
		if err != nil {
			w.kill()
			return plugins.Reply{}, fmt.Errorf("worker: answer: %w", err)
		}
		return a.result()
	}
	if errors.Is(err, child.ErrDied) && ask.Err() == nil {
		return plugins.Reply{}, err
	}
	w.kill()
	switch {
	case p.ctx.Err() != nil:
		return plugins.Reply{}, ErrClosed
	case ctx.Err() != nil:
		return plugins.Reply{}, ctx.Err()
	case ask.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		return plugins.Reply{}, errSlow
	}
	return plugins.Reply{}, fmt.Errorf("worker: %w", err)
}

// remote is a module that workers run.
type remote struct {
	pool     *Pool
	id       plugins.ID
	manifest abi.Manifest
	module   []byte
}

func (m *remote) ID() plugins.ID         { return m.id }
func (m *remote) Manifest() abi.Manifest { return m.manifest }

// Call runs one operation in a worker.
func (m *remote) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	if !m.manifest.Has(op) {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: %w", m.id, op, plugins.ErrNoOp)
	}
	if len(input) > abi.MaxMessage {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: input of %d bytes, over the limit of %d", m.id, op, len(input), abi.MaxMessage)
	}
	r, err := m.pool.try(ctx, func(w *worker) (plugins.Reply, error) {
		body := request{id: m.id, op: op, seed: seed, input: input}.append(w.buf[:0])
		if cap(body) <= keepBuffer {
			w.buf = body
		}
		r, err := m.pool.ask(ctx, w, m.pool.cfg.Timeout, methodCall, body)
		if errors.Is(err, errAbsent) { // a fresh process
			if r, err := m.load(ctx, w); err != nil {
				return r, err
			}
			r, err = m.pool.ask(ctx, w, m.pool.cfg.Timeout, methodCall, body)
		}
		if errors.Is(err, errSlow) {
			err = &plugins.Fault{Kind: plugins.ErrDeadline, ID: m.id, Op: op, Detail: "after " + m.pool.cfg.Timeout.String()}
		}
		return r, err
	})
	if err != nil && !plugins.IsGuest(err) {
		err = fmt.Errorf("module %s: %s: %w", m.id, op, err)
	}
	return r, err
}

func (m *remote) load(ctx context.Context, w *worker) (plugins.Reply, error) {
	r, err := m.pool.ask(ctx, w, m.pool.cfg.LoadTimeout, methodLoad, m.module)
	if errors.Is(err, errSlow) {
		err = &plugins.Fault{Kind: plugins.ErrDeadline, ID: m.id, Detail: "compiling took more than " + m.pool.cfg.LoadTimeout.String()}
	}
	return r, err
}

var _ plugins.Caller = (*remote)(nil)
