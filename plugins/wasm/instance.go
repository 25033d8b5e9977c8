package wasm

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// instance is a module's instance with all that a call needs of it at hand. One
// goroutine uses it at a time.
type instance struct {
	m       *Module
	mod     api.Module
	lin     linear
	mem     api.Memory
	env     *env
	ctx     context.Context // carries env to the host functions
	globals []api.MutableGlobal
	alloc   api.Function
	call    api.Function
	stack   [3]uint64
}

// snapshot is a module as its start function and _initialize left it, which is
// how each call finds it. What these did depends on the module alone: their
// random numbers are drawn from its name.
type snapshot struct {
	img     image    // nil for a module that is initialised anew for each call
	globals []uint64 // its mutable globals
	fuel    uint64   // fuel that it took
	clock   uint64
	log     []byte
}

// begin makes an instance in the state that the module's bytes describe.
func (m *Module) begin() (*instance, error) {
	in := &instance{m: m, env: &env{logMax: m.logMax, clock: clockStart}}
	in.env.seed(m.id, "plexus/module-init/v1", [32]byte{})
	in.ctx = context.WithValue(context.Background(), envKey{}, in.env)
	ctx := experimental.WithMemoryAllocator(in.ctx, experimental.MemoryAllocatorFunc(func(_, max uint64) experimental.LinearMemory {
		in.lin = newLinear(min(max, uint64(m.pages)*wasmPage))
		return in.lin
	}))
	mod, err := m.runtime.InstantiateModule(ctx, m.compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		if in.lin != nil {
			in.lin.Free()
		}
		// Segments out of range: nothing of the module has run.
		return nil, &plugins.Fault{Kind: plugins.ErrTrap, ID: m.id, Detail: clip("instantiate: " + reason(err))}
	}
	in.mod, in.mem = mod, mod.Memory()
	in.env.attach(mod)
	in.alloc, in.call = mod.ExportedFunction(abi.ExportAlloc), mod.ExportedFunction(abi.ExportCall)
	for i := 0; ; i++ {
		g, ok := mod.ExportedGlobal(meter.ExportGlobal + strconv.Itoa(i)).(api.MutableGlobal)
		if !ok {
			return in, nil
		}
		in.globals = append(in.globals, g)
	}
}

// initialise runs the module's start function and _initialize.
func (in *instance) initialise() error {
	in.env.fuel.Set(in.m.fuel)
	for _, f := range []struct {
		name string
		has  bool
	}{{meter.ExportStart, in.m.started}, {abi.ExportInit, in.m.inits}} {
		if !f.has {
			continue
		}
		if _, err := in.enter(f.name, in.mod.ExportedFunction(f.name)); err != nil {
			return err
		}
	}
	return nil
}

// close frees the instance.
func (in *instance) close() { in.mod.Close(in.ctx) }

// keep makes the instance's state the module's snapshot and lets the instance go on from
// it.
func (in *instance) keep() (*snapshot, error) {
	s := &snapshot{fuel: in.used(), clock: in.env.clock, log: in.env.log}
	if in.mod.ExportedGlobal(meter.ExportFresh) != nil {
		return s, nil
	}
	content, ok := in.mem.Read(0, in.mem.Size())
	if !ok {
		return nil, errors.New("wasm: memory is not readable")
	}
	img, err := newImage(in.lin, content)
	if err != nil {
		return nil, err
	}
	s.img = img
	for _, g := range in.globals {
		s.globals = append(s.globals, g.Get())
	}
	if err := in.lin.adopt(img); err != nil {
		_ = img.close()
		return nil, err
	}
	return s, nil
}

// follow puts a new instance into the state of the module's snapshot.
func (in *instance) follow(s *snapshot) error {
	if more := s.img.size() - uint64(in.mem.Size()); more > 0 {
		if _, ok := in.mem.Grow(uint32(more / wasmPage)); !ok {
			return fmt.Errorf("wasm: no memory for an instance of %d bytes", s.img.size())
		}
	}
	if err := in.lin.adopt(s.img); err != nil {
		return err
	}
	in.restore(s)
	return nil
}

// rewind puts an instance back that has served a call. It reports false when the
// instance must not be used again.
func (in *instance) rewind(s *snapshot) bool {
	if in.lin.rewind() != nil {
		return false
	}
	if uint64(in.mem.Size()) != s.img.size() {
		in.lin.settle()
		// A memory at its bound cannot be asked to grow, and so not to shrink.
		if _, ok := in.mem.Grow(1); !ok || uint64(in.mem.Size()) != s.img.size() {
			return false
		}
	}
	in.restore(s)
	return true
}

func (in *instance) restore(s *snapshot) {
	for i, g := range in.globals {
		g.Set(s.globals[i])
	}
	in.env.fullGlobal.Set(0)
}

// used returns the fuel spent, at most the bound.
func (in *instance) used() uint64 {
	left := in.env.fuelLeft()
	if left < 0 {
		return in.m.fuel
	}
	return in.m.fuel - uint64(left)
}

func (in *instance) fault(kind error, format string, args ...any) *plugins.Fault {
	return &plugins.Fault{Kind: kind, ID: in.m.id, Detail: clip(fmt.Sprintf(format, args...)), Fuel: in.used(), Log: in.env.log}
}

// enter calls an export and sorts what went wrong. Only the lower half of an i32
// result means anything.
func (in *instance) enter(name string, f api.Function, args ...uint64) (uint64, error) {
	in.env.resetDepth()
	copy(in.stack[:], args)
	err := f.CallWithStack(in.ctx, in.stack[:])
	switch {
	case in.env.fuelLeft() < 0:
		return 0, in.fault(plugins.ErrFuel, "%s: bound of %d", name, in.m.fuel)
	case err == nil:
		return in.stack[0], nil
	case in.env.depthLeft() < 0:
		return 0, in.fault(plugins.ErrTrap, "%s: more than %d calls inside each other", name, meter.MaxDepth)
	case in.env.full():
		return 0, in.fault(plugins.ErrMemory, "%s: memory could not grow further: %s", name, reason(err))
	}
	return 0, in.fault(plugins.ErrTrap, "%s: %s", name, reason(err))
}
