package meter

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrModule is the family of all refusals: the module is malformed, exceeds a
// bound or contains what a Plexus module may not.
var ErrModule = errors.New("meter: module refused")

// ErrPages reports a module whose memory does not fit in what the host gives.
var ErrPages = fmt.Errorf("%w: memory too large", ErrModule)

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrModule}, args...)...)
}

// reader is a cursor with a sticky error: after the first one every read yields
// zero, so that loops over counts must consult err or be bounded by a limit.
type reader struct {
	b   []byte
	p   int
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = refuse(format, args...)
	}
}

func (r *reader) cut() { r.fail("unexpected end: cut off or damaged, build or fetch it again") }

func (r *reader) byte() byte {
	if r.err != nil || r.p >= len(r.b) {
		r.cut()
		return 0
	}
	c := r.b[r.p]
	r.p++
	return c
}

func (r *reader) u32() uint32 {
	if r.p < len(r.b) && r.b[r.p] < 0x80 && r.err == nil { // nearly all of them
		r.p++
		return uint32(r.b[r.p-1])
	}
	var v uint64
	for s := uint(0); s < 35; s += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << s
		if c < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.fail("number too large")
	return 0
}

// max reads a count or index and refuses one above limit.
func (r *reader) max(limit int, what string) int {
	v := r.u32()
	if uint64(v) > uint64(limit) {
		r.fail("%s: %d over the limit of %d", what, v, limit)
		return 0
	}
	return int(v)
}

// index reads an index and refuses one that is not below n.
func (r *reader) index(n int, what string) int {
	v := r.u32()
	if uint64(v) >= uint64(n) {
		r.fail("%s %d does not exist", what, v)
		return 0
	}
	return int(v)
}

// s33 reads a block type: a signed number of at most five bytes.
func (r *reader) s33() int64 {
	var v int64
	for s := uint(0); s < 35; s += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << s
		if c < 0x80 {
			if c&0x40 != 0 {
				v |= -1 << (s + 7)
			}
			return v
		}
	}
	r.fail("number too large")
	return 0
}

// signed steps over a signed number of at most n bytes. The engine checks its
// range.
func (r *reader) signed(n int) {
	for range n {
		if r.byte() < 0x80 {
			return
		}
	}
	r.fail("number too large")
}

func (r *reader) skip(n int) []byte {
	if r.err != nil || n > len(r.b)-r.p {
		r.cut()
		return nil
	}
	s := r.p
	r.p += n
	return r.b[s:r.p]
}

// zero reads the one-byte index of the only memory.
func (r *reader) zero() {
	if r.byte() != 0 {
		r.fail("memory index is not 0")
	}
}

func (r *reader) name() string {
	return string(r.skip(r.max(MaxName, "name")))
}

// bytes reads a length and as many bytes.
func (r *reader) bytes() []byte {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.cut()
		return nil
	}
	return r.skip(int(n))
}

func (r *reader) end(what string) {
	if r.err == nil && r.p != len(r.b) {
		r.fail("%s: %d bytes too many", what, len(r.b)-r.p)
	}
}

func appendU(b []byte, v int) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendS(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func appendName(b []byte, s string) []byte { return append(appendU(b, len(s)), s...) }
