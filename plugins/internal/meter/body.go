package meter

// instr is one instruction of a function being rewritten, or a run of them that
// are copied as they stand; of a run, op is the first.
type instr struct {
	off, end int32 // where it stands in the body
	charge   int32 // 1 + the block that begins here, 0 for none
	nest     int32 // blocks open before it, the function's own included
	op, sub  byte
	dead     bool // can never run
	run      bool // what follows may be joined to it
}

// block is a basic block: instructions that all run when the first one does.
type block struct {
	cost  int64
	check bool // the fuel is tested here
}

// frame is an open structured instruction.
type frame struct {
	op      byte
	dead    bool // it was entered in dead code
	poly    bool // the rest of the frame cannot run, so that operands may be missing
	used    bool // a branch leads to its end
	base    int  // height of the stack below its operands
	params  int
	results int
	first   int // its first basic block, for a loop
}

// body decodes functions, one after another, reusing its memory.
type body struct {
	m       *module
	r       reader
	instrs  []instr
	count   int // instructions in instrs, those of runs each for itself
	blocks  []block
	frames  []frame
	locals  int // parameters included
	height  int
	highest int
	targets int     // br_table targets of the function
	heavy   int     // instructions that weigh more than one: loads, stores, calls, floats
	rounds  int     // loops
	reach   int     // blocks between uses of locals, summed
	passed  int     // operands handed over, summed
	touched []int32 // block in which each local was used last

	cur     int   // block being filled
	pending int32 // charge to attach to the next instruction
	dead    bool

	loops, calls, bulk, nan32, nan64 bool
	leaves                           bool // a branch, not a return, leads out of the function
}

// decode reads the code of one function of type t, whose locals stand in front.
// It returns where the locals' declarations begin and end and their count.
func (d *body) decode(b []byte, t funcType) (groups, from, to int, err error) {
	if len(b) > MaxBody {
		return 0, 0, 0, refuse("body of %d bytes, over the limit of %d", len(b), MaxBody)
	}
	d.r = reader{b: b}
	r := &d.r
	groups = r.max(MaxLocals, "locals")
	from = r.p
	d.locals = len(t.params)
	for i := 0; i < groups && r.err == nil; i++ {
		d.locals += r.max(MaxLocals-d.locals, "locals")
		if t := r.byte(); !isValue(t) {
			r.fail("local of type %#x", t)
		}
	}
	to = r.p
	d.touched = append(d.touched[:0], make([]int32, d.locals)...)
	d.instrs, d.blocks, d.frames = d.instrs[:0], d.blocks[:0], d.frames[:0]
	d.count, d.height, d.highest, d.targets, d.heavy, d.rounds, d.reach, d.passed = 0, 0, 0, 0, 0, 0, 0, 0
	d.dead, d.loops, d.calls, d.bulk, d.nan32, d.nan64, d.leaves = false, false, false, false, false, false, false
	d.begin(true)
	d.blocks[0].cost = int64(weightPlain + d.locals/localsPerUnit)
	d.frames = append(d.frames, frame{op: opBlock, results: len(t.results)})
	for len(d.frames) > 0 && r.err == nil {
		d.straight()
		d.instr()
	}
	r.end("body")
	work := d.work()
	if d.m.work += work; work > MaxWork || d.m.work > MaxWorkSum {
		r.fail("too much to compile: %d blocks, %d loops, %d br_table targets in a function", len(d.blocks), d.rounds, d.targets)
	}
	return groups, from, to, r.err
}

func (d *body) begin(check bool) {
	d.blocks = append(d.blocks, block{check: check})
	d.cur = len(d.blocks) - 1
	d.pending = int32(len(d.blocks))
}

func (d *body) top() *frame { return &d.frames[len(d.frames)-1] }

func (d *body) pop(n int) {
	f := d.top()
	d.height -= n
	if d.height < f.base {
		if !f.poly {
			d.r.fail("operand missing")
		}
		d.height = f.base
	}
}

func (d *body) push(n int) {
	d.height += n
	if d.height > d.highest {
		d.highest = d.height
		if d.highest > MaxOperands {
			d.r.fail("more than %d operands wait on the stack", MaxOperands)
		}
	}
}

// stop marks the rest of the frame as unreachable.
func (d *body) stop() {
	f := d.top()
	f.poly = true
	d.height = f.base
	d.dead = true
	d.pending = 0
}

func (d *body) label() {
	x := d.r.index(len(d.frames), "label")
	if d.r.err != nil {
		return
	}
	f := &d.frames[len(d.frames)-1-x]
	f.used = true
	d.leaves = d.leaves || x == len(d.frames)-1
	if f.op == opLoop {
		d.passed += f.params
	} else {
		d.passed += f.results
	}
}

