package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/plexus-network/plexus/plugins/internal/child"
)

const (
	firstDelay = 100 * time.Millisecond
	lastDelay  = 30 * time.Second
	settled    = 10 * time.Second // a model that lived this long or answered is restarted at once
)

// supervise owns the running model from p on: it waits for the end of each one
// and starts the next, at once after a model that worked, and otherwise after a
// delay that doubles from firstDelay to lastDelay.
func (e *Engine) supervise(p *child.Process) {
	var delay time.Duration
	for {
		if p != nil {
			born := time.Now()
			e.watch(p)
			p.Kill()
			e.down(p.End())
			if time.Since(born) > settled || e.useful.Load() {
				delay = 0
			}
		}
		select {
		case <-time.After(delay):
		case <-e.ctx.Done():
			return
		}
		delay = min(max(2*delay, firstDelay), lastDelay)
		var err error
		if p, err = child.Start(e.ctx, e.child); err != nil {
			if e.ctx.Err() != nil {
				return
			}
			p = nil
			e.down(err)
			e.config.Log.Warn("engine cannot be restarted", "engine", e.child.Name, "next_try_in", delay, "error", err)
			continue
		}
		e.up(p)
		e.config.Log.Warn("engine restarted", "engine", e.child.Name, "pid", p.PID(), "error", e.Health().LastErr)
	}
}

// watch returns when a model has ended, or is to be ended: with the engine, or
// because it does not say that it is well although it works on nothing.
func (e *Engine) watch(p *child.Process) {
	tick := time.NewTicker(e.config.Probe)
	defer tick.Stop()
	for {
		select {
		case <-p.Done():
			return
		case <-e.ctx.Done():
			return
		case <-tick.C:
		}
		begun, idle := e.busy()
		if !idle {
			continue
		}
		ctx, cancel := context.WithTimeout(e.ctx, e.config.Probe)
		err := p.Probe(ctx)
		cancel()
		// A task that came meanwhile may have kept it from saying so; that has a
		// bound of its own.
		if now, idle := e.busy(); err == nil || now != begun || !idle {
			continue
		}
		if e.ctx.Err() == nil && p.Alive() {
			e.doom(p, fmt.Errorf("%w: asked whether it is well: %w", ErrHung, err))
			return
		}
	}
}

// busy returns how many answers were asked for so far, and whether none is being
// worked on.
func (e *Engine) busy() (begun int, idle bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.begun, len(e.slots) == 0
}

// up publishes the running model.
func (e *Engine) up(p *child.Process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.since.IsZero() {
		e.restarts++
	}
	e.useful.Store(false)
	e.proc, e.since = p, time.Now()
	close(e.changed)
	e.changed = make(chan struct{})
}

// doom notes why a model is about to be killed, if it is still the running one.
func (e *Engine) doom(p *child.Process, why error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc == p {
		e.reason = why
	}
}

// down publishes that there is no model, and why.
func (e *Engine) down(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.reason != nil {
		err = e.reason
	}
	e.proc, e.reason, e.last, e.since = nil, nil, err, time.Now()
}
