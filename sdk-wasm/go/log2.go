package sdk

import "math/bits"

// Log2 returns the binary logarithm of x in Q32.32, and 0 for x = 0. It uses
// integers alone, never exceeds the true value and falls short of it by less
// than 2^-29. It is exact for powers of two and never decreases.
//
// The fraction comes bit by bit from squaring the leading 32 bits of x, which
// takes one multiplication per bit and no table. Each of the cut products loses
// less than 2^-31 of its value, of which 2^-j reaches the result at step j; the
// sum is below 2^-30/ln 2 + 2^-32.
func Log2(x uint64) uint64 {
	if x == 0 {
		return 0
	}
	n := uint(bits.Len64(x) - 1)
	m := x << (63 - n) >> 32 // 1 <= m/2^31 < 2
	var frac uint64
	if m != 1<<31 {
		for range 32 {
			m = m * m >> 31 // 1 <= m/2^31 < 4
			bit := m >> 32
			m >>= bit
			frac = frac<<1 | bit
		}
	}
	return uint64(n)<<32 | frac
}
