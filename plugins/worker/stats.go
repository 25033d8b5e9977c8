package worker

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// OpStats counts the calls of one operation of one module since the pool was
// opened.
type OpStats struct {
	Module   plugins.ID
	Op       abi.Op
	Calls    uint64        // all that got as far as running
	Inline   uint64        // of them, those that ended in this process
	Faults   uint64        // of them, those that ended by the module's fault
	OutOf    uint64        // of these, those that ran out of fuel or time
	Errors   uint64        // of the calls, those that failed without its fault
	Fuel     uint64        // used by all
	Time     time.Duration // used by all, without waiting
	Longest  time.Duration // of one call
	Waited   time.Duration // for a worker, by all
	Sampled  uint64        // calls repeated by the referee
	Differed uint64        // of them, those whose outcome was another
}

// Stats is a snapshot of a pool.
type Stats struct {
	Ops     []OpStats // by module and operation
	Workers int       // places for processes
	Running int       // calls that hold one
	Waiting int       // calls that wait for one
	Started uint64    // processes started
	Died    uint64    // of them, those that ended in a call without having been told to
	Skipped uint64    // calls due for the referee while it was busy
}

type opKey struct {
	id plugins.ID
	op abi.Op
}

// counters keeps the counters.
type counters struct {
	mu                     sync.Mutex
	ops                    map[opKey]*OpStats
	started, died, skipped uint64
}

func (c *counters) op(id plugins.ID, op abi.Op, f func(*OpStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := opKey{id, op}
	s := c.ops[k]
	if s == nil {
		s = &OpStats{Module: id, Op: op}
		c.ops[k] = s
	}
	f(s)
}

func (c *counters) count(n *uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// call notes the end of a call.
func (c *counters) call(id plugins.ID, op abi.Op, inline bool, waited, took time.Duration, r plugins.Reply, err error) {
	c.op(id, op, func(s *OpStats) {
		s.Calls++
		if inline {
			s.Inline++
		}
		s.Waited += waited
		s.Time += took
		s.Longest = max(s.Longest, took)
		s.Fuel += fuelOf(r, err)
		switch {
		case plugins.IsGuest(err):
			s.Faults++
			if errors.Is(err, plugins.ErrFuel) || errors.Is(err, plugins.ErrDeadline) {
				s.OutOf++
			}
		case err != nil:
			s.Errors++
		}
	})
}

// fuelOf returns what a call used, whichever way it ended.
func fuelOf(r plugins.Reply, err error) uint64 {
	var f *plugins.Fault
	if errors.As(err, &f) {
		return f.Fuel
	}
	return r.Fuel
}

// Stats returns the counters as they stand.
func (p *Pool) Stats() Stats {
	s := Stats{Workers: p.cfg.Workers}
	p.queue.mu.Lock()
	s.Running = p.queue.total.running
	for _, l := range p.queue.lines {
		s.Waiting += len(l.claims)
	}
	p.queue.mu.Unlock()
	p.count.mu.Lock()
	defer p.count.mu.Unlock()
	s.Started, s.Died, s.Skipped = p.count.started, p.count.died, p.count.skipped
	for _, o := range p.count.ops {
		s.Ops = append(s.Ops, *o)
	}
	slices.SortFunc(s.Ops, func(a, b OpStats) int {
		return cmp.Or(bytes.Compare(a.Module[:], b.Module[:]), cmp.Compare(a.Op, b.Op))
	})
	return s
}
