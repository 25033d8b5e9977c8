package meter

// Opcodes that the rewriter treats by name.
const (
	opUnreachable = 0x00
	opNop         = 0x01
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opBr          = 0x0c
	opBrIf        = 0x0d
	opBrTable     = 0x0e
	opReturn      = 0x0f
	opCall        = 0x10
	opCallInd     = 0x11
	opDrop        = 0x1a
	opSelect      = 0x1b
	opSelectT     = 0x1c
	opLocalGet    = 0x20
	opLocalSet    = 0x21
	opLocalTee    = 0x22
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opTableGet    = 0x25
	opTableSet    = 0x26
	opLoad        = 0x28 // the first of the loads
	opStore       = 0x36 // the first of the stores, which end before opMemSize
	opMemSize     = 0x3f
	opMemGrow     = 0x40
	opI32Const    = 0x41
	opI64Const    = 0x42
	opF32Const    = 0x43
	opF64Const    = 0x44
	opI32Eq       = 0x46
	opI32LtS      = 0x48
	opI64LtS      = 0x53
	opF32Eq       = 0x5b
	opF64Eq       = 0x61
	opI32Add      = 0x6a
	opI32Sub      = 0x6b
	opI32Or       = 0x72
	opI64Sub      = 0x7d
	opI64Shl      = 0x86
	opI64ShrU     = 0x88
	opI64ExtendU  = 0xad
	opRefNull     = 0xd0
	opRefIsNull   = 0xd1
	opRefFunc     = 0xd2
	opMisc        = 0xfc

	blockVoid = 0x40
)

// Operations behind opMisc.
const (
	miscTruncLast  = 7 // 0..7 are the saturating truncations
	miscMemInit    = 8
	miscDataDrop   = 9
	miscMemCopy    = 10
	miscMemFill    = 11
	miscTableInit  = 12
	miscElemDrop   = 13
	miscTableCopy  = 14
	miscTableGrow  = 15
	miscTableSize  = 16
	miscTableFill  = 17
	bulkBytesShift = 2  // bulk memory operations cost one per four bytes
	growShift      = 14 // a page costs as much as 16 Ki instructions: it must be found, zeroed and copied
)

// Value types.
const (
	typeI32     = 0x7f
	typeI64     = 0x7e
	typeF32     = 0x7d
	typeF64     = 0x7c
	typeFuncRef = 0x70
	typeExtern  = 0x6f
)

func isValue(t byte) bool { return t >= typeF64 && t <= typeI32 || isRef(t) }
func isRef(t byte) bool   { return t == typeFuncRef || t == typeExtern }

// Weights: fuel per instruction, chosen so that no instruction runs much slower
// per unit than typical code (about 0.2 ns a unit compiled on one 2020s core; the
// worst found is about 3 ns). One thing is beyond that: a division whose result is a
// subnormal float takes some 11 ns a unit, for the processor's sake, which no weight
// of an instruction can tell from others; the clock of the worker bounds it. Control
// that compiles to nothing is free.
const (
	weightPlain    = 1
	weightMemory   = 2   // loads and stores, which may miss every cache
	weightFloat    = 2   // float arithmetic, whose NaN is made canonical
	weightDivide   = 4   // integer division and remainder
	weightRoot     = 8   // float division and square root
	weightBranchT  = 3   // br_table
	weightCall     = 5   // call, plus one per four parameters and results
	weightCallInd  = 10  // call_indirect, likewise
	weightGrow     = 200 // memory.grow, plus its pages
	weightBulk     = 20  // bulk operations, plus their size
	weightGlobal   = 1   // reading or writing a global
	arityPerUnit   = 4
	localsPerUnit  = 8 // entering a function costs one per eight of its locals
	weightTableRef = 4 // table.get, table.set, ref.func
)

// simple describes an instruction without immediates whose effect on the stack
// is fixed.
type simple struct {
	ok        bool
	pop, push uint8
	weight    uint8
	nan       byte // type of a result that may be a NaN of unspecified bits, or 0
	eats      bool // reads a float from the top of the stack and shows nothing of a NaN's bits
}

var simples = table()

func table() (t [256]simple) {
	set := func(from, to, pop, push, weight int) {
		for op := from; op <= to; op++ {
			t[op] = simple{ok: true, pop: uint8(pop), push: uint8(push), weight: uint8(weight)}
		}
	}
	set(opDrop, opDrop, 1, 0, weightPlain)
	set(opSelect, opSelect, 3, 1, weightPlain)
	set(0x45, 0x45, 1, 1, weightPlain)  // i32.eqz
	set(0x46, 0x4f, 2, 1, weightPlain)  // i32 comparisons
	set(0x50, 0x50, 1, 1, weightPlain)  // i64.eqz
	set(0x51, 0x5a, 2, 1, weightPlain)  // i64 comparisons
	set(0x5b, 0x66, 2, 1, weightPlain)  // float comparisons
	set(0x67, 0x69, 1, 1, weightPlain)  // i32 clz ctz popcnt
	set(0x6a, 0x6c, 2, 1, weightPlain)  // i32 add sub mul
	set(0x6d, 0x70, 2, 1, weightDivide) // i32 div rem
	set(0x71, 0x78, 2, 1, weightPlain)  // i32 bits and shifts
	set(0x79, 0x7b, 1, 1, weightPlain)  // i64 clz ctz popcnt
	set(0x7c, 0x7e, 2, 1, weightPlain)  // i64 add sub mul
	set(0x7f, 0x82, 2, 1, weightDivide) // i64 div rem
	set(0x83, 0x8a, 2, 1, weightPlain)  // i64 bits and shifts
	for _, base := range [2]int{0x8b, 0x99} {
		set(base, base+5, 1, 1, weightFloat) // abs neg ceil floor trunc nearest
		set(base+6, base+6, 1, 1, weightRoot)
		set(base+7, base+13, 2, 1, weightFloat) // add sub mul div min max copysign
		t[base+10].weight = weightRoot
	}
	set(0xa7, 0xbf, 1, 1, weightPlain) // conversions
	set(0xc0, 0xc4, 1, 1, weightPlain) // sign extensions
	set(opRefIsNull, opRefIsNull, 1, 1, weightPlain)

	nan := func(from, to int, ty byte) {
		for op := from; op <= to; op++ {
			t[op].nan, t[op].eats = ty, true
		}
	}
	nan(0x8d, 0x97, typeF32) // ceil .. max: not abs, neg and copysign, which only move bits
	nan(0x9b, 0xa5, typeF64)
	nan(0xb6, 0xb6, typeF32) // demote
	nan(0xbb, 0xbb, typeF64) // promote
	for _, r := range [][2]int{{0x5b, 0x66}, {0xa8, 0xab}, {0xae, 0xb1}} {
		for op := r[0]; op <= r[1]; op++ {
			t[op].eats = true // comparisons and truncations
		}
	}
	return t
}
