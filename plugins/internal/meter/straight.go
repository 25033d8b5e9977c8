package meter

// form is what stands behind an opcode that straight decodes.
type form byte

const (
	other   form = iota // not decoded here
	bare                // nothing
	indexed             // the number of a local
	address             // alignment and offset
	number              // a signed number of up to five bytes
	long                // a signed number of up to ten bytes
)

// shape is all that the decoder has to know of an instruction whose effect is the
// same wherever it stands.
type shape struct {
	form      form
	pop, push int8
	weight    uint8
}

// shapes are the instructions before and after which nothing is ever inserted, of
// the simple ones and of the most frequent others: nine in ten of a body.
var shapes = func() (t [256]shape) {
	for op, s := range simples {
		if s.ok && s.nan == 0 {
			t[op] = shape{bare, int8(s.pop), int8(s.push), s.weight}
		}
	}
	t[opLocalGet] = shape{indexed, 0, 1, weightPlain}
	t[opLocalSet] = shape{indexed, 1, 0, weightPlain}
	t[opLocalTee] = shape{indexed, 1, 1, weightPlain}
	t[opI32Const] = shape{number, 0, 1, weightPlain}
	t[opI64Const] = shape{long, 0, 1, weightPlain}
	for op := opLoad; op < opStore; op++ {
		t[op] = shape{address, 1, 1, weightMemory}
	}
	for op := opStore; op < opMemSize; op++ {
		t[op] = shape{address, 2, 0, weightMemory}
	}
	return t
}()

// straight decodes the instructions up to the next one that needs more than its
// shape to be understood, or that is wrong: what it leaves, instr decodes and
// refuses. It adds them to d.instrs as one run.
func (d *body) straight() {
	if d.dead {
		return
	}
	r := &d.r
	b, p := r.b, r.p
	from := p
	height, base := d.height, d.top().base
	room := MaxInstrs - d.count
	touched, cur := d.touched, int32(d.cur)
	memory := d.m.mems > 0
	cost, count, heavy, reach := 0, 0, 0, 0
decoding:
	for p < len(b) && count < room {
		s := shapes[b[p]]
		if s.form == other || height-int(s.pop) < base {
			break
		}
		q := p + 1
		switch s.form {
		case indexed:
			x, n := short(b[q:])
			if n == 0 || x >= len(touched) {
				break decoding
			}
			q += n
			reach += int(cur - touched[x])
			touched[x] = cur
		case number:
			n := signedLen(b[q:], 5)
			if n == 0 {
				break decoding
			}
			q += n
		case long:
			n := signedLen(b[q:], 10)
			if n == 0 {
				break decoding
			}
			q += n
		case address:
			_, n := short(b[q:])
			if n == 0 || !memory {
				break decoding
			}
			q += n
			if _, n = short(b[q:]); n == 0 {
				break decoding
			}
			q += n
		}
		height += int(s.push) - int(s.pop)
		if height > d.highest {
			if height > MaxOperands {
				break
			}
			d.highest = height
		}
		cost += int(s.weight)
		if s.weight > weightPlain {
			heavy++
		}
		count++
		p = q
	}
	if count == 0 {
		return
	}
	r.p, d.height = p, height
	d.count += count
	d.heavy += heavy
	d.reach += reach
	d.blocks[d.cur].cost += int64(cost)
	if n := len(d.instrs); d.pending == 0 && n > 0 && d.instrs[n-1].run && !d.instrs[n-1].dead {
		d.instrs[n-1].end = int32(p)
		return
	}
	d.instrs = append(d.instrs, instr{off: int32(from), end: int32(p), charge: d.pending, nest: int32(len(d.frames)), op: b[from], run: true})
	d.pending = 0
}

// short reads a number of at most two bytes and returns how many it has, 0 for one
// that is longer or cut off.
func short(b []byte) (v, n int) {
	switch {
	case len(b) > 0 && b[0] < 0x80:
		return int(b[0]), 1
	case len(b) > 1 && b[1] < 0x80:
		return int(b[0]&0x7f) | int(b[1])<<7, 2
	}
	return 0, 0
}

// signedLen is the length of a signed number, 0 for one of more than most bytes or
// cut off.
func signedLen(b []byte, most int) int {
	for i, c := range b[:min(most, len(b))] {
		if c < 0x80 {
			return i + 1
		}
	}
	return 0
}
