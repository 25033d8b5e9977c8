package meter

// rewriter emits one function.
type rewriter struct {
	m     *module
	opt   Options
	body  body
	out   []byte
	local bool // the fuel lives in a local
	cold  bool // an out-of-fuel place lies behind the body
	wrap  bool // the body stands in a block of its own, to which return branches
	weigh int  // what the function takes of the call depth, 0 for one that calls nothing
	early bool // the counter is written back before each return, not behind the body

	// Of the counter's local, where the emitted code stands:
	stale bool // a call changed the counter: the local must be loaded before it is used
	dirty bool // the local may differ from the counter

	fuel, depth, size, f32, f64 int    // injected locals
	get, set                    []byte // the instructions that read and write the counter
}

func (w *rewriter) fuelGlobal() int  { return w.m.globals }
func (w *rewriter) depthGlobal() int { return w.m.globals + 1 }
func (w *rewriter) fullGlobal() int  { return w.m.globals + 2 }

func (w *rewriter) op(op byte, v ...int) {
	w.out = append(w.out, op)
	for _, x := range v {
		w.out = appendU(w.out, x)
	}
}

func (w *rewriter) i32(v int64) { w.out = appendS(append(w.out, opI32Const), v) }
func (w *rewriter) i64(v int64) { w.out = appendS(append(w.out, opI64Const), v) }

// access encodes how the counter is read and written in this function.
func (w *rewriter) access() {
	get, set, x := byte(opGlobalGet), byte(opGlobalSet), w.fuelGlobal()
	if w.local {
		get, set, x = opLocalGet, opLocalSet, w.fuel
	}
	w.get = appendU(append(w.get[:0], get), x)
	w.set = appendU(append(w.set[:0], set), x)
}

func (w *rewriter) getFuel() { w.out = append(w.out, w.get...) }
func (w *rewriter) setFuel() {
	w.out = append(w.out, w.set...)
	w.dirty = true
}

// flush writes the local counter back where it may differ.
func (w *rewriter) flush() {
	if w.local && w.dirty {
		w.op(opLocalGet, w.fuel)
		w.op(opGlobalSet, w.fuelGlobal())
		w.dirty = false
	}
}

// load reads the local counter where it does not hold.
func (w *rewriter) load() {
	if w.local && w.stale {
		w.op(opGlobalGet, w.fuelGlobal())
		w.op(opLocalSet, w.fuel)
		w.stale = false
	}
}

// check leaves for the cold place when the fuel is negative. The cold place is
// the label just outside the wrapping block.
func (w *rewriter) check(in *instr) {
	w.getFuel()
	w.i64(0)
	w.op(opI64LtS)
	w.op(opBrIf, int(in.nest))
}

func (w *rewriter) charge(in *instr, b *block) {
	if b.cost > 0 {
		if w.stale {
			w.op(opGlobalGet, w.fuelGlobal())
			w.stale = false
		} else {
			w.getFuel()
		}
		w.out = append(appendS(append(w.out, opI64Const), b.cost), opI64Sub)
		w.setFuel()
	}
	if b.check && w.cold {
		w.load()
		w.check(in)
	}
}

// chargeSize pays for the number on top of the stack before the instruction
// that works through it.
func (w *rewriter) chargeSize(in *instr) {
	w.load()
	w.op(opLocalTee, w.size)
	w.getFuel()
	w.op(opLocalGet, w.size)
	w.op(opI64ExtendU)
	switch {
	case in.op == opMemGrow:
		w.i64(growShift)
		w.op(opI64Shl)
	case in.sub == miscMemInit || in.sub == miscMemCopy || in.sub == miscMemFill:
		w.i64(bulkBytesShift)
		w.op(opI64ShrU)
	}
	w.op(opI64Sub)
	w.setFuel()
	w.check(in)
}

// noteFull remembers a refused memory.grow, whose result lies on the stack.
func (w *rewriter) noteFull() {
	w.op(opLocalTee, w.size)
	w.op(opLocalGet, w.size)
	w.i32(-1)
	w.op(opI32Eq)
	w.op(opGlobalGet, w.fullGlobal())
	w.op(opI32Or)
	w.op(opGlobalSet, w.fullGlobal())
}

