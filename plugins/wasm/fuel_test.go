package wasm

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// TestFuelGolden holds the fuel schedule: prices counted by hand. If it fails,
// what a call costs has changed, and MeterVersion must be raised.
//
// Each call enters plexus_alloc (1, and 1 for its constant), _initialize (1) and
// plexus_call (1, and 1 for the constant it returns): 5 in all.
func TestFuelGolden(t *testing.T) {
	const entry = 5
	memory := func(n int64, op ...byte) []byte { // 3 constants and the operation
		return cat([]byte{0x41, 0, 0x41, 0, 0x41}, sleb(n), []byte{0xfc}, op, reply(8, 4))
	}
	for _, c := range []struct {
		name string
		spec spec
		fuel uint64
	}{
		{"nothing", spec{}, entry},
		{"nop and blocks are free", spec{call: cat([]byte{0x01, 0x02, 0x40, 0x01, 0x0b}, reply(8, 4))}, entry},
		{"constant and drop", spec{call: cat([]byte{0x41, 1, 0x1a}, reply(8, 4))}, entry + 2},
		{"load", spec{call: cat([]byte{0x41, 0, 0x28, 2, 0, 0x1a}, reply(8, 4))}, entry + 1 + 2 + 1},
		{"division", spec{call: cat([]byte{0x41, 7, 0x41, 2, 0x6d, 0x1a}, reply(8, 4))}, entry + 2 + 4 + 1},
		{"float addition", spec{call: cat([]byte{0x43, 0, 0, 0, 0, 0x43, 0, 0, 0, 0, 0x92, 0x1a}, reply(8, 4))}, entry + 2 + 2 + 1},
		{"square root", spec{call: cat([]byte{0x43, 0, 0, 0, 0, 0x91, 0x1a}, reply(8, 4))}, entry + 1 + 8 + 1},
		{"twenty-four locals", spec{locals: []byte{1, 21, 0x7f}}, entry + 24/8},
		// Ten rounds of: the head (1), get, constant, add, tee, constant, compare, br_if.
		{"loop of ten", spec{locals: []byte{1, 1, 0x7f}, call: cat([]byte{0x03, 0x40, 0x20, 3, 0x41, 1, 0x6a, 0x22, 3, 0x41, 10, 0x48, 0x0d, 0, 0x0b}, reply(8, 4))},
			entry + 10*(1+7)},
		// The condition and if (2), and one arm of 2 or 4.
		{"then", spec{call: cat([]byte{0x41, 1, 0x04, 0x40, 0x41, 1, 0x1a, 0x05, 0x41, 1, 0x41, 1, 0x1a, 0x1a, 0x0b}, reply(8, 4))}, entry + 2 + 2},
		{"else", spec{call: cat([]byte{0x41, 0, 0x04, 0x40, 0x41, 1, 0x1a, 0x05, 0x41, 1, 0x41, 1, 0x1a, 0x1a, 0x0b}, reply(8, 4))}, entry + 2 + 4},
		// A branch (1) over two instructions that are not paid for.
		{"skipped", spec{call: cat([]byte{0x02, 0x40, 0x0c, 0, 0x41, 1, 0x1a, 0x0b}, reply(8, 4))}, entry + 1},
		// The call and the entry of an empty function.
		{"call", spec{call: cat([]byte{0x10, 0}, reply(8, 4))}, entry + 5 + 1},
		// A constant, the call, an entry; the table holds plexus_abi_v1.
		{"indirect call", spec{tables: table1, elems: []byte{1, 0, 0x41, 0, 0x0b, 1, 0}, call: cat([]byte{0x41, 0, 0x11, 0, 0}, reply(8, 4))}, entry + 1 + 10 + 1},
		// A selector, br_table and nothing else.
		{"br_table", spec{call: cat(branches(3), reply(8, 4))}, entry + 1 + 3},
		{"filling 100 bytes", spec{call: memory(100, 11, 0)}, entry + 3 + 20 + 100/4},
		{"copying 1000 bytes", spec{call: memory(1000, 10, 0, 0)}, entry + 3 + 20 + 1000/4},
		{"growing by two pages", spec{call: cat([]byte{0x41, 2, 0x40, 0, 0x1a}, reply(8, 4))}, entry + 1 + 200 + 2<<14 + 1},
		// Two arguments, the call (its three parameters and results are no four), the
		// host's 400 and one a byte, and the drop.
		{"ten random bytes", spec{imports: imports("random_get"), imported: 1, types: wasiTypes, call: cat([]byte{0x41, 16, 0x41, 10, 0x10, 0, 0x1a}, reply(8, 4))},
			entry + 2 + 5 + 400 + 10 + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, interpreter := range []bool{false, true} {
				r, err := load(t, c.spec.bytes(), interpreter).Call(t.Context(), abi.OpSolve, nil, [32]byte{})
				if err != nil || r.Fuel != c.fuel {
					t.Errorf("interpreter %v: fuel %d, want %d (%v)", interpreter, r.Fuel, c.fuel, err)
				}
			}
		})
	}
}
