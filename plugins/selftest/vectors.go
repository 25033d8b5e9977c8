package selftest

import "fmt"

// edges are operands of each type, by their bits.
var edges = map[byte][]uint64{
	i32: {0, 1, 2, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff, 0xdeadbeef},
	i64: {0, 1, 2, 63, 64, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xdeadbeefcafef00d},
	f32: {0, 0x80000000, 0x3f800000, 0xbfc00000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffa00001, 1, 0x4f000000, 0x3effffff},
	f64: {0, 1 << 63, 0x3ff0000000000000, 0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000,
		0xfff4000000000001, 1, 0x41e0000000000000, 0x43e0000000000000, 0x3fdfffffffffffff},
}

// numeric is a numeric instruction.
type numeric struct {
	name string
	code []byte
	from byte // type of its operands
	args int
	to   byte
}

// traps reports operands on which the instruction traps; each such pair is left
// out of the table and has vectors of its own.
func (n numeric) traps(a, b uint64) bool {
	op := n.code[0]
	switch {
	case op >= 0x6d && op <= 0x70: // i32 division
		return uint32(b) == 0 || op == 0x6d && uint32(a) == 1<<31 && uint32(b) == 1<<32-1
	case op >= 0x7f && op <= 0x82:
		return b == 0 || op == 0x7f && a == 1<<63 && b == 1<<64-1
	}
	return false
}

// numerics are all numeric instructions that trap on no operand, or on few.
func numerics() (l []numeric) {
	add := func(from, to int, t byte, args int, result byte) {
		for op := from; op <= to; op++ {
			l = append(l, numeric{fmt.Sprintf("%#x", op), []byte{byte(op)}, t, args, result})
		}
	}
	add(0x45, 0x45, i32, 1, i32)
	add(0x46, 0x4f, i32, 2, i32)
	add(0x50, 0x50, i64, 1, i32)
	add(0x51, 0x5a, i64, 2, i32)
	add(0x5b, 0x60, f32, 2, i32)
	add(0x61, 0x66, f64, 2, i32)
	add(0x67, 0x69, i32, 1, i32)
	add(0x6a, 0x78, i32, 2, i32)
	add(0x79, 0x7b, i64, 1, i64)
	add(0x7c, 0x8a, i64, 2, i64)
	add(0x8b, 0x91, f32, 1, f32)
	add(0x92, 0x98, f32, 2, f32)
	add(0x99, 0x9f, f64, 1, f64)
	add(0xa0, 0xa6, f64, 2, f64)
	add(0xa7, 0xa7, i64, 1, i32)
	add(0xac, 0xad, i32, 1, i64)
	add(0xb2, 0xb3, i32, 1, f32)
	add(0xb4, 0xb5, i64, 1, f32)
	add(0xb6, 0xb6, f64, 1, f32)
	add(0xb7, 0xb8, i32, 1, f64)
	add(0xb9, 0xba, i64, 1, f64)
	add(0xbb, 0xbb, f32, 1, f64)
	add(0xbc, 0xbc, f32, 1, i32)
	add(0xbd, 0xbd, f64, 1, i64)
	add(0xbe, 0xbe, i32, 1, f32)
	add(0xbf, 0xbf, i64, 1, f64)
	add(0xc0, 0xc1, i32, 1, i32)
	add(0xc2, 0xc4, i64, 1, i64)
	for i, t := range []byte{f32, f32, f64, f64} {
		for j, result := range []byte{i32, i64} {
			op := byte(i + 4*j)
			l = append(l, numeric{fmt.Sprintf("0xfc %d", op), []byte{0xfc, op}, t, 1, result})
		}
	}
	return l
}

// table is a module that applies the instruction to all its operands.
func (n numeric) table() (code []byte, count int) {
	for _, a := range edges[n.from] {
		if n.args == 1 {
			code = append(code, store(count, n.to, join(constant(n.from, a), n.code))...)
			count++
			continue
		}
		for _, b := range edges[n.from] {
			if n.traps(a, b) {
				continue
			}
			code = append(code, store(count, n.to, join(constant(n.from, a), constant(n.from, b), n.code))...)
			count++
		}
	}
	return append(code, reply(count)...), count
}

// control is a vector of one small program.
type control struct {
	name string
	code []byte
}

// controls are programs that trap, branch, call, or use the memory and the table.
func controls() []control {
	one := func(name string, t byte, code ...byte) control {
		return control{name, join(store(0, t, code), reply(1))}
	}
	dead := func(name string, code ...byte) control { return control{name, join(code, []byte{0x00})} }
	return []control{
		dead("unreachable"),
		dead("i32 division by zero", 0x41, 1, 0x41, 0, 0x6d, 0x1a),
		dead("i32 remainder by zero", 0x41, 1, 0x41, 0, 0x70, 0x1a),
		dead("i32 division overflows", join(constant(i32, 1<<31), constant(i32, 1<<32-1), []byte{0x6d, 0x1a})...),
		dead("i64 division by zero", 0x42, 1, 0x42, 0, 0x80, 0x1a),
		dead("i64 division overflows", join(constant(i64, 1<<63), constant(i64, 1<<64-1), []byte{0x7f, 0x1a})...),
		dead("truncation of not-a-number", join(constant(f64, 0x7ff8000000000000), []byte{0xaa, 0x1a})...),
		dead("truncation out of range", join(constant(f32, 0x4f000000), []byte{0xa8, 0x1a})...),
		dead("load beyond the memory", join(constant(i32, 1<<17-3), []byte{0x28, 2, 0, 0x1a})...),
		dead("load beyond 4 GiB", join(constant(i32, 1<<32-1), []byte{0x2d, 0}, uleb(1<<31), []byte{0x1a})...),
		dead("store beyond the memory", join(constant(i32, 1<<17), []byte{0x41, 1, 0x3a, 0, 0})...),
		dead("fill beyond the memory", join(constant(i32, 1<<17-1), []byte{0x41, 1, 0x41, 2, 0xfc, 11, 0})...),
		dead("call of a null entry", 0x41, 1, 0x11, 0, 0),
		dead("call beyond the table", 0x41, 2, 0x11, 0, 0),
		dead("call of another type", 0x41, 0, 0x41, 0, 0x11, 1, 0, 0x1a),
		dead("recursion for ever", 0x10, 3),
		{"loop for ever", join([]byte{0x03, 0x40, 0x0c, 0, 0x0b}, reply(0))},
		{"reply outside of the memory", join([]byte{0x42}, sleb(1<<17<<32|8))},
		one("call through the table", i32, 0x41, 0, 0x11, 0, 0, 0x41, 7),
		one("memory's size and growth", i32, 0x41, 1, 0x40, 0, 0x3f, 0, 0x41, 16, 0x74, 0x72),
		one("growth that is refused", i32, 0x41, 3, 0x40, 0),
		one("signed bytes", i64, 0x41, 0, 0x30, 0, 0),
		one("copy that overlaps", i32, 0x41, 1, 0x41, 0, 0x41, 3, 0xfc, 10, 0, 0, 0x41, 0, 0x28, 2, 0),
		one("sum of 1 to 1000", i32, join([]byte{0x03, 0x40, 0x20, 3, 0x41, 1, 0x6a, 0x21, 3,
			0x41, 16, 0x41, 16, 0x28, 2, 0, 0x20, 3, 0x6a, 0x36, 2, 0, 0x20, 3}, constant(i32, 1000),
			[]byte{0x49, 0x0d, 0, 0x0b, 0x41, 16, 0x28, 2, 0})...),
	}
}
