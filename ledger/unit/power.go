package unit

import "math/bits"

// Numbers of 127 fraction bits below 1, and of 126 below 2, are U128 here.
var (
	ln2Of127       = U128{0x58b90bfbe8e7bcd5, 0xe4f1d9cc01f97b58} // ln 2, in units of 2^-127
	twiceLog2Of125 = U128{0x5c551d94ae0bf85d, 0xdf43ff68348e9f44} // 2/ln 2, in units of 2^-125
)

// Log2 returns the logarithm of a to base 2, rounded to the nearest; the
// result is less than 0.501 units of its last place, 2^-32, away from the
// logarithm. That of 0 and of a negative number is MinI32F32.
func (a I32F32) Log2() I32F32 {
	if a <= 0 {
		return MinI32F32
	}
	e, f := log2(uint64(a))
	return I32F32(int64(e-32)<<32 + int64((f.Hi>>30+1)>>1))
}

// log2 returns the logarithm of an integer that is not 0 as its integer part
// and its fraction in units of 2^-127, with an error below 2^-118: of the
// mantissa m by 2·artanh((m-1)/(m+1)), whose series gains three bits a term.
func log2(a uint64) (e int, fraction U128) {
	e = bits.Len64(a) - 1
	one := uint64(1) << e
	sum, _ := U128From(one).Add(U128From(a)) // one + a
	z, _, _ := MulDiv128(U128From(a-one), U128{Hi: 1 << 63}, sum)
	square := mulShift(z, z, 127)
	series := z
	for term, k := z, uint64(3); ; k += 2 {
		term = mulShift(term, square, 127)
		part := divSmall(term, k)
		if part.IsZero() {
			break
		}
		series, _ = series.Add(part)
	}
	return e, mulShift(series, twiceLog2Of125, 125)
}

// Pow returns a to the power b, rounded to the nearest, saturating; the result
// is less than 0.501 units of its last place, 2^-32, away from the power. A
// negative a counts as 0, of which the power is 1 for a b of 0, and MaxI32F32
// for a negative b.
func (a I32F32) Pow(b I32F32) I32F32 {
	switch {
	case b == 0:
		return OneI32F32
	case a <= 0 && b < 0:
		return MaxI32F32
	case a <= 0:
		return 0
	}
	// The exponent of 2, b·log2 a: the logarithm's size in units of 2^-120, its
	// product with b's in units of 2^-152.
	whole, f := log2(uint64(a))
	whole -= 32
	size := shiftRight(f, 7)
	if whole < 0 { // -|whole| + f = -(|whole| - f)
		size, _ = U128{Hi: uint64(-whole) << 56}.Sub(size)
	} else {
		size, _ = size.Add(U128{Hi: uint64(whole) << 56})
	}
	negative := (whole < 0) != (b < 0)
	p := mul128(size, U128From(abs(b)))
	if p[3] != 0 || p[2]>>24 >= 64 { // at least 64
		if negative {
			return 0
		}
		return MaxI32F32
	}
	x := U128{p[2]<<32 | p[1]>>32, p[1]<<32 | p[0]>>32} // in units of 2^-120
	k := int(x.Hi >> 56)
	x.Hi &= 1<<56 - 1
	if negative {
		k = -k
		if !x.IsZero() {
			k--
			x, _ = U128{Hi: 1 << 56}.Sub(x)
		}
	}
	switch {
	case k > 30:
		return MaxI32F32
	case k < -33:
		return 0
	}
	// 2^k times the power of the fraction, from units of 2^-126 to 2^-32.
	y := exp2(shiftLeft(x, 7))
	y = shiftRight(y, uint(93-k))
	y, _ = y.Add(U128{Lo: 1})
	return I32F32(min(shiftRight(y, 1).Lo, uint64(MaxI32F32)))
}

// exp2 returns 2 to the power of a fraction in units of 2^-127, in units of
// 2^-126, with an error below 2^-118.
func exp2(f U128) U128 {
	g := mulShift(f, ln2Of127, 127)
	term := U128{Hi: 1 << 62}
	sum := term
	for k := uint64(1); ; k++ {
		term = divSmall(mulShift(term, g, 127), k)
		if term.IsZero() {
			return sum
		}
		sum, _ = sum.Add(term)
	}
}

// PowInt returns a to the power n by squaring and multiplying from the lowest
// bit of n, each product as Mul rounds it. For 0 <= a <= 1 the result is not
// above the power, and less than n units of 2^-32 below.
func (a I32F32) PowInt(n uint64) I32F32 {
	result := OneI32F32
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			result = result.Mul(a)
		}
		if n > 1 {
			a = a.Mul(a)
		}
	}
	return result
}

// mulShift returns ⌊a·b/2^by⌋ for a by of 1 to 127 and a result that fits.
func mulShift(a, b U128, by uint) U128 {
	p := mul128(a, b)
	if by < 64 {
		return U128{p[1]>>by | p[2]<<(64-by), p[0]>>by | p[1]<<(64-by)}
	}
	by -= 64
	return U128{p[2]>>by | p[3]<<1<<(63-by), p[1]>>by | p[2]<<1<<(63-by)}
}

func divSmall(a U128, by uint64) U128 {
	hi, rem := a.Hi/by, a.Hi%by
	lo, _ := bits.Div64(rem, a.Lo, by)
	return U128{hi, lo}
}

func shiftRight(a U128, by uint) U128 {
	if by >= 64 {
		return U128{Lo: a.Hi >> (by - 64)}
	}
	return U128{a.Hi >> by, a.Lo>>by | a.Hi<<1<<(63-by)}
}

func shiftLeft(a U128, by uint) U128 { // by below 64
	return U128{a.Hi<<by | a.Lo>>1>>(63-by), a.Lo << by}
}
