package image

import "math/bits"

// A module may import ten functions of WASI, and the standard library's
// compress/flate draws in package fmt and with it files, which are none of them:
// such a module is refused. So the picture formats are read here, in integers, with
// bounds known before anything is allocated.

const (
	maxCode  = 15 // bits of the longest code
	literals = 286
	offsets  = 30
)

// inflater reads a deflate stream (RFC 1951) of known length.
type inflater struct {
	in   []byte
	at   int    // next byte of in
	bits uint64 // read ahead, the next bit lowest
	n    uint   // how many
	out  []byte // of the length wanted at most
	bad  bool   // the stream is broken; what follows does not matter
}

// quick is the number of bits of the codes that are found in a table.
const quick = 9

// code is a canonical prefix code: how many codes each length has, and the symbols
// in the codes' order. short has for each quick bits the symbol whose code they
// begin with and, above 9 bits, the code's length; 0 for longer codes.
type code struct {
	count  [maxCode + 1]uint16
	symbol [literals + 2]uint16
	short  [1 << quick]uint16
}

// inflate unpacks exactly size bytes and returns them with what follows the stream.
// It reports false for a stream that is broken, or of another length.
func inflate(in []byte, size int) (out, rest []byte, ok bool) {
	f := &inflater{in: in, out: make([]byte, 0, size)}
	for last := false; !last && !f.bad; {
		last = f.take(1) == 1
		switch f.take(2) {
		case 0:
			f.stored()
		case 1:
			f.block(&fixedLiterals, &fixedOffsets)
		case 2:
			f.dynamic()
		default:
			f.bad = true
		}
	}
	if f.bad || len(f.out) != size {
		return nil, nil, false
	}
	return f.out, f.in[f.at-int(f.n/8):], true
}

// fill reads ahead as far as 64 bits hold.
func (f *inflater) fill() {
	for f.n <= 56 && f.at < len(f.in) {
		f.bits |= uint64(f.in[f.at]) << f.n
		f.at++
		f.n += 8
	}
}

// take returns the next n bits, at most 16.
func (f *inflater) take(n uint) uint {
	if f.n < n {
		if f.fill(); f.n < n {
			f.bad = true
			return 0
		}
	}
	v := f.bits & (1<<n - 1)
	f.bits >>= n
	f.n -= n
	return uint(v)
}

func (f *inflater) stored() {
	f.take(f.n % 8)
	n, check := f.take(16), f.take(16)
	f.at -= int(f.n / 8) // what was read ahead is put back
	f.bits, f.n = 0, 0
	if f.bad || n != ^check&0xffff || int(n) > cap(f.out)-len(f.out) || int(n) > len(f.in)-f.at {
		f.bad = true
		return
	}
	f.out = append(f.out, f.in[f.at:f.at+int(n)]...)
	f.at += int(n)
}

// symbol reads one symbol.
func (f *inflater) symbol(c *code) uint {
	if f.n < maxCode {
		f.fill()
	}
	if v := c.short[f.bits&(1<<quick-1)]; v != 0 && uint(v>>9) <= f.n {
		f.bits >>= v >> 9
		f.n -= uint(v >> 9)
		return uint(v & 511)
	}
	value, first, index := 0, 0, 0
	for n := 1; n <= maxCode && f.n > 0; n++ {
		value |= int(f.bits & 1)
		f.bits >>= 1
		f.n--
		count := int(c.count[n])
		if value-count < first {
			return uint(c.symbol[index+value-first])
		}
		index += count
		first = (first + count) << 1
		value <<= 1
	}
	f.bad = true
	return 0
}

// build makes a code of the lengths of its symbols' codes. It reports false for
// lengths that leave codes unused, unless there is only one code, or that use more
// than there are.
func (c *code) build(lengths []byte) bool {
	c.count = [maxCode + 1]uint16{}
	for _, n := range lengths {
		c.count[n]++
	}
	used := len(lengths) - int(c.count[0])
	c.count[0] = 0
	left := 1
	var at [maxCode + 2]uint16
	for n := 1; n <= maxCode; n++ {
		left = left<<1 - int(c.count[n])
		if left < 0 {
			return false
		}
		at[n+1] = at[n] + c.count[n]
	}
	for s, n := range lengths {
		if n > 0 {
			c.symbol[at[n]] = uint16(s)
			at[n]++
		}
	}
	c.shorten()
	return left == 0 || used == 1 && c.count[1] == 1 || used == 0
}

// shorten fills the table of the short codes, whose bits come highest first.
func (c *code) shorten() {
	clear(c.short[:])
	value, index := uint(0), 0
	for n := uint(1); n <= quick; n++ {
		for range c.count[n] {
			entry := uint16(n)<<9 | c.symbol[index]
			for k := bits.Reverse(value) >> (bits.UintSize - n); k < 1<<quick; k += 1 << n {
				c.short[k] = entry
			}
			index++
			value++
		}
		value <<= 1
	}
}

var fixedLiterals, fixedOffsets = fixed()

func fixed() (l, d code) {
	var lengths [literals + 2]byte
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	l.build(lengths[:])
	for i := range 32 {
		lengths[i] = 5
	}
	d.build(lengths[:32])
	return l, d
}

var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	offsetBase  = [offsets]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	offsetExtra = [offsets]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
	lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// block reads symbols up to the end of a block.
func (f *inflater) block(l, d *code) {
	for {
		s := f.symbol(l)
		switch {
		case f.bad || s == 256:
			return
		case s < 256:
			if len(f.out) == cap(f.out) {
				f.bad = true
				return
			}
			f.out = append(f.out, byte(s))
			continue
		case s >= literals:
			f.bad = true
			return
		}
		n := int(lengthBase[s-257]) + int(f.take(uint(lengthExtra[s-257])))
		o := f.symbol(d)
		if f.bad || o >= offsets {
			f.bad = true
			return
		}
		back := int(offsetBase[o]) + int(f.take(uint(offsetExtra[o])))
		if f.bad || back > len(f.out) || n > cap(f.out)-len(f.out) {
			f.bad = true
			return
		}
		// What is copied may lie where it is copied to: twice as much each time.
		at := len(f.out)
		f.out = f.out[:at+n]
		for from, done := at-back, 0; done < n; {
			done += copy(f.out[at+done:], f.out[from:at+done])
		}
	}
}

// dynamic reads a block with codes of its own.
func (f *inflater) dynamic() {
	nl, nd, nc := int(f.take(5))+257, int(f.take(5))+1, int(f.take(4))+4
	if f.bad || nl > literals || nd > offsets {
		f.bad = true
		return
	}
	var lengths [literals + offsets]byte
	for i := range nc {
		lengths[lengthOrder[i]] = byte(f.take(3))
	}
	var l, d code
	if f.bad || !l.build(lengths[:19]) {
		f.bad = true
		return
	}
	clear(lengths[:19])
	for i := 0; i < nl+nd; {
		s := f.symbol(&l)
		n, value := 1, byte(0)
		switch {
		case s < 16:
			value = byte(s)
		case s == 16:
			n = 3 + int(f.take(2))
			if i == 0 {
				f.bad = true
				return
			}
			value = lengths[i-1]
		case s == 17:
			n = 3 + int(f.take(3))
		default:
			n = 11 + int(f.take(7))
		}
		if f.bad || i+n > nl+nd {
			f.bad = true
			return
		}
		for range n {
			lengths[i] = value
			i++
		}
	}
	if lengths[256] == 0 || !l.build(lengths[:nl]) || !d.build(lengths[nl:nl+nd]) {
		f.bad = true
		return
	}
	f.block(&l, &d)
}
