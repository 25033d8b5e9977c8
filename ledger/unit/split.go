package unit

import (
	"math/bits"
	"sort"
)

// Split divides pot in proportion to weights, to the last unit: everyone gets
// the floor of their part, and the units left over go one each to the largest
// remainders, ties to the lower index. The parts sum to pot, unless all weights
// are zero: then all parts are zero and the caller keeps the pot. A zero weight
// never gets a unit.
//
// The sum of the weights may exceed 64 bits.
func Split(pot uint64, weights []uint64) []uint64 {
	out := make([]uint64, len(weights))
	var sum U128
	for _, w := range weights {
		sum, _ = sum.Add(U128{Lo: w}) // 2^64 weights would be needed to overflow
	}
	if sum.IsZero() || pot == 0 {
		return out
	}
	rems := make([]U128, len(weights))
	left := pot
	for i, w := range weights {
		if sum.Hi == 0 {
			hi, lo := bits.Mul64(pot, w)
			out[i], rems[i].Lo = bits.Div64(hi, lo, sum.Lo)
		} else {
			var q U128
			q, rems[i], _ = MulDiv128(U128{Lo: pot}, U128{Lo: w}, sum)
			out[i] = q.Lo
		}
		left -= out[i]
	}
	if left == 0 {
		return out
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return rems[order[a]].Cmp(rems[order[b]]) > 0 })
	for _, i := range order[:left] {
		out[i]++
	}
	return out
}
