package wasm

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/abi"
)

// spec says what a hand-made module holds besides the entry points, whose
// functions are 0 (marker), 1 (alloc), 2 (call) and 3 (init).
type spec struct {
	imports  []byte   // encoded import section body, with count
	imported int      // functions imported, which shift the others
	types    [][]byte // further types, from index 4
	pages    int      // minimum of the memory, 0 for 2
	tables   []byte   // encoded section body
	globals  []byte   // encoded section body
	exports  [][]byte // further exports
	start    int      // start function, 0 for none
	elems    []byte   // encoded section body
	call     []byte   // plexus_call: instructions before the end; empty echoes an empty reply
	init     []byte   // _initialize
	locals   []byte   // encoded locals of plexus_call, with count of groups
	funcs    [][]byte // further functions of type 0, from index 4: whole bodies
	data     []byte   // encoded section body
	manifest *abi.Manifest
}

func uleb(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

func cat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func vec(items ...[]byte) []byte { return cat(append([][]byte{uleb(len(items))}, items...)...) }

func text(s string) []byte { return cat(uleb(len(s)), []byte(s)) }

func section(id byte, body []byte) []byte {
	if body == nil {
		return nil
	}
	return cat([]byte{id}, uleb(len(body)), body)
}

func exportOf(name string, kind byte, index int) []byte {
	return cat(text(name), []byte{kind}, uleb(index))
}

// body encodes a function: locals, instructions, end.
func body(locals, code []byte) []byte {
	if locals == nil {
		locals = []byte{0}
	}
	b := cat(locals, code, []byte{0x0b})
	return cat(uleb(len(b)), b)
}

func testManifest() abi.Manifest {
	return abi.Manifest{Name: "t", Version: "1", Meter: MeterVersion, Ops: []abi.Op{abi.OpDescribe, abi.OpSolve},
		Fuel: 50e6, Pages: 64, Answer: 1}
}

// bytes encodes the module with its manifest.
func (s spec) bytes() []byte { return s.encode(true) }

func (s spec) encode(manifest bool) []byte {
	types := vec(append([][]byte{
		{0x60, 0, 0},                         // 0: ()
		{0x60, 1, 0x7f, 1, 0x7f},             // 1: alloc
		{0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7e}, // 2: call
		{0x60, 2, 0x7f, 0x7f, 1, 0x7f},       // 3: most of WASI
	}, s.types...)...)
	funcs := [][]byte{{0}, {1}, {2}, {0}}
	call := s.call
	if call == nil {
		call = reply(8, 4)
	}
	bodies := [][]byte{body(nil, nil), body(nil, []byte{0x41, 0x80, 0x02}), body(s.locals, call), body(nil, s.init)}
	for _, f := range s.funcs {
		funcs = append(funcs, []byte{0})
		bodies = append(bodies, f)
	}
	n := s.imported
	exports := append([][]byte{exportOf(abi.ExportMemory, 2, 0), exportOf(abi.ExportMarker, 0, n), exportOf(abi.ExportAlloc, 0, n+1),
		exportOf(abi.ExportCall, 0, n+2), exportOf(abi.ExportInit, 0, n+3)}, s.exports...)
	pages := s.pages
	if pages == 0 {
		pages = 2
	}
	var start []byte
	if s.start > 0 {
		start = uleb(s.start)
	}
	m := cat([]byte("\x00asm\x01\x00\x00\x00"), section(1, types), section(2, s.imports), section(3, vec(funcs...)),
		section(4, s.tables), section(5, cat([]byte{1, 0}, uleb(pages))), section(6, s.globals), section(7, vec(exports...)),
		section(8, start), section(9, s.elems), section(10, vec(bodies...)), section(11, s.data))
	if !manifest {
		return m
	}
	man := testManifest()
	if s.manifest != nil {
		man = *s.manifest
	}
	return cat(m, section(0, cat(text(abi.ManifestName), man.Append(nil))))
}

// reply returns the envelope of that place and size.
func reply(ptr, size uint32) []byte {
	return append([]byte{0x42}, sleb(int64(uint64(ptr)<<32|uint64(size)))...)
}

func sleb(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func repeat(b []byte, n int) []byte {
	out := make([]byte, 0, len(b)*n)
	for range n {
		out = append(out, b...)
	}
	return out
}
