package sdk

import (
	"cmp"
	"slices"
)

// NGrams returns how many runs of n neighbours a list of length elements has.
func NGrams(length, n int) int {
	if n < 1 {
		return 0
	}
	return max(length-n+1, 0)
}

// NGramMatches counts the runs of n neighbours that a and b have in common, each
// as often as it occurs in both.
func NGramMatches[T cmp.Ordered](a, b []T, n int) int {
	x, y := runs(a, n), runs(b, n)
	same := 0
	for len(x) > 0 && len(y) > 0 {
		switch c := slices.Compare(x[0], y[0]); {
		case c < 0:
			x = x[1:]
		case c > 0:
			y = y[1:]
		default:
			x, y = x[1:], y[1:]
			same++
		}
	}
	return same
}

// runs returns the runs of n neighbours in order.
func runs[T cmp.Ordered](v []T, n int) [][]T {
	out := make([][]T, NGrams(len(v), n))
	for i := range out {
		out[i] = v[i : i+n]
	}
	slices.SortFunc(out, slices.Compare)
	return out
}
