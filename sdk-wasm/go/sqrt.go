package sdk

// Sqrt returns the square root of x in Q32.32, rounded down, for x in Q32.32.
//
// It finds one binary digit of the root after the other: 32 from the digits of
// x, two at a time, and 16 more behind them.
func Sqrt(x uint64) uint64 { return root(x, 48) }

// Isqrt returns the square root of a whole number, rounded down.
func Isqrt(x uint64) uint64 { return root(x, 32) }

func root(x uint64, digits int) uint64 {
	var rest, r uint64
	for range digits {
		rest, x = rest<<2|x>>62, x<<2
		r <<= 1
		if try := r<<1 | 1; rest >= try {
			rest -= try
			r |= 1
		}
	}
	return r
}
