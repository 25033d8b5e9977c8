package wasm

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// evaluator is a second opinion: it runs the integer programs of the generator by
// walking over their bytes, and adds up what each instruction costs when it is
// executed. It shares no code with the meter, which prices blocks.
type evaluator struct {
	funcs []evaluated
	mem   [2 * wasmPage]byte
	fuel  uint64
	bound uint64
	depth int
}

// evaluated is a function without parameters that matter.
type evaluated struct {
	locals int
	code   []byte // with its end
}

var (
	errEvalTrap = errors.New("trap")
	errEvalFuel = errors.New("out of fuel")
)

// evalFrame is a call: its operands, its locals, and where it stands.
type evalFrame struct {
	e      *evaluator
	code   []byte
	pc     int
	stack  []uint64
	locals []uint64
	labels []evalLabel
}

// evalLabel is a block that is open.
type evalLabel struct {
	head   int // of a loop, to which branches go back; -1 for others
	height int
}

func (e *evaluator) call(f int) (last uint64, err error) {
	if e.depth++; e.depth > 1000 {
		return 0, errEvalTrap
	}
	defer func() { e.depth-- }()
	fn := e.funcs[f]
	e.fuel += 1 + uint64(fn.locals)/8
	r := &evalFrame{e: e, code: fn.code, locals: make([]uint64, fn.locals), labels: []evalLabel{{-1, 0}}}
	for len(r.labels) > 0 {
		if err := r.step(); err != nil {
			return 0, err
		}
		if e.fuel > e.bound {
			return 0, errEvalFuel
		}
	}
	if n := len(r.stack); n > 0 {
		last = r.stack[n-1]
	}
	return last, nil
}

func (r *evalFrame) pop() uint64 {
	v := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	return v
}

func (r *evalFrame) push(v uint64) { r.stack = append(r.stack, v) }

func (r *evalFrame) unsigned() uint64 {
	v, n := binary.Uvarint(r.code[r.pc:])
	r.pc += n
	return v
}

func (r *evalFrame) signed() int64 {
	var v int64
	for s := uint(0); ; s += 7 {
		c := r.code[r.pc]
		r.pc++
		v |= int64(c&0x7f) << s
		if c < 0x80 {
			if s += 7; s < 64 && c&0x40 != 0 {
				v |= -1 << s
			}
			return v
		}
	}
}

// skip passes over one instruction, and over the whole of a block.
func (r *evalFrame) skip() (op byte) {
	op = r.code[r.pc]
	r.pc++
	switch op {
	case 0x02, 0x03, 0x04:
		r.pc++
		for r.skip() != 0x0b {
		}
		return 0
	case 0x0d, 0x0c, 0x10, 0x20, 0x21:
		r.unsigned()
	case 0x0e:
		for n := r.unsigned() + 1; n > 0; n-- {
			r.unsigned()
		}
	case 0x29, 0x36, 0x37:
		r.unsigned()
		r.unsigned()
	case 0x41, 0x42:
		r.signed()
	case 0xfc:
		switch r.unsigned() {
		case 10:
			r.pc += 2
		case 11:
			r.pc++
		}
	}
	return op
}

// branch leaves for the nth label.
func (r *evalFrame) branch(n uint64) {
	r.labels = r.labels[:len(r.labels)-int(n)]
	l := r.labels[len(r.labels)-1]
	if r.stack = r.stack[:l.height]; l.head >= 0 {
		r.pc = l.head
		r.e.fuel++ // the loop's head
		return
	}
	// To the end of the block: its depth is found from its begin, so walk from
	// here, out of as many blocks as were left.
	for left := int(n) + 1; left > 0; {
		if r.skip() == 0x0b {
			left--
		}
	}
	r.labels = r.labels[:len(r.labels)-1]
}

