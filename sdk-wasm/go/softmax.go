package sdk

import "slices"

// Softmax returns e^x/Σ e^x in Q32.32 for each of the x, which are in Q32.32.
// The results sum to exactly one: what rounding down leaves over goes to the
// first of the largest. An empty list gives an empty one.
func Softmax(x []int64) []uint64 {
	if len(x) == 0 {
		return nil
	}
	best := slices.Max(x)
	first := slices.Index(x, best)
	out := make([]uint64, len(x))
	var total uint64
	for i, v := range x {
		if d := uint64(best) - uint64(v); d < 1<<37 {
			out[i] = Exp(-int64(d))
		}
		total += out[i]
	}
	left := uint64(1) << 32
	for i, e := range out {
		// e·2^32/total, in two steps that stay within 64 bits.
		q, r := e<<31/total, e<<31%total
		q <<= 1
		if r<<1 >= total {
			q++
		}
		out[i] = q
		left -= q
	}
	out[first] += left
	return out
}
