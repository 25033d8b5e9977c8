package wasm

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// repeated is how often an instruction stands in the loop that is timed, and
// loops how often that loop runs in a call.
const (
	repeated = 64
	loops    = 1 << 14
)

// BenchmarkWeights measures again what the schedule of weights rests on: for each class of
// instructions how long a unit of fuel takes, when a module does nothing else. The
// schedule holds while none of them takes much longer than the slowest: that is
// what a bound in fuel means in time.
//
//	go test -run '^$' -bench Weights -benchtime 5x ./plugins/wasm
func BenchmarkWeights(b *testing.B) {
	i32 := func(v int64) []byte { return append([]byte{0x41}, sleb(v)...) }
	f64 := cat([]byte{0x44}, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}) // 1.5
	one := cat([]byte{0x44}, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f})
	keep := func(code ...byte) []byte { return cat([]byte{0x20, 4}, code, []byte{0x21, 4}) }
	real := func(code ...byte) []byte { return cat([]byte{0x20, 5}, code, []byte{0x21, 5}) }
	// The next address of a walk that no cache foresees, over 16 MiB.
	walk := cat([]byte{0x20, 6}, i32(1664525), []byte{0x6c}, i32(1013904223), []byte{0x6a, 0x22, 6}, i32(0xfffff8), []byte{0x71})
	for _, c := range []struct {
		name string
		code []byte
		with spec
	}{
		{"plain: i64.add", keep(0x42, 7, 0x7c), spec{}},
		{"plain: i64.mul", keep(0x42, 7, 0x7e), spec{}},
		{"divide: i64.div_u", keep(0x42, 3, 0x80), spec{}},
		{"divide: i64.rem_s", keep(0x42, 3, 0x81), spec{}},
		{"float: f64.add", real(cat(f64, []byte{0xa0})...), spec{}},
		{"float: f64.mul", real(cat(f64, []byte{0xa2})...), spec{}},
		{"root: f64.div", real(cat(one, []byte{0xa3})...), spec{}},
		{"root: f64.div, down to subnormal numbers", real(cat(f64, []byte{0xa3})...), spec{}},
		{"root: f64.sqrt", real(0x9f), spec{}},
		{"memory: load, near", keep(cat([]byte{0xa7}, i32(0xff8), []byte{0x71, 0x29, 3, 0})...), spec{}},
		{"memory: load, anywhere in 16 MiB", cat(walk, []byte{0x29, 3, 0, 0x21, 4}), spec{pages: 257}},
		{"memory: store, anywhere in 16 MiB", cat(walk, []byte{0x20, 4, 0x37, 3, 0}), spec{pages: 257}},
		{"call", []byte{0x10, 4}, spec{funcs: [][]byte{body(nil, nil)}}},
		{"call_indirect", cat(i32(0), []byte{0x11, 0, 0}), spec{tables: table1, elems: []byte{1, 0, 0x41, 0, 0x0b, 1, 4}, funcs: [][]byte{body(nil, nil)}}},
		{"br_table", cat([]byte{0x02, 0x40, 0x20, 4, 0xa7, 0x0e, 2, 0, 0, 0, 0x0b}), spec{}},
		{"grow: memory.grow by nothing", cat(i32(0), []byte{0x40, 0, 0x1a}), spec{}},
		{"bulk: memory.fill of 64 bytes", cat(i32(64), i32(0), i32(64), []byte{0xfc, 11, 0}), spec{}},
		{"bulk: memory.fill of 64 KiB", cat(i32(64), i32(0), i32(1<<16), []byte{0xfc, 11, 0}), spec{}},
		{"bulk: memory.copy of 64 KiB", cat(i32(0), i32(1<<15), i32(1<<15), []byte{0xfc, 10, 0, 0}), spec{}},
		{"table: table.get", cat(i32(0), []byte{0x25, 0, 0x1a}), spec{tables: table1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := c.with
			// Locals of the call are op, ptr and len; then a counter (3), an i64 (4), an
			// f64 (5) and an i32 (6).
			s.locals = []byte{4, 1, 0x7f, 1, 0x7e, 1, 0x7c, 1, 0x7f}
			s.call = cat(f64, []byte{0x21, 5}, i32(loops), []byte{0x21, 3, 0x03, 0x40}, repeat(c.code, repeated),
				[]byte{0x20, 3, 0x41, 1, 0x6b, 0x22, 3, 0x0d, 0, 0x0b}, reply(8, 4))
			manifest := testManifest()
			manifest.Fuel, manifest.Pages = 1<<40, 512
			s.manifest = &manifest
			m := load(b, s.bytes(), false)
			var fuel uint64
			for b.Loop() {
				r, err := m.Call(b.Context(), abi.OpSolve, nil, [32]byte{})
				if err != nil {
					b.Fatal(err)
				}
				fuel = r.Fuel
			}
			perCall := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
			b.ReportMetric(perCall/float64(fuel), "ns/unit")
			b.ReportMetric(float64(fuel)/(repeated*loops), "units/each")
			b.ReportMetric(0, "ns/op")
		})
	}
}
