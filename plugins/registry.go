package plugins

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/plexus-network/plexus/abi"
)

// ErrRegistryClosed is returned for calls after Registry.Close.
var ErrRegistryClosed = errors.New("plugins: registry is closed")

// RegistryConfig says where a registry takes modules from and what runs them.
type RegistryConfig struct {
	Store *Store
	// Load makes a module ready to be called under limits. A Caller that is an
	// io.Closer is closed when its last call has ended.
	Load func(ctx context.Context, module []byte, lim Limits) (Caller, error)
	// Fetch gets a module that the store does not have, from peers. Nil: nobody.
	Fetch func(ctx context.Context, id ID) ([]byte, error)
	// Limits bound every module; a policy can only tighten them. Zero:
	// DefaultLimits.
	Limits Limits
	// Quota is how many bytes the store may hold before modules that are neither
	// running nor pinned go, those unused for longest first. 0: no bound.
	Quota int64
	// Warm is how many modules stay loaded that nobody has called for a while.
	// Zero: 8.
	Warm int
}

// Registry finds the module of each subnet by the operator's policy and the
// chain, and keeps it loaded. The policy may change at any time: calls in flight
// end under the old one. It may be used by many goroutines.
type Registry struct {
	cfg RegistryConfig

	mu     sync.Mutex
	policy Policy
	loaded map[loadKey]*loadedModule
	clock  uint64 // counts uses, for the order in which modules go
	closed bool
}

type loadKey struct {
	id     ID
	limits Limits
}

// loadedModule is a module that is loaded or being loaded.
type loadedModule struct {
	ready   chan struct{} // closed when caller or err is set
	caller  Caller
	err     error
	refs    int // calls in flight and loads waited for
	used    uint64
	retired bool // closed when refs falls to 0
}

// NewRegistry makes a registry under a policy that follows the chain.
func NewRegistry(cfg RegistryConfig) (*Registry, error) {
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	if cfg.Warm <= 0 {
		cfg.Warm = 8
	}
	if err := cfg.Limits.Validate(); err != nil {
		return nil, fmt.Errorf("plugins: registry: %w", err)
	}
	return &Registry{cfg: cfg, loaded: map[loadKey]*loadedModule{}}, nil
}

// Apply puts a policy into force. Modules that it forbids, and those whose limits
// changed, go as soon as no call runs in them; nothing is interrupted.
func (r *Registry) Apply(p Policy) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policy = p
	keep := map[Limits]bool{r.policy.limits(r.cfg.Limits, 0): true}
	for netuid := range p.Subnets {
		keep[p.limits(r.cfg.Limits, netuid)] = true
	}
	for k, m := range r.loaded {
		if p.permits(k.id) != nil || !keep[k.limits] {
			r.retire(k, m)
		}
	}
}

// Open returns the Caller of a subnet's module. chain is the module that the
// chain names, zero where none does. The Caller asks the policy anew for each
// call, and loads the module for the first; Warm does so ahead.
func (r *Registry) Open(ctx context.Context, netuid uint16, chain ID) (Caller, error) {
	id, err := r.choose(netuid, chain)
	if err != nil {
		return nil, err
	}
	m, key, err := r.acquire(ctx, netuid, id)
	if err != nil {
		return nil, err
	}
	defer r.release(key, m)
	return &handle{r: r, netuid: netuid, id: id, manifest: m.caller.Manifest()}, nil
}

// Warm loads a module that a subnet will run from some height on, beside the one
// that it runs, so that the change costs no call anything.
func (r *Registry) Warm(ctx context.Context, netuid uint16, id ID) error {
	_, err := r.Open(ctx, netuid, id)
	return err
}

// choose applies the policy to what the chain says.
func (r *Registry) choose(netuid uint16, chain ID) (ID, error) {
	r.mu.Lock()
	p := r.policy
	r.mu.Unlock()
	c := p.Subnets[netuid]
	id := chain
	switch {
	case c.File != "":
		module, err := readModule(c.File)
		if err != nil {
			return ID{}, fmt.Errorf("netuid %d: module file: %w", netuid, err)
		}
		if id, err = r.cfg.Store.Put(module); err != nil {
			return ID{}, fmt.Errorf("netuid %d: %w", netuid, err)
		}
	case c.Pin != ID{}:
		id = c.Pin
	case chain == ID{}:
		return ID{}, fmt.Errorf("netuid %d: the chain names no module and modules.source none either", netuid)
	}
	if chain != (ID{}) && id != chain {
		return ID{}, fmt.Errorf("netuid %d: %w: the chain runs %s, modules.source says %s; change it to %d=%s to follow the chain",
			netuid, ErrPinned, chain, id, netuid, SourceChain)
	}
	return id, p.permits(id)
}

