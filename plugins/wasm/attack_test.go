package wasm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

const (
	// refusalTime bounds what the gate takes for a module that it refuses.
	refusalTime = 50 * time.Millisecond
	// attackTime bounds a call that the fuel of these modules, fifty million, ends.
	// With the slowest instructions a unit takes some 3 ns.
	attackTime = time.Second
	// attackMemory bounds what the process may grow by, at its peak.
	attackMemory = 64 << 20
)

func many(b []byte, n int) [][]byte {
	f := make([][]byte, n)
	for i := range f {
		f[i] = b
	}
	return f
}

func nested(op byte, n int) []byte {
	open := []byte{op, 0x40}
	if op == 0x04 {
		open = []byte{0x41, 1, op, 0x40}
	}
	return cat(repeat(open, n), repeat([]byte{0x0b}, n))
}

func branches(n int) []byte {
	return cat([]byte{0x02, 0x40, 0x41, 0, 0x0e}, uleb(n), repeat([]byte{0}, n+1), []byte{0x0b})
}

// forever wraps instructions in an endless loop; what follows is never reached.
func forever(code ...byte) []byte {
	return cat([]byte{0x03, 0x40}, code, []byte{0x0c, 0, 0x0b, 0x42, 0})
}

func imports(names ...string) []byte {
	var l [][]byte
	for _, n := range names {
		typ := byte(3)
		if n == "fd_write" || n == "poll_oneoff" {
			typ = 4
		}
		if n == "proc_exit" {
			typ = 5
		}
		l = append(l, cat(text("wasi_snapshot_preview1"), text(n), []byte{0, typ}))
	}
	return vec(l...)
}

var wasiTypes = [][]byte{{0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f}, {0x60, 1, 0x7f, 0}}

var table1 = []byte{1, 0x70, 0, 1} // one table of at least one function

// verdict is how an attack ends.
type verdict struct{ load, call error }

// attack is a module that means harm.
type attack struct {
	name string
	spec spec
	want verdict
}

