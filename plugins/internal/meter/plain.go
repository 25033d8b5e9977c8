package meter

// plain decodes an instruction that does not branch or call.
func (d *body) plain(in *instr) (weight int) {
	r := &d.r
	if s := &simples[in.op]; s.ok {
		d.pop(int(s.pop))
		d.push(int(s.push))
		if !in.dead {
			d.nan32 = d.nan32 || s.nan == typeF32
			d.nan64 = d.nan64 || s.nan == typeF64
		}
		return int(s.weight)
	}
	switch op := in.op; {
	case op == opSelectT:
		if n := r.u32(); n != 1 {
			r.fail("select of %d types", n)
		}
		if t := r.byte(); !isValue(t) {
			r.fail("value type %#x is not allowed", t)
		}
		d.pop(3)
		d.push(1)
	case op >= opLocalGet && op <= opLocalTee:
		d.local(r.index(d.locals, "local"))
		if op != opLocalGet {
			d.pop(1)
		}
		if op != opLocalSet {
			d.push(1)
		}
	case op == opGlobalGet || op == opGlobalSet:
		r.index(d.m.globals, "global")
		if op == opGlobalGet {
			d.push(1)
		} else {
			d.pop(1)
		}
		return weightGlobal
	case op == opTableGet || op == opTableSet:
		r.index(len(d.m.tables), "table")
		if op == opTableGet {
			d.pop(1)
			d.push(1)
		} else {
			d.m.fresh = true
			d.pop(2)
		}
		return weightTableRef
	case op >= opLoad && op < opMemSize:
		r.u32() // alignment
		r.u32() // offset
		d.memory()
		if op < opStore {
			d.pop(1)
			d.push(1)
		} else {
			d.pop(2)
		}
		return weightMemory
	case op == opMemSize || op == opMemGrow:
		r.zero()
		d.memory()
		if op == opMemGrow {
			d.bulk = d.bulk || !in.dead
			d.pop(1)
			d.push(1)
			return weightGrow
		}
		d.push(1)
	case op >= opI32Const && op <= opF64Const:
		switch op {
		case opI32Const:
			r.signed(5)
		case opI64Const:
			r.signed(10)
		case opF32Const:
			r.skip(4)
		case opF64Const:
			r.skip(8)
		}
		d.push(1)
	case op == opRefNull:
		if t := r.byte(); !isRef(t) {
			r.fail("reference type %#x", t)
		}
		d.push(1)
	case op == opRefFunc:
		if x := r.index(len(d.m.funcs), "function"); !d.m.declared[x] {
			r.fail("function %d is not declared for reference", x)
		}
		d.push(1)
		return weightTableRef
	case op == opMisc:
		return d.misc(in)
	default:
		r.fail("instruction %#x is not allowed", op)
	}
	return weightPlain
}

func (d *body) memory() {
	if d.m.mems == 0 {
		d.r.fail("no memory")
	}
}

func (d *body) misc(in *instr) (weight int) {
	r := &d.r
	sub := r.max(miscTableFill, "instruction 0xfc")
	in.sub = byte(sub)
	data := func() {
		if d.m.dataCount < 0 {
			r.fail("data count section missing")
		}
		r.index(d.m.dataCount, "data segment")
	}
	table := func() { r.index(len(d.m.tables), "table") }
	pop, push := 3, 0
	weight = weightBulk
	switch sub {
	case miscDataDrop, miscElemDrop, miscTableInit, miscTableCopy, miscTableGrow, miscTableFill:
		d.m.fresh = true // what this changes cannot be put back
	}
	switch sub {
	case miscMemInit:
		data()
		r.zero()
		d.memory()
	case miscDataDrop:
		data()
		pop = 0
	case miscMemCopy:
		r.zero()
		r.zero()
		d.memory()
	case miscMemFill:
		r.zero()
		d.memory()
	case miscTableInit:
		r.index(d.m.elems, "element segment")
		table()
	case miscElemDrop:
		r.index(d.m.elems, "element segment")
		pop = 0
	case miscTableCopy:
		table()
		table()
	case miscTableGrow:
		table()
		pop, push = 2, 1
	case miscTableSize:
		table()
		pop, push = 0, 1
	case miscTableFill:
		table()
	default: // saturating truncations
		pop, push, weight = 1, 1, weightPlain
	}
	if in.sized() {
		d.bulk = d.bulk || !in.dead
	}
	d.pop(pop)
	d.push(push)
	return weight
}

// sized reports whether the instruction's work grows with the number on top of
// the stack.
func (in *instr) sized() bool {
	if in.op == opMemGrow {
		return true
	}
	if in.op != opMisc {
		return false
	}
	switch in.sub {
	case miscMemInit, miscMemCopy, miscMemFill, miscTableInit, miscTableCopy, miscTableGrow, miscTableFill:
		return true
	}
	return false
}

// eats reports whether the instruction reads the float on top of the stack
// without showing the bits of a NaN.
func (in *instr) eats() bool {
	return simples[in.op].eats || in.op == opMisc && in.sub <= miscTruncLast
}

// copied marks the instructions of plain before and after which nothing is ever
// inserted.
var copied = func() (t [256]bool) {
	for op := range t {
		t[op] = simples[op].nan == 0 && op != opMemGrow && op != opMisc
	}
	return t
}()
