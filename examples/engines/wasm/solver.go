package wasm

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

const (
	// MaxData is how much of the data file a module is given, in bytes.
	MaxData = 256 << 10
	// MaxParam bounds the parameter, in bytes.
	MaxParam = 4 << 10

	maxLine = 4 << 10 // bytes looked through for the beginning of a line
)

// ErrNoSolver is returned for a module that does not answer tasks.
var ErrNoSolver = errors.New("module has no operation solve: it is no solver")

// Config says which module answers and with what.
type Config struct {
	Module string // file of the solver module
	Param  string // of at most MaxParam bytes, the module's to understand
	Data   string // file that is read for each task; empty for none
	Cache  string // folder of compiled modules, shared with others; empty for none
	Fuel   uint64 // bound of one answer; 0 for plugins.DefaultLimits
	Log    *slog.Logger
}

// Solver is a solver module, compiled and ready. It may be used by many
// goroutines.
type Solver struct {
	cfg    Config
	module *wasm.Module
}

// Open reads and compiles a module, or takes the compiled code from the cache.
func Open(ctx context.Context, c Config) (*Solver, error) {
	if len(c.Param) > MaxParam {
		return nil, fmt.Errorf("--param has %d bytes, want at most %d", len(c.Param), MaxParam)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	code, err := readModule(c.Module)
	if err != nil {
		return nil, err
	}
	man, err := plugins.ReadManifest(code)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Module, err)
	}
	if !man.Has(abi.OpSolve) {
		return nil, fmt.Errorf("%s: %w", c.Module, ErrNoSolver)
	}
	limits := plugins.DefaultLimits()
	if c.Fuel != 0 {
		limits.Fuel = c.Fuel
	}
	// One instance is kept: answers are worked on one after the other.
	engine, err := wasm.NewEngine(wasm.Config{CacheDir: c.Cache, Limits: limits, Idle: 1, Log: c.Log})
	if err != nil {
		return nil, err
	}
	m, err := engine.Load(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Module, err)
	}
	if c.Data != "" {
		if _, err := os.Stat(c.Data); err != nil {
			c.Log.Warn("no data yet: the module is given none until the file appears", "err", err)
		}
	}
	return &Solver{cfg: c, module: m}, nil
}

func readModule(name string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("no module: --module FILE names the solver module")
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("solver module: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > plugins.MaxModule {
		return nil, fmt.Errorf("solver module %s: want a file of at most %d bytes; 'plexus plugin build DIR' makes one from its sources", name, plugins.MaxModule)
	}
	return os.ReadFile(name)
}

// Answer asks the module for its answer to the public part of a task. The context
// is looked at before the module runs, not while it does.
func (s *Solver) Answer(ctx context.Context, public []byte) ([]byte, error) {
	r := abi.SolveRequest{Params: []byte(s.cfg.Param), Public: public}
	if s.cfg.Data != "" {
		data, err := tail(s.cfg.Data, MaxData)
		if err != nil {
			return nil, err
		}
		r.Params = append(append(r.Params, '\n'), data...)
	}
	_, _ = rand.Read(r.Seed[:]) // never fails
	reply, err := s.module.Call(ctx, abi.OpSolve, r.Append(nil), r.Seed)
	if err != nil {
		return nil, err
	}
	if len(reply.Log) > 0 {
		s.cfg.Log.Info("solver", "says", string(bytes.ToValidUTF8(reply.Log, []byte("?"))))
	}
	if most := s.module.Manifest().Answer; uint64(len(reply.Body)) > most {
		return nil, fmt.Errorf("the module answered %d bytes, its manifest allows %d", len(reply.Body), most)
	}
	return reply.Body, nil
}

// Close frees the module's code. No answer may be under way.
func (s *Solver) Close() { _ = s.module.Close(context.Background()) }

// tail reads a file, or of one longer than most its end. An end that falls into
// the middle of a line of ordinary length begins with the next one. A file that is
// not there is empty.
func tail(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("data: %s is no file", name)
	}
	// One byte more tells whether the end begins with a line.
	from := max(0, info.Size()-most-1)
	b := make([]byte, min(info.Size()-from, most+1))
	n, err := f.ReadAt(b, from)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("data: %w", err)
	}
	if b = b[:n]; int64(n) <= most {
		return b, nil
	}
	if i := bytes.IndexByte(b[:min(len(b), maxLine)], '\n'); i >= 0 {
		return b[i+1:], nil
	}
	return b[1:], nil
}
