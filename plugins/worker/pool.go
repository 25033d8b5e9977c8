package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/child"
	"github.com/plexus-network/plexus/plugins/wasm"
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
	// Inline is the fuel that a call may use in this process before it is made
	// again, with its whole fuel, in a worker: short calls are spared the way
	// there. Compiled code holds up this process's garbage collector while it
	// runs, at most some 3 ns a unit. It needs CacheDir, from where this process
	// takes the code that a worker has compiled. Zero: all calls go to workers.
	Inline uint64
	// Total and Each bound what all modules together, and each of them, may use.
	Total, Each Budget
	// Referee has every so-manieth call of a module repeated in the interpreter,
	// in a process and at a tenth of a processor of its own, and the outcomes
	// compared. Zero: none.
	Referee int
	// Alarm is told of outcomes that differ, besides the log. It must not block.
	// Nil: nobody.
	Alarm func(Difference)
	// Log receives what workers print and how they end. Nil: nothing is logged.
	Log *slog.Logger
}

// DefaultInline is fuel for about a millisecond of typical code, twelve of the
// slowest, and less than fifty of divisions down to subnormal numbers.
const DefaultInline = 4e6

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
	if c.Referee < 0 {
		return fmt.Errorf("referee %d: must be 0 or more", c.Referee)
	}
	if c.Inline > 0 && (c.CacheDir == "" || c.Interpreter) {
		return errors.New("inline calls need a cache folder and the compiler")
	}
	if err := errors.Join(c.Total.validate("total"), c.Each.validate("module's")); err != nil {
		return err
	}
	return c.Limits.Validate()
}

// Pool runs modules in workers. It may be used by many goroutines.
type Pool struct {
	cfg    Config
	ctx    context.Context // ends when the pool is closed
	cancel context.CancelFunc
	once   sync.Once
	queue  *queue
	all    []*worker
	inline *wasm.Engine // nil without inline calls
	ref    *referee     // nil without
	wait   sync.WaitGroup
	count  counters
}

// keepBuffer bounds what is kept of memory for messages between calls, in bytes.
const keepBuffer = 4 << 20

// worker is a place for a process. Whoever took it from the queue owns it.
type worker struct {
	proc *child.Process
	has  map[plugins.ID]bool // modules loaded, by key; the queue reads it while idle
	buf  []byte              // for requests, reused
}

func (w *worker) kill() {
	if w.proc != nil {
		w.proc.Kill()
		w.proc = nil
		clear(w.has)
	}
}

// Open makes a pool. No process is started before the first Load.
func Open(cfg Config) (*Pool, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("worker: config: %w", err)
	}
	p := &Pool{cfg: cfg, count: counters{ops: map[opKey]*OpStats{}}}
	for range cfg.Workers {
		p.all = append(p.all, &worker{has: map[plugins.ID]bool{}})
	}
	p.queue = newQueue(append([]*worker(nil), p.all...), cfg.Total, cfg.Each)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if cfg.Inline > 0 {
		lim := cfg.Limits
		lim.Fuel = min(lim.Fuel, cfg.Inline)
		var err error
		if p.inline, err = wasm.NewEngine(wasm.Config{CacheDir: cfg.CacheDir, Limits: lim, Log: cfg.Log}); err != nil {
			return nil, err
		}
	}
	if cfg.Referee > 0 {
		var err error
		if p.ref, err = newReferee(cfg); err != nil {
			return nil, err
		}
		p.wait.Go(func() { p.ref.run(p.ctx, p) })
	}
	return p, nil
}

// Close kills all workers and waits for them; calls that are running end with
// ErrClosed. Modules are to be closed before.
func (p *Pool) Close() error {
	p.once.Do(func() {
		p.cancel()
		p.queue.close()
		for _, w := range p.all {
			p.queue.claim(w).kill()
		}
		if p.ref != nil {
			_ = p.ref.pool.Close()
		}
		p.wait.Wait()
	})
	return nil
}

// try takes a worker and runs f on it, a second time on a fresh process if the
// first died.
func (p *Pool) try(ctx context.Context, id plugins.ID, pages uint64, f func(*worker) (plugins.Reply, error)) (r plugins.Reply, waited time.Duration, err error) {
	if p.ctx.Err() != nil {
		return plugins.Reply{}, 0, ErrClosed
	}
	start := time.Now()
	w, err := p.queue.take(ctx, p.ctx.Done(), id, pages)
	waited = time.Since(start)
	if err != nil {
		return plugins.Reply{}, waited, err
	}
	defer func() { p.queue.give(w, id, pages, fuelOf(r, err)) }()
	var last error
	for range 2 {
		if w.proc != nil && !w.proc.Alive() { // died while nobody used it: costs nothing
			w.kill()
		}
		if w.proc == nil {
			if err := p.start(ctx, w); err != nil {
				w.kill()
				return plugins.Reply{}, waited, err
			}
		}
		r, err := f(w)
		if !errors.Is(err, child.ErrDied) {
			return r, waited, err
		}
		w.kill()
		last = err
		p.count.count(&p.count.died)
		p.cfg.Log.Warn("worker died", "error", err)
	}
	return plugins.Reply{}, waited, fmt.Errorf("%w: %w", ErrCrashed, last)
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
	p.count.count(&p.count.started)
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
