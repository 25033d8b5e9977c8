package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/child"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// maxLoaded is how many modules a worker keeps compiled; beyond it the one
// loaded first goes. A Go guest's code takes about 10 MB.
const maxLoaded = 16

// ServeConfig is what the worker's command decides; all else comes from the host.
type ServeConfig struct {
	// Log receives what the engine reports. Nil: standard error, which reaches
	// the host's log.
	Log *slog.Logger
}

// Serve is the whole of the worker's command: it answers its host until the host
// ends it, and then exits the process. It returns an error only when the process
// was not started by a Pool. Nothing may be printed to standard output before.
func Serve(ctx context.Context, cfg ServeConfig) error {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &server{ctx: ctx, log: cfg.Log, modules: map[plugins.ID]*wasm.Module{}}
	return child.Serve(s.handle)
}

// server is a worker's state. The host sends one request at a time; the lock
// holds also if it does not.
type server struct {
	ctx context.Context
	log *slog.Logger

	mu      sync.Mutex
	engine  *wasm.Engine
	modules map[plugins.ID]*wasm.Module
	order   []plugins.ID // keys as loaded
	buf     []byte       // for answers, reused
}

func (s *server) handle(ctx context.Context, method string, body []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch method {
	case methodOpen:
		return answerOf(plugins.Reply{}, s.open(body)).append(nil), nil
	case methodLoad:
		return answerOf(plugins.Reply{}, s.load(ctx, body)).append(nil), nil
	case methodCall:
		// The host asks again only after it has read the answer.
		out := s.call(ctx, body).append(s.buf[:0])
		if cap(out) <= keepBuffer {
			s.buf = out
		}
		return out, nil
	}
	return nil, fmt.Errorf("method %q does not exist", method)
}

func (s *server) open(body []byte) error {
	set, err := decodeSettings(body)
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if s.engine != nil {
		return errors.New("opened twice")
	}
	if err := limitMemory(set.memory); err != nil {
		s.log.Warn("memory of the worker is not bounded by the system", "error", err)
	}
	s.engine, err = wasm.NewEngine(wasm.Config{CacheDir: set.cacheDir, Interpreter: set.interpreter, Limits: set.limits, Log: s.log})
	return err
}

func (s *server) load(ctx context.Context, body []byte) error {
	if s.engine == nil {
		return errors.New("not opened")
	}
	l, err := decodeLoad(body)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if plugins.Digest(l.module) != l.id {
		return errors.New("load: the module is not the one named")
	}
	key := keyOf(l.id, l.limits)
	if s.modules[key] != nil {
		return nil
	}
	m, err := s.engine.LoadLimited(ctx, bytes.Clone(l.module), l.limits)
	if err != nil {
		return err
	}
	if len(s.order) == maxLoaded {
		oldest := s.order[0]
		s.order = s.order[1:]
		err = s.modules[oldest].Close(s.ctx)
		delete(s.modules, oldest)
	}
	s.modules[key] = m
	s.order = append(s.order, key)
	return err
}

func (s *server) call(ctx context.Context, body []byte) answer {
	r, err := decodeRequest(body)
	if err != nil {
		return answerOf(plugins.Reply{}, fmt.Errorf("request: %w", err))
	}
	m := s.modules[r.key]
	if m == nil {
		return answer{outcome: outcomeAbsent}
	}
	return answerOf(m.Call(ctx, r.op, r.input, r.seed))
}
