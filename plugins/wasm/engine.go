package wasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// Limits bound every call.
type Limits = plugins.Limits

// MeterVersion is plugins.MeterVersion.
const MeterVersion = plugins.MeterVersion

// Config says how modules are run.
type Config struct {
	// CacheDir keeps compiled code for all processes of one user; it is made with
	// mode 0700. Empty: nothing is kept and each process compiles for itself
	// (about a second for a Go guest). The interpreter does not use it.
	CacheDir string
	// Interpreter selects wazero's interpreter, the referee. Zero: the compiler.
	Interpreter bool
	// Limits bound every call. Zero: plugins.DefaultLimits.
	Limits Limits
	// Idle is how many instances of a module are kept ready between calls; each
	// takes little memory until it is used. Zero: one per processor.
	Idle int
	// Log receives how long compilation took, and damage found in the cache.
	// Nil: nothing is logged.
	Log *slog.Logger
}

// Engine loads modules. It may be used by many goroutines and holds nothing that
// needs closing; each Module does.
type Engine struct {
	cfg Config
	log *slog.Logger
}

// NewEngine checks the configuration and makes the cache folder.
func NewEngine(cfg Config) (*Engine, error) {
	if cfg.Limits == (Limits{}) {
		cfg.Limits = plugins.DefaultLimits()
	}
	if err := cfg.Limits.Validate(); err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	if cfg.Idle <= 0 {
		cfg.Idle = runtime.GOMAXPROCS(0)
	}
	e := &Engine{cfg: cfg, log: cfg.Log}
	if e.log == nil {
		e.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if cfg.CacheDir != "" && !cfg.Interpreter {
		dir, err := filepath.Abs(cfg.CacheDir)
		if err == nil {
			err = os.MkdirAll(dir, 0o700)
		}
		if err != nil {
			return nil, fmt.Errorf("wasm: open cache: %w", err)
		}
		e.cfg.CacheDir = dir
	}
	return e, nil
}

// Module is a compiled module and the host functions it calls. It is a
// plugins.Caller.
type Module struct {
	id       plugins.ID
	manifest abi.Manifest
	fuel     uint64
	logMax   int
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule
	pages    uint32 // what its memory may grow to
	started  bool   // the module has a start function
	inits    bool   // the module exports _initialize

	idle chan *instance // in their first state

	mu     sync.Mutex // guards the two below until one of them is set
	snap   *snapshot
	failed *plugins.Fault // why it does not start
}

// Load gates, meters and compiles a module, or takes the compiled code from the
// cache: many processes that load one module at once compile it once, the others
// wait. A refusal is a *plugins.Fault of kind ErrABI, ErrManifest or ErrMemory.
func (e *Engine) Load(ctx context.Context, module []byte) (*Module, error) {
	return e.LoadLimited(ctx, module, e.cfg.Limits)
}

// LoadLimited is Load with limits of the module's own; the engine's hold besides.
func (e *Engine) LoadLimited(ctx context.Context, module []byte, lim Limits) (*Module, error) {
	if err := lim.Validate(); err != nil {
		return nil, fmt.Errorf("wasm: %w", err)
	}
	lim = lim.Within(e.cfg.Limits)
	manifest, err := plugins.ReadManifest(module)
	if err != nil {
		return nil, err
	}
	m := &Module{
		id:       plugins.Digest(module),
		manifest: manifest,
		fuel:     min(manifest.Fuel, lim.Fuel),
		logMax:   lim.Log,
	}
	if !manifest.Can(abi.CapLog) {
		m.logMax = 0
	}
	m.idle = make(chan *instance, e.cfg.Idle)
	lim.Pages = uint32(min(manifest.Pages, uint64(lim.Pages)))
	m.pages = lim.Pages
	if err := e.compile(ctx, m, module); err != nil {
		return nil, err
	}
	exports := m.compiled.ExportedFunctions()
	_, m.started = exports[meter.ExportStart]
	_, m.inits = exports[abi.ExportInit]
	return m, nil
}

// open makes the runtime of one module and compiles it there. Each module has a
// runtime of its own, so that closing it frees its code and no other's.
func (e *Engine) open(ctx context.Context, m *Module, metered []byte, cacheDir string) (err error) {
	cfg := wazero.NewRuntimeConfigCompiler()
	if e.cfg.Interpreter {
		cfg = wazero.NewRuntimeConfigInterpreter()
	}
	cfg = cfg.WithCoreFeatures(features).WithMemoryLimitPages(m.pages).WithDebugInfoEnabled(false)
	if cacheDir != "" {
		if m.cache, err = wazero.NewCompilationCacheWithDir(cacheDir); err != nil {
			return fmt.Errorf("wasm: open cache: %w", err)
		}
		cfg = cfg.WithCompilationCache(m.cache)
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, cfg)
	defer func() {
		if err != nil {
			m.Close(context.WithoutCancel(ctx))
			m.runtime, m.cache, m.compiled = nil, nil, nil
		}
	}()
	if err := instantiateWASI(ctx, m.runtime); err != nil {
		return fmt.Errorf("wasm: host functions: %w", err)
	}
	if m.compiled, err = m.runtime.CompileModule(ctx, metered); err != nil {
		return &plugins.Fault{Kind: plugins.ErrABI, ID: m.id, Detail: clip("engine: " + err.Error())}
	}
	return nil
}

// features is WebAssembly 2.0 without vectors.
const features = api.CoreFeaturesV2 &^ api.CoreFeatureSIMD

// Close frees the module's code. No call may be running.
func (m *Module) Close(ctx context.Context) error {
	var err error
	for len(m.idle) > 0 {
		(<-m.idle).close()
	}
	if m.snap != nil && m.snap.img != nil {
		err = m.snap.img.close()
		m.snap.img = nil
	}
	if m.runtime != nil {
		err = errors.Join(err, m.runtime.Close(ctx))
	}
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	return err
}

// take returns an instance in its first state.
func (m *Module) take() (*instance, error) {
	if err := m.prepare(); err != nil {
		return nil, err
	}
	select {
	case in := <-m.idle:
		return in, nil
	default:
	}
	in, err := m.begin()
	if err != nil {
		return nil, err
	}
	if m.snap.img == nil {
		err = in.initialise()
	} else {
		err = in.follow(m.snap)
	}
	if err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// prepare starts the module when it never was and keeps what it became. Trouble
// of our own is not kept: the next call tries again.
func (m *Module) prepare() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed != nil {
		return m.failed
	}
	if m.snap != nil {
		return nil
	}
	in, err := m.begin()
	if err == nil {
		if err = in.initialise(); err == nil {
			m.snap, err = in.keep()
		}
		if err == nil && m.snap.img != nil {
			in.restore(m.snap)
			m.idle <- in
			return nil
		}
		in.close()
	}
	errors.As(err, &m.failed)
	return err
}

// give takes an instance back after a call that left it usable.
func (m *Module) give(in *instance) {
	if m.snap.img != nil && in.rewind(m.snap) {
		select {
		case m.idle <- in:
			return
		default:
		}
	}
	in.close()
}

// ID returns the module's name.
func (m *Module) ID() plugins.ID { return m.id }

// Manifest returns what the module says of itself.
func (m *Module) Manifest() abi.Manifest { return m.manifest }

var _ plugins.Caller = (*Module)(nil)
