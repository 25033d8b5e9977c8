package selftest

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// Wasm's value types.
const (
	i32 = 0x7f
	i64 = 0x7e
	f32 = 0x7d
	f64 = 0x7c
)

// Where a vector's module writes its results, and the envelope before them.
const (
	envelope = 1024
	results  = envelope + 4
)

func uleb(v int) []byte { return binary.AppendUvarint(nil, uint64(v)) }

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

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func vector(items ...[]byte) []byte { return join(append([][]byte{uleb(len(items))}, items...)...) }

func sized(b []byte) []byte { return join(uleb(len(b)), b) }

func section(id byte, body []byte) []byte { return join([]byte{id}, sized(body)) }

func export(name string, kind byte, index int) []byte {
	return join(sized([]byte(name)), []byte{kind}, uleb(index))
}

// module is a module whose plexus_call runs code, which must leave the place and
// size of the reply. Function 3 calls itself for ever. Local 3 is an i32.
func module(code []byte) []byte {
	body := func(locals, code []byte) []byte { return sized(join(locals, code, []byte{0x0b})) }
	none := []byte{0}
	m := join([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector([]byte{0x60, 0, 0}, []byte{0x60, 1, i32, 1, i32}, []byte{0x60, 3, i32, i32, i32, 1, i64})),
		section(3, vector([]byte{0}, []byte{1}, []byte{2}, []byte{0})),
		section(4, []byte{1, 0x70, 1, 2, 2}),
		section(5, []byte{1, 0, 2}),
		section(7, vector(export(abi.ExportMemory, 2, 0), export(abi.ExportMarker, 0, 0), export(abi.ExportAlloc, 0, 1), export(abi.ExportCall, 0, 2))),
		section(9, []byte{1, 0, 0x41, 0, 0x0b, 1, 0}), // the table's second entry is null
		section(10, vector(body(none, nil), body(none, []byte{0x41, 0x80, 0x02}), body([]byte{1, 1, i32}, code), body(none, []byte{0x10, 3}))),
		section(11, []byte{1, 0, 0x41, 0, 0x0b, 4, 'a', 'b', 'c', 'd'}))
	man := abi.Manifest{Name: "selftest", Version: "1", Meter: plugins.MeterVersion, Ops: []abi.Op{abi.OpDescribe, abi.OpSolve}, Fuel: 2e6, Pages: 4, Answer: 1}
	return join(m, section(0, join(sized([]byte(abi.ManifestName)), man.Append(nil))))
}

// reply is the reply of that many results.
func reply(n int) []byte {
	return join([]byte{0x42}, sleb(envelope<<32|int64(4+8*n)))
}

// constant pushes a value of a type, given by its bits.
func constant(t byte, bits uint64) []byte {
	switch t {
	case i32:
		return join([]byte{0x41}, sleb(int64(int32(uint32(bits)))))
	case i64:
		return join([]byte{0x42}, sleb(int64(bits)))
	case f32:
		return binary.LittleEndian.AppendUint32([]byte{0x43}, uint32(bits))
	}
	return binary.LittleEndian.AppendUint64([]byte{0x44}, bits)
}

// store writes the result of code, of a type, as the nth of eight bytes.
func store(n int, t byte, code []byte) []byte {
	op := map[byte]byte{i32: 0x36, i64: 0x37, f32: 0x38, f64: 0x39}[t]
	align := map[byte]byte{i32: 2, i64: 3, f32: 2, f64: 3}[t]
	return join([]byte{0x41}, sleb(int64(results+8*n)), code, []byte{op, align, 0})
}
