package yuma

import "math"

// MaxUpscale scales w so that its largest value is 65,535, rounding to the
// nearest and halves up: the form in which weights are stored. Zeros stay
// zeros.
func MaxUpscale(w []uint16) []uint16 {
	out := make([]uint16, len(w))
	var largest uint64
	for _, v := range w {
		largest = max(largest, uint64(v))
	}
	if largest == 0 {
		return out
	}
	for i, v := range w {
		out[i] = uint16((2*uint64(v)*math.MaxUint16 + largest) / (2 * largest))
	}
	return out
}
