package unit

import (
	"math"
	"math/bits"
)

// MulDiv returns ⌊a·b/c⌋ with a 128-bit product. It saturates at the largest
// uint64, and is 0 when c is 0; MulDivChecked tells these cases apart.
func MulDiv(a, b, c uint64) uint64 {
	if c == 0 {
		return 0
	}
	q, ok := MulDivChecked(a, b, c)
	if !ok {
		return math.MaxUint64
	}
	return q
}

// MulDivChecked returns ⌊a·b/c⌋ with a 128-bit product, and false when c is 0
// or the quotient needs more than 64 bits.
func MulDivChecked(a, b, c uint64) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, c)
	return q, true
}

// MulDivUp returns ⌈a·b/c⌉ with a 128-bit product, and false when c is 0 or the
// quotient needs more than 64 bits.
func MulDivUp(a, b, c uint64) (uint64, bool) {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 0, false
	}
	q, r := bits.Div64(hi, lo, c)
	if r == 0 {
		return q, true
	}
	return q + 1, q != math.MaxUint64
}
