package sdk

import "slices"

// Quantile returns the value below which the part q of the values lies, in
// Q32.32 and at most one: the smallest for 0, the median for a half, the largest
// for one. Between two neighbours it interpolates and rounds down. It is 0 for
// no values, and leaves them as they are.
func Quantile(values []uint64, q uint64) uint64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Clone(values)
	slices.Sort(v)
	at := min(q, 1<<32) * uint64(len(v)-1)
	i, part := at>>32, at&(1<<32-1)
	if part == 0 {
		return v[i]
	}
	d := v[i+1] - v[i]
	return v[i] + d>>32*part + d&(1<<32-1)*part>>32
}
