package unit

import (
	"math"
	"math/bits"
	"strconv"
)

// I32F32 is a signed fixed point number with 32 integer and 32 fraction bits:
// the value is the integer divided by 2^32. Its arithmetic saturates, products
// round down and quotients toward zero, bit for bit as the reference's epoch
// (economics, arithmetic conventions).
type I32F32 int64

// Bounds and unit of an I32F32.
const (
	MaxI32F32 I32F32 = math.MaxInt64
	MinI32F32 I32F32 = math.MinInt64
	OneI32F32 I32F32 = 1 << 32
)

// I32F32From returns v, saturating above 2^31-1.
func I32F32From(v uint64) I32F32 {
	if v > math.MaxInt32 {
		return MaxI32F32
	}
	return I32F32(v << 32)
}

// Ratio returns p/q rounded down, saturating, and 0 when q is 0.
func Ratio(p, q uint64) I32F32 {
	if q == 0 {
		return 0
	}
	hi, lo := p>>32, p<<32
	if hi >= q {
		return MaxI32F32
	}
	v, _ := bits.Div64(hi, lo, q)
	if v > math.MaxInt64 {
		return MaxI32F32
	}
	return I32F32(v)
}

// U16Ratio returns the proportion p/65535.
func U16Ratio(p uint16) I32F32 { return Ratio(uint64(p), math.MaxUint16) }

// Add returns a+b, saturating.
func (a I32F32) Add(b I32F32) I32F32 {
	s := a + b
	if a > 0 && b > 0 && s < 0 {
		return MaxI32F32
	}
	if a < 0 && b < 0 && s >= 0 {
		return MinI32F32
	}
	return s
}

// Sub returns a-b, saturating.
func (a I32F32) Sub(b I32F32) I32F32 {
	d := a - b
	if a >= 0 && b < 0 && d < 0 {
		return MaxI32F32
	}
	if a < 0 && b > 0 && d >= 0 {
		return MinI32F32
	}
	return d
}

// Mul returns a·b rounded toward minus infinity, saturating.
func (a I32F32) Mul(b I32F32) I32F32 {
	hi, lo := mulSigned(int64(a), int64(b))
	// The product shifted right by 32 arithmetically.
	top := hi >> 31
	if top != 0 && top != -1 {
		if hi < 0 {
			return MinI32F32
		}
		return MaxI32F32
	}
	return I32F32(hi<<32 | int64(lo>>32))
}

// mulSigned returns the 128-bit product in two's complement.
func mulSigned(a, b int64) (hi int64, lo uint64) {
	h, lo := bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		h -= uint64(b)
	}
	if b < 0 {
		h -= uint64(a)
	}
	return int64(h), lo
}

// Div returns a/b rounded toward zero, saturating, and 0 when b is 0.
func (a I32F32) Div(b I32F32) I32F32 {
	if b == 0 {
		return 0
	}
	ua, ub := abs(a), abs(b)
	neg := (a < 0) != (b < 0)
	var q uint64
	if hi := ua >> 32; hi < ub {
		q, _ = bits.Div64(hi, ua<<32, ub)
	} else {
		q = math.MaxUint64
	}
	switch {
	case neg && q > math.MaxInt64:
		return MinI32F32
	case neg:
		return -I32F32(q)
	case q > math.MaxInt64:
		return MaxI32F32
	}
	return I32F32(q)
}

func abs(a I32F32) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

// Floor returns the largest integer not above a.
func (a I32F32) Floor() int64 { return int64(a >> 32) }

// U16 returns ⌊a⌋ within 0..65535.
func (a I32F32) U16() uint16 {
	switch v := a.Floor(); {
	case v < 0:
		return 0
	case v > math.MaxUint16:
		return math.MaxUint16
	default:
		return uint16(v)
	}
}

// U16Share returns ⌊a·65535⌋ within 0..65535: how proportions are stored.
func (a I32F32) U16Share() uint16 { return a.Mul(I32F32From(math.MaxUint16)).U16() }

// Of returns ⌊a·total⌋, 0 for a negative a, saturating: the reference's
// truncated amount.
func (a I32F32) Of(total uint64) uint64 {
	if a <= 0 {
		return 0
	}
	return MulDiv(uint64(a), total, 1<<32)
}

// Weight returns the number as a weight of Split, in units of 2^-32; a
// negative number weighs nothing.
func (a I32F32) Weight() uint64 {
	if a <= 0 {
		return 0
	}
	return uint64(a)
}

// String writes a with ten decimals, rounded toward zero.
func (a I32F32) String() string {
	u := abs(a)
	hi, _ := bits.Mul64(u<<32, 10_000_000_000) // the fraction times 1e10
	s := strconv.FormatUint(u>>32, 10) + "." + strconv.FormatUint(10_000_000_000+hi, 10)[1:]
	if a < 0 {
		return "-" + s
	}
	return s
}
