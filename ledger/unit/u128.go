package unit

import (
	"fmt"
	"math/big"
	"math/bits"
)

// U128 is an unsigned integer of 128 bits, Hi·2^64 + Lo. Its zero value is 0
// and values compare with ==.
type U128 struct{ Hi, Lo uint64 }

// MaxU128 is the largest U128.
var MaxU128 = U128{^uint64(0), ^uint64(0)}

// U128From widens v.
func U128From(v uint64) U128 { return U128{Lo: v} }

// Mul64 returns the full product a·b.
func Mul64(a, b uint64) U128 {
	hi, lo := bits.Mul64(a, b)
	return U128{hi, lo}
}

// IsZero reports whether a is 0.
func (a U128) IsZero() bool { return a == U128{} }

// Cmp is -1, 0 or 1 as a is below, equal to or above b.
func (a U128) Cmp(b U128) int {
	switch {
	case a == b:
		return 0
	case a.Hi < b.Hi || (a.Hi == b.Hi && a.Lo < b.Lo):
		return -1
	}
	return 1
}

// Add returns a+b, and false instead of a wrapped sum.
func (a U128) Add(b U128) (U128, bool) {
	lo, c := bits.Add64(a.Lo, b.Lo, 0)
	hi, c := bits.Add64(a.Hi, b.Hi, c)
	return U128{hi, lo}, c == 0
}

// Sub returns a-b, and false when b is larger than a.
func (a U128) Sub(b U128) (U128, bool) {
	lo, c := bits.Sub64(a.Lo, b.Lo, 0)
	hi, c := bits.Sub64(a.Hi, b.Hi, c)
	if c != 0 {
		return U128{}, false
	}
	return U128{hi, lo}, true
}

// Uint64 returns a when it fits.
func (a U128) Uint64() (uint64, bool) { return a.Lo, a.Hi == 0 }

// String writes a in decimal.
func (a U128) String() string {
	v := new(big.Int).SetUint64(a.Hi)
	v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(a.Lo))
	return v.String()
}

// ParseU128 reads the decimal form of a U128.
func ParseU128(s string) (U128, error) {
	v, ok := new(big.Int).SetString(s, 10)
	if !ok || v.Sign() < 0 || v.BitLen() > 128 || v.String() != s {
		return U128{}, fmt.Errorf("%w: %q: want a whole number below 2^128", ErrAmount, s)
	}
	lo := new(big.Int).And(v, new(big.Int).SetUint64(^uint64(0)))
	return U128{v.Rsh(v, 64).Uint64(), lo.Uint64()}, nil
}

// MulDiv128 returns ⌊a·b/c⌋ and the remainder with a 256-bit product, and
// false when c is 0 or the quotient needs more than 128 bits.
func MulDiv128(a, b, c U128) (q, rem U128, ok bool) {
	if c.IsZero() {
		return U128{}, U128{}, false
	}
	p := mul128(a, b)
	if (U128{p[3], p[2]}).Cmp(c) >= 0 { // the quotient would need more than 128 bits
		return U128{}, U128{}, false
	}
	q, rem = div256(p, c)
	return q, rem, true
}

// MulDiv128Up returns ⌈a·b/c⌉ under the conditions of MulDiv128.
func MulDiv128Up(a, b, c U128) (U128, bool) {
	q, rem, ok := MulDiv128(a, b, c)
	if !ok || rem.IsZero() {
		return q, ok
	}
	return q.Add(U128{Lo: 1})
}

// mul128 returns the product's four words, the lowest first.
func mul128(a, b U128) (p [4]uint64) {
	var c uint64
	h00, l00 := bits.Mul64(a.Lo, b.Lo)
	h01, l01 := bits.Mul64(a.Lo, b.Hi)
	h10, l10 := bits.Mul64(a.Hi, b.Lo)
	h11, l11 := bits.Mul64(a.Hi, b.Hi)
	p[0] = l00
	p[1], c = bits.Add64(h00, l01, 0)
	p[2], c = bits.Add64(h01, l11, c)
	p[3] = h11 + c
	p[1], c = bits.Add64(p[1], l10, 0)
	p[2], c = bits.Add64(p[2], h10, c)
	p[3] += c
	return p
}

// div256 divides p by d under the condition that p's upper half is below d,
// so that the quotient fits: schoolbook division with words of 64 bits, the
// divisor shifted so that its top bit is set (Knuth, TAOCP 2, 4.3.1 D).
func div256(p [4]uint64, d U128) (q, rem U128) {
	if d.Hi == 0 {
		var r uint64
		// p[3] and p[2]'s quotient part are 0 by the condition.
		q.Hi, r = bits.Div64(p[2], p[1], d.Lo)
		q.Lo, r = bits.Div64(r, p[0], d.Lo)
		return q, U128{Lo: r}
	}
	s := uint(bits.LeadingZeros64(d.Hi))
	d1, d0 := d.Hi<<s|d.Lo>>1>>(63-s), d.Lo<<s
	u3 := p[3]<<s | p[2]>>1>>(63-s)
	u2 := p[2]<<s | p[1]>>1>>(63-s)
	u1 := p[1]<<s | p[0]>>1>>(63-s)
	u0 := p[0] << s
	q.Hi, u3, u2 = div3by2(u3, u2, u1, d1, d0)
	q.Lo, u3, u2 = div3by2(u3, u2, u0, d1, d0)
	return q, U128{u3 >> s, u2>>s | u3<<1<<(63-s)}
}

// div3by2 divides (u2,u1,u0) by (d1,d0), whose top bit is set and which is
// above (u2,u1).
func div3by2(u2, u1, u0, d1, d0 uint64) (q, r1, r0 uint64) {
	var r, over uint64
	if u2 >= d1 { // u2 == d1: the estimate would be 2^64
		q = ^uint64(0)
		r, over = bits.Add64(u1, d1, 0)
	} else {
		q, r = bits.Div64(u2, u1, d1)
	}
	// The estimate is at most 2 too large.
	for over == 0 {
		hi, lo := bits.Mul64(q, d0)
		if hi < r || (hi == r && lo <= u0) {
			break
		}
		q--
		r, over = bits.Add64(r, d1, 0)
	}
	// (u2,u1,u0) - q·(d1,d0), of which only the low two words can be non-zero.
	hi, lo := bits.Mul64(q, d0)
	r0, borrow := bits.Sub64(u0, lo, 0)
	r1, _ = bits.Sub64(u1-q*d1, hi, borrow)
	return q, r1, r0
}
