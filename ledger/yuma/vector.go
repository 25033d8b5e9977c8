package yuma

import (
	"math/bits"

	"github.com/plexus-network/plexus/ledger/unit"
)

// The numbers of an epoch are 0 or more, and after the first sum over a row or
// column at most 1: shares. What follows gives the bits of I32F32's methods
// there, without their care for signs and overflow.

// share returns v/of, of being above 0.
func share(v, of unit.I32F32) unit.I32F32 {
	if uint64(v) > uint64(of) {
		return v.Div(of)
	}
	q, _ := bits.Div64(uint64(v)>>32, uint64(v)<<32, uint64(of))
	return unit.I32F32(q)
}

// times returns a·b, both 0 or more and the product below 2^31.
func times(a, b unit.I32F32) unit.I32F32 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return unit.I32F32(hi<<32 | lo>>32)
}

// wideSum adds numbers of a row or column, saturating once: 65,536 of 16 bits
// stay below 2^32.
func wideSum(v []unit.I32F32) unit.I32F32 {
	var s uint64
	for _, x := range v {
		s += uint64(x)
	}
	return unit.I32F32(min(s, uint64(unit.MaxI32F32)))
}

// part returns v/of, and v itself when of is 0.
func part(v, of unit.I32F32) unit.I32F32 {
	if of == 0 {
		return v
	}
	return v.Div(of)
}

func sum(v []unit.I32F32) (s unit.I32F32) {
	for _, x := range v {
		s = s.Add(x)
	}
	return s
}

// normalize returns v divided by its sum, or v itself when that is 0.
func normalize(v []unit.I32F32) []unit.I32F32 { return normalizeBy(v, sum(v)) }

func normalizeBy(v []unit.I32F32, by unit.I32F32) []unit.I32F32 {
	out := make([]unit.I32F32, len(v))
	for i, x := range v {
		out[i] = part(x, by)
	}
	return out
}

func isZero(v []unit.I32F32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}