// attacks is the menu: what hurts wazero alone.
func attacks() []attack {
	refused, fuel, trap := verdict{load: plugins.ErrABI}, verdict{call: plugins.ErrFuel}, verdict{call: plugins.ErrTrap}
	broken := verdict{call: plugins.ErrABI}
	return []attack{
		// Time.
		{"endless loop", spec{call: forever()}, fuel},
		{"endless loop in start", spec{start: 4, funcs: [][]byte{body(nil, forever()[:5])}}, fuel},
		{"endless loop in _initialize", spec{init: forever()[:5]}, fuel},
		{"endless division", spec{call: forever(0x42, 7, 0x42, 3, 0x7f, 0x1a)}, fuel},
		{"endless roots", spec{call: forever(cat([]byte{0x44}, make([]byte, 8), []byte{0x9f, 0x1a})...)}, fuel},
		{"endless indirect calls", spec{tables: table1, elems: []byte{1, 0, 0x41, 0, 0x0b, 1, 0}, call: forever(0x41, 0, 0x11, 0, 0)}, fuel},
		{"endless growth by nothing", spec{call: forever(0x41, 0, 0x40, 0, 0x1a)}, fuel},
		{"endless filling", spec{call: forever(cat([]byte{0x41, 0, 0x41, 0, 0x41}, sleb(1<<17), []byte{0xfc, 11, 0})...)}, fuel},
		{"endless copying", spec{call: forever(cat([]byte{0x41, 0, 0x41, 1, 0x41}, sleb(1<<17-1), []byte{0xfc, 10, 0, 0})...)}, fuel},
		{"endless table filling", spec{tables: []byte{1, 0x70, 0, 0x80, 8}, call: forever(0x41, 0, 0xd0, 0x70, 0x41, 0x80, 8, 0xfc, 17, 0)}, fuel},
		{"endless random numbers", spec{imports: imports("random_get"), imported: 1, types: wasiTypes,
			call: forever(cat([]byte{0x41, 0, 0x41}, sleb(1<<17), []byte{0x10, 0, 0x1a})...)}, fuel},
		{"endless yielding", spec{imports: imports("args_sizes_get"), imported: 1, types: wasiTypes, call: forever(0x41, 0, 0x41, 8, 0x10, 0, 0x1a)}, fuel},
		{"endless output", spec{imports: imports("fd_write"), imported: 1, types: wasiTypes, data: cat([]byte{1, 0, 0x41, 0, 0x0b, 8, 0, 0, 0, 0, 0, 0, 2, 0}),
			call: forever(0x41, 1, 0x41, 0, 0x41, 1, 0x41, 16, 0x10, 0, 0x1a)}, fuel},
		{"polling for nothing", spec{imports: imports("poll_oneoff"), imported: 1, types: wasiTypes,
			call: forever(cat([]byte{0x41, 0, 0x41}, sleb(60000), []byte{0x41}, sleb(1000), []byte{0x41, 0, 0x10, 0, 0x1a})...)}, fuel},
		{"exit", spec{imports: imports("proc_exit"), imported: 1, types: wasiTypes, call: []byte{0x41, 3, 0x10, 0, 0x42, 0}}, trap},

		// Stack.
		{"recursion", spec{call: []byte{0x10, 4, 0x42, 0}, funcs: [][]byte{body(nil, []byte{0x10, 4})}}, trap},
		{"recursion with large frames", spec{call: []byte{0x10, 4, 0x42, 0}, funcs: [][]byte{body(cat([]byte{1}, uleb(4000), []byte{0x7e}), []byte{0x10, 4})}}, trap},

		// Memory.
		{"memory bomb", spec{call: forever(0x41, 1, 0x40, 0, 0x1a)}, fuel},
		{"growth beyond the bound", spec{call: []byte{0x41, 0xc0, 0, 0x40, 0, 0x1a, 0x00}}, verdict{call: plugins.ErrMemory}},
		{"memory of 4 GiB", spec{pages: 65536}, verdict{load: plugins.ErrMemory}},
		{"memory over 4 GiB", spec{pages: 65537}, refused},
		{"table of 10^8", spec{tables: cat([]byte{1, 0x70, 0}, uleb(1e8))}, refused},
		{"table grown by 10^8", spec{tables: table1, call: cat([]byte{0xd0, 0x70, 0x41}, sleb(1e8), []byte{0xfc, 15, 0, 0x1a, 0x42, 0})}, fuel},
		{"data beyond the memory", spec{data: cat([]byte{1, 0, 0x41}, sleb(1<<17), []byte{0x0b, 1, 0})}, trap},
		{"load beyond the memory", spec{call: cat([]byte{0x41}, sleb(1<<20), []byte{0x29, 3, 0})}, trap},

		// The decoder and the compiler.
		{"10^9 locals", spec{locals: cat([]byte{1}, uleb(1e9), []byte{0x7f})}, refused},
		{"10^9 locals in two groups", spec{locals: cat([]byte{2}, uleb(4000), []byte{0x7f}, uleb(4000), []byte{0x7f})}, refused},
		{"10^6 functions", spec{funcs: many(body(nil, nil), 1e6)}, refused},
		{"10^6 types", spec{types: many([]byte{0x60, 0, 0}, 1e6)}, refused},
		{"300,000 exports", spec{exports: many(exportOf("x", 0, 0), 3e5)}, refused},
		{"100,000 nested blocks", spec{funcs: many(body(nil, nested(0x02, 1e5)), 1)}, refused},
		{"4,000 nested ifs, often", spec{funcs: many(body(nil, nested(0x04, 4000)), 50)}, refused},
		{"4,000 nested loops", spec{funcs: many(body(nil, nested(0x03, 4000)), 1)}, refused},
		{"100,000 ifs in a row", spec{funcs: many(body(nil, repeat(nested(0x04, 1), 1e5)), 1)}, refused},
		{"20,000 loops in a row", spec{funcs: many(body(nil, repeat(nested(0x03, 1), 20000)), 1)}, refused},
		{"50 br_tables of 60,000", spec{funcs: many(body(nil, branches(60000)), 50)}, refused},
		{"50 br_tables of 30,000", spec{funcs: many(body(nil, branches(30000)), 50)}, refused},
		{"10^6 operands", spec{funcs: many(body(nil, cat(repeat([]byte{0x41, 0}, 1e6), repeat([]byte{0x1a}, 1e6))), 1)}, refused},
		{"2,000 operands", spec{funcs: many(body(nil, cat(repeat([]byte{0x41, 0}, 2000), repeat([]byte{0x1a}, 2000))), 1)}, refused},
		{"a function of 6 MB", spec{funcs: many(body(nil, repeat([]byte{0x41, 0, 0x1a}, 2e6)), 1)}, refused},
		{"1,000 locals across 1,000 ifs", spec{funcs: many(body(cat([]byte{1}, uleb(1000), []byte{0x7f}),
			cat(repeat(nested(0x04, 1), 1000), useLocals(1000))), 1)}, refused},
		{"1,000 locals used in a loop of 1,000 ifs", spec{funcs: many(body(cat([]byte{1}, uleb(1000), []byte{0x7f}),
			cat([]byte{0x03, 0x40}, useLocals(1000), repeat(nested(0x04, 1), 1000), []byte{0x41, 1, 0x0d, 0, 0x0b})), 1)}, refused},

		// The wall.
		{"unknown import", spec{imports: vec(cat(text("env"), text("system"), []byte{0, 0})), imported: 1}, refused},
		{"file opened", spec{imports: imports("fd_read"), imported: 1}, refused},
		{"import of another type", spec{imports: vec(cat(text("wasi_snapshot_preview1"), text("random_get"), []byte{0, 0})), imported: 1}, refused},
		{"imported memory", spec{imports: vec(cat(text("wasi_snapshot_preview1"), text("random_get"), []byte{2, 0, 1}))}, refused},
		{"imported global", spec{imports: vec(cat(text("wasi_snapshot_preview1"), text("random_get"), []byte{3, 0x7f, 0}))}, refused},
		{"reply outside of the memory", spec{call: reply(1<<17-4, 8)}, broken},
		{"reply at the end of the address space", spec{call: reply(1<<32-1, 16)}, broken},
		{"reply without a status", spec{call: reply(0, 3)}, broken},
		{"reply of 4 GiB", spec{call: reply(0, 1<<32-1)}, broken},

		// What the rewriter adds.
		{"names the fuel", spec{call: []byte{0x23, 0}}, refused},
		{"sets the fuel", spec{call: []byte{0x42, 1, 0x24, 0, 0x42, 0}}, refused},
		{"names an injected local", spec{call: []byte{0x20, 3, 0x1a, 0x03, 0x40, 0x0b, 0x42, 0}}, refused},
		{"branches to the cold place", spec{call: []byte{0x03, 0x40, 0x0c, 2, 0x0b, 0x42, 0}}, refused},
		{"names an injected type", spec{call: []byte{0x02, 4, 0x0b, 0x42, 0}}, refused},
		{"exports the fuel", spec{exports: [][]byte{exportOf("f", 3, 0)}}, refused},
		{"fuel's name taken", spec{globals: []byte{1, 0x7e, 1, 0x42, 0, 0x0b}, exports: [][]byte{exportOf("plexus.fuel", 3, 0)}}, refused},
		{"initialiser names the fuel", spec{globals: []byte{1, 0x7e, 0, 0x23, 1, 0x0b}}, refused},
		{"start by its new name", spec{exports: [][]byte{exportOf("plexus.start", 0, 3)}}, refused},

		// What is left out.
		{"vectors", spec{call: cat([]byte{0xfd, 12}, make([]byte, 16), []byte{0x1a, 0x42, 0})}, refused},
		{"vector type", spec{locals: []byte{1, 1, 0x7b}}, refused},
		{"atomics", spec{call: []byte{0xfe, 3, 0, 0x42, 0}}, refused},
		{"tail call", spec{call: []byte{0x12, 0}}, refused},
		{"exceptions", spec{call: []byte{0x06, 0x40, 0x0b, 0x42, 0}}, refused},
	}
}

