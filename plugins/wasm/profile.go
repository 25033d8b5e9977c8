package wasm

import (
	"context"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// Profile says where the fuel and the time of calls went. The fuel is exact: what
// a function used is what the counter lost between its begin and its end, less what
// the functions that it called used, so that the samples of a call add up to the
// call's own fuel. The time includes the profiler's, which is much for functions
// that do little.
type Profile struct {
	Samples []Sample
}

// Sample is what was used at one stack of calls.
type Sample struct {
	// Stack names the functions, the one that used it first. The last is the
	// operation, or "start" for what a module does before its first call, which is
	// part of each call's fuel.
	Stack []string
	Calls uint64
	Fuel  uint64        // without what was called from there
	Time  time.Duration // likewise
}

// node is a place in the tree of calls.
type node struct {
	name     string
	parent   *node
	children map[uint32]*node // by the function's number; host functions apart, from hostNumbers on
	order    []*node
	calls    uint64
	fuel     int64
	time     time.Duration
}

// hostNumbers begins the numbers of host functions in a tree.
const hostNumbers = 1 << 31

func newNode(name string, parent *node) *node {
	return &node{name: name, parent: parent, children: map[uint32]*node{}}
}

// visit is a call that has not ended.
type visit struct {
	fuel  int64 // when it began
	at    time.Time
	below int64 // used by what it called
	slow  time.Duration
}

// recorder listens to the calls of one instance, one after another.
type recorder struct {
	names  map[uint32]string
	roots  []*node
	cur    *node
	open   []visit
	fuel   api.Global
	holder api.Module
}

func (r *recorder) root(name string) {
	r.cur, r.open = newNode(name, nil), nil
	r.roots = append(r.roots, r.cur)
}

func (r *recorder) left(mod api.Module) int64 {
	if r.fuel == nil || mod != r.holder && mod.ExportedGlobal(meter.ExportFuel) != nil {
		r.fuel, r.holder = mod.ExportedGlobal(meter.ExportFuel), mod
	}
	return int64(r.fuel.Get())
}

// NewFunctionListener has all functions listened to.
func (r *recorder) NewFunctionListener(api.FunctionDefinition) experimental.FunctionListener {
	return r
}

// Before notes that a function begins.
func (r *recorder) Before(_ context.Context, mod api.Module, def api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	number, name := def.Index(), ""
	if def.GoFunction() != nil {
		number, name = number|hostNumbers, def.ModuleName()+"."+def.Name()
	} else if name = r.names[number]; name == "" {
		name = fmt.Sprintf("function %d", number)
	}
	next := r.cur.children[number]
	if next == nil {
		next = newNode(name, r.cur)
		r.cur.children[number] = next
		r.cur.order = append(r.cur.order, next)
	}
	next.calls++
	r.cur = next
	r.open = append(r.open, visit{fuel: r.left(mod), at: time.Now()})
}

// After notes that it ended.
func (r *recorder) After(_ context.Context, mod api.Module, _ api.FunctionDefinition, _ []uint64) {
	r.end(mod)
}

// Abort notes that it ended in a trap.
func (r *recorder) Abort(_ context.Context, mod api.Module, _ api.FunctionDefinition, _ error) {
	r.end(mod)
}

func (r *recorder) end(mod api.Module) {
	if len(r.open) == 0 {
		return
	}
	v := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	used, took := v.fuel-r.left(mod), time.Since(v.at)
	r.cur.fuel += used - v.below
	r.cur.time += took - v.slow
	if n := len(r.open); n > 0 {
		r.open[n-1].below += used
		r.open[n-1].slow += took
	}
	r.cur = r.cur.parent
}

func (n *node) samples(to []Sample) []Sample {
	if n.calls > 0 {
		s := Sample{Calls: n.calls, Fuel: uint64(max(n.fuel, 0)), Time: max(n.time, 0)}
		for at := n; at != nil; at = at.parent {
			s.Stack = append(s.Stack, at.name)
		}
		to = append(to, s)
	}
	for _, c := range n.order {
		to = c.samples(to)
	}
	return to
}

// Request is one call to be profiled.
type Request struct {
	Op    abi.Op
	Input []byte
	Seed  [32]byte
}

// Profile makes the calls and says where their fuel went. Functions are named
// after the module's name section where there is one; see plugins.BuildNamed.
// A call that fails ends it, and what was found so far is returned with the error.
func (e *Engine) Profile(ctx context.Context, module []byte, calls []Request) (*Profile, []plugins.Reply, error) {
	outline, err := meter.Inspect(module)
	if err != nil {
		return nil, nil, &plugins.Fault{Kind: plugins.ErrABI, ID: plugins.Digest(module), Detail: clip(err.Error())}
	}
	r := &recorder{names: map[uint32]string{}}
	for _, f := range outline.Functions {
		r.names[uint32(f.Index)] = f.Name
	}
	// Code that tells of its calls is other code, and is not kept.
	own := *e
	own.cfg.CacheDir = ""
	m, err := own.Load(experimental.WithFunctionListenerFactory(ctx, r), module)
	if err != nil {
		return nil, nil, err
	}
	defer m.Close(context.WithoutCancel(ctx))
	r.root("start")
	p := &Profile{}
	collect := func() *Profile {
		for _, root := range r.roots {
			p.Samples = root.samples(p.Samples)
		}
		return p
	}
	if err := m.prepare(); err != nil {
		return collect(), nil, err
	}
	var replies []plugins.Reply
	for _, c := range calls {
		r.root(c.Op.String())
		reply, err := m.Call(ctx, c.Op, c.Input, c.Seed)
		if err != nil {
			return collect(), replies, err
		}
		replies = append(replies, reply)
	}
	return collect(), replies, nil
}
