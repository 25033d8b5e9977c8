package yuma

import (
	"math/bits"

	"github.com/plexus-network/plexus/ledger/unit"
)

// part returns v/of as I32F32.Div does, and v itself when of is 0.
func part(v, of unit.I32F32) unit.I32F32 {
	if of > 0 && uint64(v) <= uint64(of) { // a share of a sum: at most 1
		q, _ := bits.Div64(uint64(v)>>32, uint64(v)<<32, uint64(of))
		return unit.I32F32(q)
	}
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
