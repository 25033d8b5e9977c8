package unit

import "math"

// U96F32 is an unsigned fixed point number with 96 integer and 32 fraction
// bits: the value is the integer divided by 2^32. Its arithmetic saturates and
// rounds down, as the reference's emission (economics, arithmetic conventions).
type U96F32 U128

// OneU96F32 is 1.
var OneU96F32 = U96F32{Lo: 1 << 32}

// U96F32From widens the integer v.
func U96F32From(v uint64) U96F32 { return U96F32{v >> 32, v << 32} }

// U96F32Ratio returns p/q rounded down, and 0 when q is 0.
func U96F32Ratio(p, q uint64) U96F32 { return U96F32From(p).Div(U96F32From(q)) }

// Cmp is -1, 0 or 1 as a is below, equal to or above b.
func (a U96F32) Cmp(b U96F32) int { return U128(a).Cmp(U128(b)) }

// IsZero reports whether a is 0.
func (a U96F32) IsZero() bool { return U128(a).IsZero() }

// Add returns a+b, saturating.
func (a U96F32) Add(b U96F32) U96F32 {
	s, ok := U128(a).Add(U128(b))
	if !ok {
		return U96F32(MaxU128)
	}
	return U96F32(s)
}

// Sub returns a-b, and 0 when b is larger than a.
func (a U96F32) Sub(b U96F32) U96F32 {
	d, _ := U128(a).Sub(U128(b))
	return U96F32(d)
}

// Mul returns a·b rounded down, saturating.
func (a U96F32) Mul(b U96F32) U96F32 { return a.mulDiv(U128(b), U128(OneU96F32)) }

// Div returns a/b rounded down, saturating, and 0 when b is 0.
func (a U96F32) Div(b U96F32) U96F32 {
	if b.IsZero() {
		return U96F32{}
	}
	return a.mulDiv(U128(OneU96F32), U128(b))
}

func (a U96F32) mulDiv(b, c U128) U96F32 {
	q, _, ok := MulDiv128(U128(a), b, c)
	if !ok {
		return U96F32(MaxU128)
	}
	return U96F32(q)
}

// Floor returns the largest integer not above a, saturating.
func (a U96F32) Floor() uint64 {
	if a.Hi>>32 != 0 {
		return math.MaxUint64
	}
	return a.Hi<<32 | a.Lo>>32
}
