// Package cbor is the one canonical encoding of Plexus: a narrow subset of
// deterministic CBOR (RFC 8949 section 4.2.1) used on the wire, across the Wasm
// wall and in the chain's state.
//
// The subset has unsigned and negative integers of at most 64 bits, byte
// strings, UTF-8 strings, booleans and definite arrays. It has no maps, tags,
// floats, null or indefinite lengths. Lengths and integers take their shortest
// form, arrays nest at most MaxDepth deep, and nothing may follow the outermost
// item, so that every value has exactly one encoding and every accepted input
// re-encodes to itself.
//
// By convention a message is an array whose first element is a version, and
// its fields follow in a fixed order.
//
// Encoding appends to a slice; decoding walks a Decoder whose first error
// sticks, so that a decoder can read all fields and look at the error once:
//
//	b := cbor.AppendArray(nil, 2)
//	b = cbor.AppendUint(b, 1)
//	b = cbor.AppendBytes(b, payload)
//
//	d := cbor.NewDecoder(b)
//	d.Array(2)
//	version := d.Uint()
//	payload := d.Bytes(1 << 20) // aliases b
//	if err := d.End(); err != nil { … }
//
// The package imports nothing outside the standard library's smallest parts,
// because Wasm guests link it.
package cbor

import (
	"errors"
	"unicode/utf8"
)

// MaxDepth is how deep arrays may nest.
const MaxDepth = 8

// Errors of a Decoder. All of them mean that the input is not one canonical
// message of the expected shape.
var (
	ErrTruncated = errors.New("cbor: truncated")
	ErrTrailing  = errors.New("cbor: bytes after the message")
	ErrShortest  = errors.New("cbor: integer or length not in its shortest form")
	ErrType      = errors.New("cbor: unexpected or unsupported type")
	ErrLength    = errors.New("cbor: unexpected array length")
	ErrTooLong   = errors.New("cbor: string longer than allowed")
	ErrRange     = errors.New("cbor: integer out of range")
	ErrUTF8      = errors.New("cbor: text is not UTF-8")
	ErrDepth     = errors.New("cbor: nested too deep")
)

const (
	majorUint  = 0 << 5
	majorNeg   = 1 << 5
	majorBytes = 2 << 5
	majorText  = 3 << 5
	majorArray = 4 << 5
	boolFalse  = 0xf4
	boolTrue   = 0xf5
)

func appendHead(b []byte, major byte, v uint64) []byte {
	switch {
	case v < 24:
		return append(b, major|byte(v))
	case v <= 0xff:
		return append(b, major|24, byte(v))
	case v <= 0xffff:
		return append(b, major|25, byte(v>>8), byte(v))
	case v <= 0xffffffff:
		return append(b, major|26, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return append(b, major|27, byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32),
		byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// AppendUint appends v.
func AppendUint(b []byte, v uint64) []byte { return appendHead(b, majorUint, v) }

// AppendInt appends v, which may be negative.
func AppendInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendHead(b, majorNeg, uint64(-1-v))
	}
	return appendHead(b, majorUint, uint64(v))
}

// AppendBytes appends the byte string v.
func AppendBytes(b, v []byte) []byte { return append(appendHead(b, majorBytes, uint64(len(v))), v...) }

// AppendBytesHead appends the head of a byte string of n bytes, which must follow:
// for one that is not to be copied.
func AppendBytesHead(b []byte, n int) []byte { return appendHead(b, majorBytes, uint64(n)) }

// AppendText appends s, which must be UTF-8: a decoder refuses anything else.
func AppendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// AppendBool appends v.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, boolTrue)
	}
	return append(b, boolFalse)
}

// AppendArray appends the head of an array of n items, which must follow.
func AppendArray(b []byte, n int) []byte { return appendHead(b, majorArray, uint64(n)) }

// Decoder reads one message. The first error sticks: later reads return zero
// values, and Err and End report it.
type Decoder struct {
	b     []byte
	p     int
	err   error
	depth int
	left  [MaxDepth + 1]int // items still to read at each open level
}

// NewDecoder returns a decoder of b, which results of Bytes alias.
func NewDecoder(b []byte) *Decoder {
	d := &Decoder{b: b}
	d.left[0] = 1
	return d
}

// Err returns the first error so far.
func (d *Decoder) Err() error { return d.err }

// End returns the first error, or ErrTrailing or ErrTruncated when the message
// is not exactly one complete item.
func (d *Decoder) End() error {
	if d.err == nil {
		d.close()
		switch {
		case d.depth != 0 || d.left[0] != 0:
			d.err = ErrTruncated
		case d.p != len(d.b):
			d.err = ErrTrailing
		}
	}
	return d.err
}

// Fail records err unless an earlier error sticks; decoders of messages use it
// for their own conditions.
func (d *Decoder) Fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// close leaves arrays whose items have all been read.
func (d *Decoder) close() {
	for d.depth > 0 && d.left[d.depth] == 0 {
		d.depth--
	}
}