// TestAttacks: each attack is refused by the gate or stopped by a bound, and told
// apart, within bounded time and memory. Of the time the processor's is meant when
// it is less than the clock's: other work on the machine is no fault of ours.
func TestAttacks(t *testing.T) {
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			module := a.spec.bytes()
			m := startMeasure()
			mod, err := e.Load(t.Context(), module)
			took, grown := m.stop()
			if !errors.Is(err, a.want.load) || a.want.load != nil && !plugins.IsGuest(err) {
				t.Fatalf("load: %v, want %v", err, a.want.load)
			}
			if a.want.load != nil && took > refusalTime {
				t.Errorf("refused after %v, at most %v are allowed", took, refusalTime)
			}
			if mod != nil {
				defer mod.Close(t.Context())
				m = startMeasure()
				_, err = mod.Call(t.Context(), abi.OpSolve, []byte("x"), [32]byte{})
				var more int64
				took, more = m.stop()
				grown = max(grown, more)
				if !errors.Is(err, a.want.call) || !plugins.IsGuest(err) {
					t.Fatalf("call: %v, want %v", err, a.want.call)
				}
				if took > attackTime {
					t.Errorf("stopped after %v, at most %v are allowed", took, attackTime)
				}
			}
			if grown > attackMemory {
				t.Errorf("the process grew by %d MiB, at most %d are allowed", grown>>20, attackMemory>>20)
			}
			if testing.Verbose() {
				t.Logf("%v, %d KiB: %v", took, grown>>10, err)
			}
		})
	}
}

