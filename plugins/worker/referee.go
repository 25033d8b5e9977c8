package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// refereeTime bounds one repetition in the interpreter, and loading a module for
// it: as much fuel takes up to sixty times as long there.
const refereeTime = 30 * time.Minute

// refereeRest is how many times as long as a repetition took the referee then
// rests, so that it takes a tenth of a processor at most.
const refereeRest = 9

// Difference is a call whose outcome in the interpreter, the referee, was not
// what compiled code had given. One of the two engines is wrong: what this
// machine scores with this module cannot be relied on until it is explained.
type Difference struct {
	Module   plugins.ID
	Op       abi.Op
	Input    []byte
	Seed     [32]byte
	Compiled string // outcome: reply or fault, fuel, log
	Referee  string
}

// sample is a call that the referee is to repeat.
type sample struct {
	m     *remote
	op    abi.Op
	input []byte
	seed  [32]byte
	want  string
}

// referee repeats calls. Its goroutine is run by the pool.
type referee struct {
	pool    *Pool // interprets
	samples chan sample
	loaded  map[plugins.ID]plugins.Caller // owned by run
}

func newReferee(cfg Config) (*referee, error) {
	own := cfg
	own.Workers, own.Interpreter, own.Referee, own.Inline = 1, true, 0, 0
	own.Timeout, own.LoadTimeout = refereeTime, refereeTime
	own.Total, own.Each = Budget{}, Budget{}
	pool, err := Open(own)
	if err != nil {
		return nil, err
	}
	return &referee{pool: pool, samples: make(chan sample, 1), loaded: map[plugins.ID]plugins.Caller{}}, nil
}

// flatten is all that a call shows.
func flatten(r plugins.Reply, err error) string {
	var f *plugins.Fault
	if errors.As(err, &f) {
		return fmt.Sprintf("%v, status %d, detail %q, fuel %d, log %x", f.Kind, f.Status, f.Detail, f.Fuel, plugins.Digest(f.Log))
	}
	return fmt.Sprintf("reply %x, fuel %d, log %x", plugins.Digest(r.Body), r.Fuel, plugins.Digest(r.Log))
}

// sampled hands every n-th call of a module to the referee, if it is free.
func (p *Pool) sampled(m *remote, op abi.Op, input []byte, seed [32]byte, r plugins.Reply, err error) {
	if p.ref == nil || err != nil && (!plugins.IsGuest(err) || errors.Is(err, plugins.ErrDeadline)) {
		return
	}
	if m.calls.Add(1)%uint64(p.cfg.Referee) != 0 {
		return
	}
	select {
	case p.ref.samples <- sample{m: m, op: op, input: bytes.Clone(input), seed: seed, want: flatten(r, err)}:
	default:
		p.count.count(&p.count.skipped)
	}
}

// run repeats samples until the context ends.
func (f *referee) run(ctx context.Context, p *Pool) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-f.samples:
			start := time.Now()
			f.repeat(ctx, p, s)
			select {
			case <-ctx.Done():
				return
			case <-time.After(min(refereeRest*time.Since(start), refereeTime)):
			}
		}
	}
}

func (f *referee) repeat(ctx context.Context, p *Pool, s sample) {
	m := f.loaded[s.m.id]
	if m == nil {
		var err error
		if m, err = f.pool.LoadLimited(ctx, s.m.module, s.m.limits); err != nil {
			if ctx.Err() == nil {
				p.cfg.Log.Warn("referee could not load a module", "module", s.m.id.String(), "error", err)
			}
			return
		}
		if len(f.loaded) == maxLoaded {
			clear(f.loaded)
		}
		f.loaded[s.m.id] = m
	}
	r, err := m.Call(ctx, s.op, s.input, s.seed)
	if err != nil && (!plugins.IsGuest(err) || errors.Is(err, plugins.ErrDeadline)) {
		if ctx.Err() == nil {
			p.cfg.Log.Warn("referee could not repeat a call", "module", s.m.id.String(), "op", s.op.String(), "error", err)
		}
		return
	}
	got := flatten(r, err)
	p.count.op(s.m.id, s.op, func(o *OpStats) {
		o.Sampled++
		if got != s.want {
			o.Differed++
		}
	})
	if got == s.want {
		return
	}
	p.cfg.Log.Error("compiled code and interpreter differ: do not trust this machine's scores of this module",
		"module", s.m.id.String(), "op", s.op.String(), "seed", fmt.Sprintf("%x", s.seed), "compiled", s.want, "interpreter", got)
	if p.cfg.Alarm != nil {
		p.cfg.Alarm(Difference{Module: s.m.id, Op: s.op, Input: s.input, Seed: s.seed, Compiled: s.want, Referee: got})
	}
}