func (r *evalFrame) step() error {
	op := r.code[r.pc]
	r.pc++
	cost := uint64(1)
	switch op {
	case 0x00:
		return errEvalTrap
	case 0x02, 0x03, 0x04:
		r.pc++
		l := evalLabel{-1, len(r.stack)}
		switch op {
		case 0x02:
			cost = 0
		case 0x03:
			l.head = r.pc
		case 0x04:
			taken := uint32(r.pop()) != 0
			l.height--
			if !taken {
				for end := r.skip(); end != 0x05; end = r.skip() {
					if end == 0x0b {
						r.e.fuel++
						return nil
					}
				}
			}
		}
		r.labels = append(r.labels, l)
	case 0x05: // the end of what was taken
		cost = 0
		r.branch(0)
	case 0x0b:
		cost = 0
		r.labels = r.labels[:len(r.labels)-1]
	case 0x0d:
		n := r.unsigned()
		if uint32(r.pop()) != 0 {
			r.branch(n)
		}
	case 0x0e:
		cost = 3
		n, x := r.unsigned(), uint32(r.pop())
		for range min(uint64(x), n) {
			r.unsigned()
		}
		to := r.unsigned()
		for i := min(uint64(x), n); i < n; i++ {
			r.unsigned()
		}
		r.branch(to)
	case 0x10:
		cost = 5
		if _, err := r.e.call(int(r.unsigned())); err != nil {
			return err
		}
	case 0x20:
		r.push(r.locals[r.unsigned()])
	case 0x21:
		r.locals[r.unsigned()] = r.pop()
	case 0x29:
		cost = 2
		r.unsigned() // alignment
		r.push(binary.LittleEndian.Uint64(r.e.mem[uint64(uint32(r.pop()))+r.unsigned():]))
	case 0x36, 0x37:
		cost = 2
		r.unsigned()
		v, at := r.pop(), uint64(uint32(r.pop()))+r.unsigned()
		if op == 0x36 {
			binary.LittleEndian.PutUint32(r.e.mem[at:], uint32(v))
		} else {
			binary.LittleEndian.PutUint64(r.e.mem[at:], v)
		}
	case 0x41, 0x42:
		r.push(uint64(r.signed()))
	case 0x79:
		r.push(uint64(bits.LeadingZeros64(r.pop())))
	case 0x7a:
		r.push(uint64(bits.TrailingZeros64(r.pop())))
	case 0x7b:
		r.push(uint64(bits.OnesCount64(r.pop())))
	case 0xa7:
		r.push(uint64(uint32(r.pop())))
	case 0xfc:
		switch r.unsigned() {
		case 6: // the only float is a zero that nobody wrote
		case 10:
			r.pc += 2
			n, from, to := uint32(r.pop()), uint32(r.pop()), uint32(r.pop())
			copy(r.e.mem[to:to+n], r.e.mem[from:from+n])
			cost = 20 + uint64(n)/4
		case 11:
			r.pc++
			n, v, to := uint32(r.pop()), byte(r.pop()), uint32(r.pop())
			for i := range n {
				r.e.mem[to+i] = v
			}
			cost = 20 + uint64(n)/4
		}
	default:
		b, a := r.pop(), r.pop()
		var v uint64
		switch op {
		case 0x7c:
			v = a + b
		case 0x7d:
			v = a - b
		case 0x7e:
			v = a * b
		case 0x83:
			v = a & b
		case 0x84:
			v = a | b
		case 0x85:
			v = a ^ b
		case 0x86:
			v = a << (b & 63)
		case 0x88:
			v = a >> (b & 63)
		case 0x7f, 0x82:
			cost = 4
			if b == 0 || op == 0x7f && a == 1<<63 && b == 1<<64-1 {
				return errEvalTrap
			}
			if v = a % b; op == 0x7f {
				v = uint64(int64(a) / int64(b))
			}
		default:
			return errors.New("an instruction that the generator does not write")
		}
		r.push(v)
	}
	r.e.fuel += cost
	return nil
}

// TestFuelTwice: an evaluator that adds up single instructions finds the fuel and
// the reply of 1,000 random modules, exactly.
func TestFuelTwice(t *testing.T) {
	engine, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{8})
	equal, most := 0, uint64(0)
	for tries := 0; equal < 1000; tries++ {
		if tries == 4000 {
			t.Fatalf("only %d of %d programs ended", equal, tries)
		}
		choices := make([]byte, 400)
		random.Read(choices)
		man := testManifest()
		man.Fuel = 200_000
		w := &writer{choices: choices, whole64: true}
		call, side := w.program()
		e := &evaluator{bound: man.Fuel, funcs: []evaluated{{0, []byte{0x0b}}, {1, cat([]byte{0x41}, sleb(256), []byte{0x0b})},
			{9, cat(call, []byte{0x0b})}, {0, []byte{0x0b}}, {9, cat(side, []byte{0x0b})}}}
		var last uint64
		for _, f := range []int{3, 1, 2} {
			if last, err = e.call(f); err != nil {
				break
			}
		}
		if errors.Is(err, errEvalTrap) {
			continue // the meter pays for the whole block in which a trap lies
		}
		m, loadErr := engine.Load(t.Context(), assemble(call, side, &man))
		if loadErr != nil {
			t.Fatal(loadErr)
		}
		r, callErr := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{})
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		switch {
		case err != nil && !errors.Is(err, errEvalFuel):
			t.Fatal(err)
		case errors.Is(err, errEvalFuel):
			if !errors.Is(callErr, plugins.ErrFuel) && !errors.Is(callErr, plugins.ErrTrap) {
				t.Fatalf("program %d: more than %d units, here %v, fuel %d", tries, man.Fuel, callErr, r.Fuel)
			}
			continue
		case callErr != nil:
			t.Fatalf("program %d: %v, elsewhere it ends with fuel %d", tries, callErr, e.fuel)
		}
		body := e.mem[last>>32+envelopeHead : last>>32+last&(1<<32-1)]
		if r.Fuel != e.fuel || string(r.Body) != string(body) {
			t.Fatalf("program %d: fuel %d, elsewhere %d; replies equal: %v", tries, r.Fuel, e.fuel, string(r.Body) == string(body))
		}
		equal++
		most = max(most, e.fuel)
	}
	t.Logf("%d programs, the dearest of %d units", equal, most)
}