func useLocals(n int) (b []byte) {
	for i := range n {
		b = cat(b, []byte{0x20}, uleb(i), []byte{0x1a})
	}
	return b
}

// TestClaims: a few bytes that claim much must not make anybody allocate it.
func TestClaims(t *testing.T) {
	head := []byte("\x00asm\x01\x00\x00\x00")
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	for id := byte(1); id <= 12; id++ {
		module := cat(head, section(id, huge))
		if _, err := Instrument(module, plugins.DefaultLimits()); err == nil {
			t.Errorf("section %d accepted", id)
		}
		if n := testing.AllocsPerRun(1, func() { Instrument(module, plugins.DefaultLimits()) }); n > 200 {
			t.Errorf("section %d: %v allocations", id, n)
		}
	}
}

// TestBadModules: whatever is wrong with the bytes is the module's fault, and
// said to be.
func TestBadModules(t *testing.T) {
	good := spec{call: []byte{0x03, 0x40, 0x0b, 0x42, 0x84, 0x80, 0x80, 0x80, 0x80, 0x01}}.bytes()
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(name string, module []byte, kind error) {
		t.Helper()
		m, err := e.Load(context.Background(), module)
		if err == nil {
			m.Close(context.Background())
		}
		if !errors.Is(err, kind) || !plugins.IsGuest(err) {
			t.Errorf("%s: %v, want %v", name, err, kind)
		}
	}
	m, err := e.Load(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); err != nil {
		t.Fatalf("the module to be spoilt: %v", err)
	}
	m.Close(t.Context())
	for n := range good {
		m, err := e.Load(t.Context(), good[:n])
		if err == nil {
			m.Close(t.Context())
		}
		if !errors.Is(err, plugins.ErrABI) && !errors.Is(err, plugins.ErrManifest) {
			t.Errorf("cut off at %d of %d: %v", n, len(good), err)
		}
	}
	swap := func(old, new string) []byte {
		b := append([]byte(nil), good...)
		i := indexOf(b, old)
		copy(b[i:], new)
		return b
	}
	refuse("not Wasm", []byte("\x7fELF\x02\x01\x01"), plugins.ErrABI)
	refuse("component", cat([]byte("\x00asm\x0d\x00\x01\x00"), good[8:]), plugins.ErrABI)
	_, err = e.Load(t.Context(), swap(abi.ExportMarker, "plexus_abi_v2"))
	if err == nil || !strings.Contains(err.Error(), `version "plexus_abi_v2"`) {
		t.Errorf("another version: %v", err)
	}
	refuse("wrong marker", swap(abi.ExportMarker, "plexus_abi_v2"), plugins.ErrABI)
	refuse("no alloc", swap(abi.ExportAlloc, "plexus_aloc_"), plugins.ErrABI)
	refuse("no call", swap(abi.ExportCall, "plexus_cal_"), plugins.ErrABI)
	refuse("no memory", swap("memory", "memorx"), plugins.ErrABI)
	refuse("no manifest", spec{}.encode(false), plugins.ErrManifest)
	refuse("ill-typed", spec{call: []byte{0x41, 0}}.bytes(), plugins.ErrABI)
	refuse("operand missing", spec{call: []byte{0x6a, 0x1a, 0x42, 0}}.bytes(), plugins.ErrABI)

	lie := func(change func(*abi.Manifest)) []byte {
		m := testManifest()
		change(&m)
		return spec{pages: 10, manifest: &m}.bytes()
	}
	refuse("too few pages", lie(func(m *abi.Manifest) { m.Pages = 9 }), plugins.ErrMemory)
	refuse("other meter", lie(func(m *abi.Manifest) { m.Meter = MeterVersion + 1 }), plugins.ErrManifest)
	refuse("no fuel", lie(func(m *abi.Manifest) { m.Fuel = 0 }), plugins.ErrManifest)
	refuse("no name", lie(func(m *abi.Manifest) { m.Name = "" }), plugins.ErrManifest)
	refuse("operations out of order", lie(func(m *abi.Manifest) { m.Ops = []abi.Op{abi.OpSolve, abi.OpTask} }), plugins.ErrManifest)
	// An operation that is announced but not there is found when it is called.
	m, err = e.Load(t.Context(), spec{call: []byte{0x00}}.bytes())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); !errors.Is(err, plugins.ErrTrap) {
		t.Errorf("announced, not there: %v", err)
	}
}

func indexOf(b []byte, s string) int {
	for i := range b {
		if string(b[i:min(len(b), i+len(s))]) == s {
			return i
		}
	}
	panic("not in the module: " + s)
}