// head reads the head of the next item and returns its major type and value.
func (d *Decoder) head() (major byte, v uint64) {
	if d.err != nil {
		return 0xff, 0
	}
	d.close()
	if d.left[d.depth] == 0 {
		d.err = ErrLength
		return 0xff, 0
	}
	if d.p >= len(d.b) {
		d.err = ErrTruncated
		return 0xff, 0
	}
	c := d.b[d.p]
	d.p++
	major, info := c&0xe0, c&0x1f
	if major > majorArray {
		if c == boolFalse || c == boolTrue {
			d.left[d.depth]--
			return c, 0
		}
		d.err = ErrType
		return 0xff, 0
	}
	if info < 24 {
		d.left[d.depth]--
		return major, uint64(info)
	}
	if info > 27 {
		d.err = ErrType
		return 0xff, 0
	}
	n := 1 << (info - 24)
	if len(d.b)-d.p < n {
		d.err = ErrTruncated
		return 0xff, 0
	}
	for i := 0; i < n; i++ {
		v = v<<8 | uint64(d.b[d.p+i])
	}
	d.p += n
	least := [4]uint64{24, 1 << 8, 1 << 16, 1 << 32}[info-24]
	if v < least {
		d.err = ErrShortest
		return 0xff, 0
	}
	d.left[d.depth]--
	return major, v
}

func (d *Decoder) expect(major byte) uint64 {
	m, v := d.head()
	if d.err == nil && m != major {
		d.err = ErrType
		return 0
	}
	return v
}

// Uint reads an unsigned integer.
func (d *Decoder) Uint() uint64 { return d.expect(majorUint) }

// UintMax reads an unsigned integer of at most max, else ErrRange.
func (d *Decoder) UintMax(max uint64) uint64 {
	v := d.Uint()
	if v > max {
		d.Fail(ErrRange)
		return 0
	}
	return v
}

// Int reads an integer of either sign that fits in 64 bits.
func (d *Decoder) Int() int64 {
	m, v := d.head()
	switch {
	case d.err != nil:
	case m != majorUint && m != majorNeg:
		d.err = ErrType
	case v > 1<<63-1:
		d.err = ErrRange
	case m == majorNeg:
		return -1 - int64(v)
	default:
		return int64(v)
	}
	return 0
}

// Bytes reads a byte string of at most max bytes; the result aliases the input.
func (d *Decoder) Bytes(max int) []byte { return d.str(majorBytes, max) }

// Fixed reads a byte string of exactly len(dst) bytes into dst.
func (d *Decoder) Fixed(dst []byte) {
	v := d.str(majorBytes, len(dst))
	if d.err == nil && len(v) != len(dst) {
		d.err = ErrLength
		return
	}
	copy(dst, v)
}

// Hash reads a byte string of exactly 32 bytes.
func (d *Decoder) Hash() (h [32]byte) {
	d.Fixed(h[:])
	return h
}

// Text reads a UTF-8 string of at most max bytes.
func (d *Decoder) Text(max int) string {
	v := d.str(majorText, max)
	if d.err == nil && !utf8.Valid(v) {
		d.err = ErrUTF8
		return ""
	}
	return string(v)
}

func (d *Decoder) str(major byte, max int) []byte {
	n := d.expect(major)
	switch {
	case d.err != nil:
		return nil
	case n > uint64(max):
		d.err = ErrTooLong
		return nil
	case n > uint64(len(d.b)-d.p):
		d.err = ErrTruncated
		return nil
	}
	v := d.b[d.p : d.p+int(n) : d.p+int(n)]
	d.p += int(n)
	return v
}

// Bool reads a boolean.
func (d *Decoder) Bool() bool {
	m, _ := d.head()
	if d.err == nil && m != boolFalse && m != boolTrue {
		d.err = ErrType
	}
	return m == boolTrue
}

// Array enters an array of exactly n items.
func (d *Decoder) Array(n int) {
	if got := d.ArrayMax(n); d.err == nil && got != n {
		d.err = ErrLength
	}
}

// ArrayMax enters an array and returns its length, at most max. The length is
// also bounded by the bytes left, since each item takes at least one, so that
// a caller may allocate by it.
func (d *Decoder) ArrayMax(max int) int {
	n := d.expect(majorArray)
	switch {
	case d.err != nil:
		return 0
	case n > uint64(max):
		d.err = ErrLength
		return 0
	case n > uint64(len(d.b)-d.p):
		d.err = ErrTruncated
		return 0
	case d.depth == MaxDepth:
		d.err = ErrDepth
		return 0
	}
	d.depth++
	d.left[d.depth] = int(n)
	return int(n)
}

// Version enters an array of n items and reads its first, which must be want.
func (d *Decoder) Version(n int, want uint64) {
	d.Array(n)
	if v := d.Uint(); d.err == nil && v != want {
		d.err = ErrRange
	}
}
