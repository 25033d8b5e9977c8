package worker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// remote is a module that workers run, and this process for short calls.
type remote struct {
	pool     *Pool
	id       plugins.ID
	key      plugins.ID // the module under these limits
	manifest abi.Manifest
	module   []byte
	limits   plugins.Limits
	pages    uint64                       // memory that a call may take
	calls    atomic.Uint64                // counted for the referee
	long     [abi.OpMerge + 1]atomic.Bool // the last such call was too long for this process

	mu   sync.RWMutex // held for reading during a call in this process
	here *wasm.Module // nil when there is none
}

// Load has a worker gate and compile the module and returns its Caller. The
// module's own faults are *plugins.Fault, as in plugins/wasm.
func (p *Pool) Load(ctx context.Context, module []byte) (plugins.Caller, error) {
	return p.LoadLimited(ctx, module, p.cfg.Limits)
}

// LoadLimited is Load with limits of the module's own; the pool's hold besides.
// The Caller is an io.Closer when something of it lives in this process: close it
// when no call will follow.
func (p *Pool) LoadLimited(ctx context.Context, module []byte, limits plugins.Limits) (plugins.Caller, error) {
	manifest, err := plugins.ReadManifest(module)
	if err != nil {
		return nil, err
	}
	if err := limits.Validate(); err != nil {
		return nil, err
	}
	m := &remote{pool: p, id: plugins.Digest(module), manifest: manifest, module: module, limits: limits.Within(p.cfg.Limits)}
	m.pages = min(manifest.Pages, uint64(m.limits.Pages))
	m.key = keyOf(m.id, m.limits)
	if _, _, err := p.try(ctx, m.id, 0, func(w *worker) (plugins.Reply, error) { return m.load(ctx, w) }); err != nil {
		return nil, fmt.Errorf("load module %s: %w", m.id, err)
	}
	if p.inline != nil {
		lim := m.limits
		lim.Fuel = min(lim.Fuel, p.cfg.Inline)
		if m.here, err = p.inline.LoadLimited(ctx, module, lim); err != nil {
			return nil, fmt.Errorf("load module %s: %w", m.id, err)
		}
	}
	return m, nil
}

// keyOf names a module under limits.
func keyOf(id plugins.ID, l plugins.Limits) plugins.ID {
	return sha256.Sum256(load{id: id, limits: l}.append(nil))
}

// ID returns the module's name.
func (m *remote) ID() plugins.ID { return m.id }

// Manifest returns what the module says of itself.
func (m *remote) Manifest() abi.Manifest { return m.manifest }

// Close frees what the module takes in this process, once the calls in it have
// ended. Later calls go to workers.
func (m *remote) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	here := m.here
	m.here = nil
	if here == nil {
		return nil
	}
	return here.Close(context.Background())
}

// Call runs one operation, in this process if it is short, else in a worker.
func (m *remote) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, error) {
	if !m.manifest.Has(op) {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: %w", m.id, op, plugins.ErrNoOp)
	}
	if len(input) > abi.MaxMessage {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: input of %d bytes, over the limit of %d", m.id, op, len(input), abi.MaxMessage)
	}
	p := m.pool
	if p.ctx.Err() != nil {
		return plugins.Reply{}, fmt.Errorf("module %s: %s: %w", m.id, op, ErrClosed)
	}
	start := time.Now()
	r, ended, err := m.inline(ctx, op, input, seed)
	var waited time.Duration
	if !ended {
		r, waited, err = m.away(ctx, op, input, seed)
		m.long[op].Store(fuelOf(r, err) > p.cfg.Inline)
	}
	p.count.call(m.id, op, ended, waited, time.Since(start)-waited, r, err)
	p.sampled(m, op, input, seed, r, err)
	if err != nil && !plugins.IsGuest(err) && !ended {
		err = fmt.Errorf("module %s: %s: %w", m.id, op, err)
	}
	return r, err
}

// inline makes the call in this process. ended is false when it has to be made in
// a worker: nobody saw it begin.
func (m *remote) inline(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (r plugins.Reply, ended bool, err error) {
	// A module over its rate waits its turn with the others.
	if m.pool.inline == nil || m.long[op].Load() || !m.pool.queue.affords(m.id) || !m.mu.TryRLock() {
		return r, false, nil
	}
	defer m.mu.RUnlock()
	if m.here == nil {
		return r, false, nil
	}
	r, err = m.here.Call(ctx, op, input, seed)
	fuel := fuelOf(r, err)
	m.pool.queue.spend(m.id, fuel)
	if errors.Is(err, plugins.ErrFuel) && m.pool.cfg.Inline < min(m.manifest.Fuel, m.limits.Fuel) {
		return plugins.Reply{}, false, nil
	}
	return r, true, err
}

// away makes the call in a worker.
func (m *remote) away(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (plugins.Reply, time.Duration, error) {
	p := m.pool
	return p.try(ctx, m.id, m.pages, func(w *worker) (plugins.Reply, error) {
		body := request{key: m.key, op: op, seed: seed, input: input}.append(w.buf[:0])
		if cap(body) <= keepBuffer {
			w.buf = body
		}
		r, err := p.ask(ctx, w, p.cfg.Timeout, methodCall, body)
		if errors.Is(err, errAbsent) { // a fresh process
			if r, err := m.load(ctx, w); err != nil {
				return r, err
			}
			r, err = p.ask(ctx, w, p.cfg.Timeout, methodCall, body)
		}
		if errors.Is(err, errSlow) {
			err = &plugins.Fault{Kind: plugins.ErrDeadline, ID: m.id, Op: op, Detail: "after " + p.cfg.Timeout.String()}
		}
		return r, err
	})
}

func (m *remote) load(ctx context.Context, w *worker) (plugins.Reply, error) {
	body := load{id: m.id, limits: m.limits, module: m.module}.append(nil)
	r, err := m.pool.ask(ctx, w, m.pool.cfg.LoadTimeout, methodLoad, body)
	if errors.Is(err, errSlow) {
		err = &plugins.Fault{Kind: plugins.ErrDeadline, ID: m.id, Detail: "compiling took more than " + m.pool.cfg.LoadTimeout.String()}
	}
	if err == nil {
		w.has[m.id] = true
	}
	return r, err
}

var _ plugins.Caller = (*remote)(nil)