// canonical replaces the NaN on top of the stack, if it is one, by the positive
// quiet NaN without payload.
func (w *rewriter) canonical(t byte) {
	l := w.f64
	if t == typeF32 {
		l = w.f32
	}
	w.op(opLocalTee, l)
	if t == typeF32 {
		w.out = append(w.out, opF32Const, 0, 0, 0xc0, 0x7f)
	} else {
		w.out = append(w.out, opF64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
	}
	w.op(opLocalGet, l)
	w.op(opLocalGet, l)
	if t == typeF32 {
		w.op(opF32Eq)
	} else {
		w.op(opF64Eq)
	}
	w.op(opSelect)
}

// function rewrites the body b of a function of type t and returns it, valid
// until the next call.
func (w *rewriter) function(b []byte, t funcType) ([]byte, error) {
	d := &w.body
	d.m = w.m
	groups, from, to, err := d.decode(b, t)
	if err != nil {
		return nil, err
	}
	w.local = !w.opt.NoFuel && (d.loops || len(d.blocks) > 3)
	w.cold = !w.opt.NoFuel && (d.loops || d.calls || d.bulk)
	w.weigh = 0
	if d.calls && !w.opt.NoDepth {
		w.weigh = 1 + (d.locals+d.highest)/frameSlots
	}
	w.wrap = w.local || w.cold || w.weigh > 0
	w.early = w.local && !d.leaves
	w.stale, w.dirty = w.local, false
	w.declare(b[from:to], groups)
	w.prologue(t)
	w.copy(b)
	return w.out, nil
}

// declare emits the locals, the function's own and then ours.
func (w *rewriter) declare(own []byte, groups int) {
	d := &w.body
	var extra []byte
	next, more := d.locals, 0
	add := func(need bool, t byte) int {
		if !need {
			return -1
		}
		extra = append(extra, 1, t)
		more++
		next++
		return next - 1
	}
	w.fuel = add(w.local, typeI64)
	w.depth = add(w.weigh > 0, typeI32)
	w.size = add(d.bulk, typeI32)
	w.f32 = add(d.nan32 && !w.opt.NoNaN, typeF32)
	w.f64 = add(d.nan64 && !w.opt.NoNaN, typeF64)
	w.out = appendU(w.out[:0], groups+more)
	w.out = append(w.out, own...)
	w.out = append(w.out, extra...)
	w.access()
}

func (w *rewriter) prologue(t funcType) {
	if w.cold {
		w.out = append(w.out, opBlock, blockVoid)
	}
	if w.weigh > 0 {
		w.op(opGlobalGet, w.depthGlobal())
		w.i32(int64(w.weigh))
		w.op(opI32Sub)
		w.op(opLocalTee, w.depth)
		w.op(opGlobalSet, w.depthGlobal())
		w.op(opLocalGet, w.depth)
		w.i32(0)
		w.op(opI32LtS)
		if w.cold {
			w.load() // the cold place writes it back
			w.op(opBrIf, 0)
		} else {
			w.out = append(w.out, opIf, blockVoid, opUnreachable, opEnd)
		}
	}
	if w.wrap {
		w.op(opBlock)
		w.out = append(w.out, w.m.blockType(t.results)...)
	}
}

// leave stands before each way out of the body.
func (w *rewriter) leave() {
	if w.early {
		w.flush()
	} else {
		w.load()
	}
}

func (w *rewriter) epilogue() {
	if w.wrap {
		w.leave()
		w.op(opEnd)
		if !w.early {
			w.dirty = true // some branch may come with it so
			w.flush()
		}
		if w.weigh > 0 {
			w.op(opGlobalGet, w.depthGlobal())
			w.i32(int64(w.weigh))
			w.op(opI32Add)
			w.op(opGlobalSet, w.depthGlobal())
		}
		if w.cold {
			w.out = append(w.out, opReturn, opEnd)
			w.dirty = true
			w.flush()
			w.op(opUnreachable)
		}
	}
	w.op(opEnd)
}

// crossings are the instructions where ways part or meet: on all of them the local
// counter holds.
var crossings = [256]bool{opLoop: true, opIf: true, opElse: true, opEnd: true, opBr: true, opBrIf: true, opBrTable: true}

// copy emits the instructions with what each needs before and after it. Those
// that need nothing are copied in runs: most of a body is.
func (w *rewriter) copy(b []byte) {
	d := &w.body
	run := int32(-1) // where the run that is not copied yet begins, -1 for none
	catchUp := func(to int32) {
		if run >= 0 {
			w.out = append(w.out, b[run:to]...)
			run = -1
		}
	}
	last := len(d.instrs) - 1
	for i := range d.instrs {
		in := &d.instrs[i]
		if in.charge > 0 && !w.opt.NoFuel {
			catchUp(in.off)
			w.charge(in, &d.blocks[in.charge-1])
		}
		if i == last {
			catchUp(in.off)
			w.epilogue()
			return
		}
		if crossings[in.op] && !in.run {
			if w.stale && !in.dead {
				catchUp(in.off)
				w.load()
			}
			// Others come this way, too.
			if in.op != opIf && in.op != opBrIf {
				w.stale, w.dirty = false, true
			}
		}
		raw := b[in.off:in.end]
		switch {
		default:
			if run < 0 {
				run = in.off
			}
			if t := simples[in.op].nan; t != 0 && !in.dead && !w.opt.NoNaN && !d.instrs[i+1].eats() {
				catchUp(in.end)
				w.canonical(t)
			}
		case in.op == opReturn && w.wrap:
			catchUp(in.off)
			if !in.dead {
				w.leave()
			}
			w.op(opBr, int(in.nest)-1)
		case in.dead:
			if run < 0 {
				run = in.off
			}
		case in.op == opCall || in.op == opCallInd:
			catchUp(in.off)
			w.flush()
			w.out = append(w.out, raw...)
			w.stale = w.local
		case in.sized():
			catchUp(in.off)
			if !w.opt.NoFuel {
				w.chargeSize(in)
			}
			w.out = append(w.out, raw...)
			if in.op == opMemGrow {
				w.noteFull()
			}
		}
	}
}