// readModule reads a file of at most MaxModule bytes.
func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxModule+1))
	if err == nil && len(b) > MaxModule {
		err = fmt.Errorf("%s: over %d bytes", path, MaxModule)
	}
	return b, err
}

// acquire returns a loaded module, which the caller must release.
func (r *Registry) acquire(ctx context.Context, netuid uint16, id ID) (*loadedModule, loadKey, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, loadKey{}, ErrRegistryClosed
	}
	if err := r.policy.permits(id); err != nil {
		r.mu.Unlock()
		return nil, loadKey{}, fmt.Errorf("netuid %d: %w", netuid, err)
	}
	key := loadKey{id, r.policy.limits(r.cfg.Limits, netuid)}
	m := r.loaded[key]
	first := m == nil
	if first {
		m = &loadedModule{ready: make(chan struct{})}
		r.loaded[key] = m
	}
	m.refs++
	r.clock++
	m.used = r.clock
	r.mu.Unlock()
	if first {
		m.caller, m.err = r.load(ctx, key)
		close(m.ready)
	}
	select {
	case <-m.ready:
	case <-ctx.Done():
		r.release(key, m)
		return nil, key, ctx.Err()
	}
	if m.err != nil {
		r.mu.Lock()
		r.retire(key, m) // the next one tries again
		r.mu.Unlock()
		r.release(key, m)
		return nil, key, m.err
	}
	return m, key, nil
}

func (r *Registry) load(ctx context.Context, key loadKey) (Caller, error) {
	b, err := r.cfg.Store.Get(key.id)
	if err != nil && r.cfg.Fetch == nil {
		return nil, err
	}
	if err != nil {
		if b, err = r.cfg.Fetch(ctx, key.id); err != nil {
			return nil, fmt.Errorf("fetch module %s: %w", key.id, err)
		}
		if Digest(b) != key.id {
			return nil, fmt.Errorf("fetch module %s: the bytes are those of %s", key.id, Digest(b))
		}
		if _, err := r.cfg.Store.Put(b); err != nil {
			return nil, err
		}
	}
	if err := r.collect(); err != nil {
		return nil, err
	}
	return r.cfg.Load(ctx, b, key.limits)
}

// collect notes what is in use, for `plexus plugin gc`, and keeps the quota.
func (r *Registry) collect() error {
	active := r.Active()
	if err := r.cfg.Store.noteActive(active); err != nil {
		return err
	}
	if r.cfg.Quota == 0 {
		return nil
	}
	_, err := r.cfg.Store.Collect(active, r.cfg.Quota, false)
	return err
}

// Active returns the modules that are loaded, or tied to a subnet, in rising
// order.
func (r *Registry) Active() []ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []ID
	for k := range r.loaded {
		ids = append(ids, k.id)
	}
	for _, c := range r.policy.Subnets {
		if c.Pin != (ID{}) {
			ids = append(ids, c.Pin)
		}
	}
	slices.SortFunc(ids, compareID)
	return slices.Compact(ids)
}

// retire forgets a module and closes it when its calls have ended. The lock is
// held.
func (r *Registry) retire(key loadKey, m *loadedModule) {
	if r.loaded[key] == m {
		delete(r.loaded, key)
	}
	if !m.retired {
		m.retired = true
		m.closeIdle()
	}
}

func (m *loadedModule) closeIdle() {
	if m.refs > 0 || !m.retired {
		return // while it is being loaded it has a ref, and no caller yet
	}
	if c, ok := m.caller.(io.Closer); ok {
		_ = c.Close() // frees memory; nothing is lost by its failing
	}
}

func (r *Registry) release(key loadKey, m *loadedModule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m.refs--
	m.closeIdle()
	for len(r.loaded) > r.cfg.Warm {
		var oldest loadKey
		var victim *loadedModule
		for k, o := range r.loaded {
			if o.refs == 0 && o != r.loaded[key] && (victim == nil || o.used < victim.used) {
				oldest, victim = k, o
			}
		}
		if victim == nil {
			return
		}
		r.retire(oldest, victim)
	}
}

// Close retires all modules. Calls in flight end; later ones fail.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for k, m := range r.loaded {
		r.retire(k, m)
	}
	return nil
}

// handle is a subnet's module as callers hold it.
type handle struct {
	r        *Registry
	netuid   uint16
	id       ID
	manifest abi.Manifest
}

// ID returns the module's name.
func (h *handle) ID() ID { return h.id }

// Manifest returns what the module says of itself.
func (h *handle) Manifest() abi.Manifest { return h.manifest }

// Call runs one operation under the policy of this moment.
func (h *handle) Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (Reply, error) {
	m, key, err := h.r.acquire(ctx, h.netuid, h.id)
	if err != nil {
		return Reply{}, err
	}
	defer h.r.release(key, m)
	return m.caller.Call(ctx, op, input, seed)
}

var _ Caller = (*handle)(nil)