// instr decodes one instruction, prices it and appends it to d.instrs.
func (d *body) instr() {
	r := &d.r
	in := instr{off: int32(r.p), nest: int32(len(d.frames)), dead: d.dead}
	in.op = r.byte()
	if !d.dead {
		in.charge, d.pending = d.pending, 0
	}
	at, live := d.cur, !d.dead
	weight := weightPlain
	// Structured instructions change the current block after they are appended.
	after := stay
	switch op := in.op; op {
	case opUnreachable, opReturn:
		d.stop()
	case opNop:
		weight = 0
	case opBlock, opLoop, opIf:
		weight = d.open(op)
		switch {
		case !live:
		case op == opLoop:
			d.loops = true
			d.rounds++
			after = enterLoop
		case op == opIf:
			after = enter
		}
	case opElse:
		weight = 0
		after = d.otherwise()
	case opEnd:
		weight = 0
		after = d.close()
	case opBr:
		d.label()
		d.stop()
	case opBrIf:
		d.pop(1)
		d.label()
		if live {
			after = enter
		}
	case opBrTable:
		weight = weightBranchT
		d.pop(1)
		n := r.max(MaxBranches-1-d.targets, "br_table targets")
		d.targets += n + 1
		d.m.branches += n + 1
		if d.m.branches > MaxBranchSum {
			r.fail("more than %d br_table targets", MaxBranchSum)
		}
		for i := 0; i <= n && r.err == nil; i++ {
			d.label()
		}
		d.stop()
	case opCall:
		weight = weightCall + d.call(r.index(len(d.m.funcs), "function"))
	case opCallInd:
		weight = weightCallInd + d.callIndirect()
	default:
		weight = d.plain(&in)
		in.run = copied[op]
	}
	if live {
		d.blocks[at].cost += int64(weight)
	}
	if weight > weightPlain && in.op != opBrTable {
		d.heavy++
	}
	in.end = int32(r.p)
	if d.count++; d.count > MaxInstrs {
		r.fail("more than %d instructions", MaxInstrs)
	}
	if n := len(d.instrs); in.run && in.charge == 0 && n > 0 && d.instrs[n-1].run && d.instrs[n-1].dead == in.dead {
		d.instrs[n-1].end = in.end
		return
	}
	d.instrs = append(d.instrs, in)
	if r.err == nil {
		d.follow(after)
	}
}

// next is what becomes of the current block behind a structured instruction.
type next byte

const (
	stay      next = iota // it goes on
	enter                 // another begins
	enterLoop             // a loop's begins
	revive                // another begins, which can be reached though the code before could not
	die                   // what follows cannot run
)

func (d *body) follow(n next) {
	switch n {
	case enter:
		d.begin(false)
	case enterLoop:
		d.begin(true)
		d.blocks[d.cur].cost = weightPlain
		d.top().first = d.cur
	case revive:
		d.dead = false
		d.begin(false)
	case die:
		d.dead = true
		d.pending = 0
	}
}

// open enters a block, loop or if, whose own weight it returns.
func (d *body) open(op byte) (weight int) {
	f := frame{op: op, dead: d.dead}
	switch t := d.r.s33(); {
	case d.r.err != nil:
		return 0
	case t >= int64(len(d.m.types)):
		d.r.fail("type %d does not exist", t)
	case t >= 0:
		ft := d.m.types[t]
		f.params, f.results = len(ft.params), len(ft.results)
	case t == blockVoid-0x80:
	case t > -0x40 && isValue(byte(t+0x80)):
		f.results = 1
	default:
		d.r.fail("block type %d is not allowed", t)
	}
	if op == opIf {
		d.pop(1)
		weight = weightPlain
	}
	d.pop(f.params)
	f.base = d.height
	if len(d.frames) >= MaxNesting {
		d.r.fail("more than %d blocks inside each other", MaxNesting)
	}
	if d.r.err != nil {
		return 0
	}
	d.frames = append(d.frames, f)
	d.push(f.params)
	return weight
}

func (d *body) settle(f *frame) {
	if d.height != f.base+f.results && !(f.poly && d.height < f.base+f.results) {
		d.r.fail("%d operands at the end of a block of %d", d.height-f.base, f.results)
	}
}

func (d *body) otherwise() next {
	f := d.top()
	if f.op != opIf {
		d.r.fail("else without if")
		return stay
	}
	d.settle(f)
	f.op, f.poly = opElse, false
	d.height = f.base
	d.push(f.params)
	if f.dead {
		return stay
	}
	return revive
}

func (d *body) close() next {
	f := *d.top()
	d.settle(&f)
	if f.op == opIf && f.params != f.results {
		d.r.fail("if without else changes the stack")
	}
	d.frames = d.frames[:len(d.frames)-1]
	d.height = f.base
	if len(d.frames) == 0 {
		return stay
	}
	d.push(f.results)
	d.passed += f.results
	if f.op == opLoop && f.used && !f.dead {
		d.back(f.first)
	}
	fell := !d.dead // the end is reached from above
	joins := f.used && f.op != opLoop || f.op == opIf || f.op == opElse
	switch {
	case f.dead:
		return die
	case joins || f.op == opLoop && fell:
		return revive
	case fell:
		return stay // the block goes on behind the end
	}
	return die
}

func (d *body) call(x int) (weight int) {
	d.calls = true
	if d.r.err != nil {
		return 0
	}
	return d.apply(d.m.types[d.m.funcs[x]])
}

func (d *body) callIndirect() (weight int) {
	d.calls = true
	t := d.r.index(len(d.m.types), "type")
	d.r.index(len(d.m.tables), "table")
	d.pop(1)
	if d.r.err != nil {
		return 0
	}
	return d.apply(d.m.types[t])
}

func (d *body) apply(t funcType) (weight int) {
	d.pop(len(t.params))
	d.push(len(t.results))
	d.passed += len(t.params) + len(t.results)
	return (len(t.params) + len(t.results)) / arityPerUnit
}
