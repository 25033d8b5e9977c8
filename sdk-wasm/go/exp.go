package sdk

import (
	"math"
	"math/bits"
)

// log2e is log2(e) in Q1.63, cut.
const log2e = 0xb8aa3b295c17f0bb

// twoTo holds 2^(2^-i) in Q1.63, cut, for i from 1.
var twoTo = [40]uint64{
	0xb504f333f9de6484, 0x9837f0518db8a96f, 0x8b95c1e3ea8bd6e6, 0x85aac367cc487b14,
	0x82cd8698ac2ba1d7, 0x8164d1f3bc030773, 0x80b1ed4fd999ab6c, 0x8058d7d2d5e5f6b0,
	0x802c6436d0e04f50, 0x8016302f17467628, 0x800b179c82028fd0, 0x80058baf7fee3b5d,
	0x8002c5d00fdcfcb6, 0x800162e61bed4a48, 0x8000b17292f702a3, 0x800058b92abbae02,
	0x80002c5c8dade4d7, 0x8000162e44eaf636, 0x80000b1721fa7c18, 0x8000058b90de7e4c,
	0x800002c5c8678f36, 0x80000162e431db9f, 0x800000b1721872d0, 0x80000058b90c1aa8,
	0x8000002c5c8605a4, 0x800000162e4300e6, 0x8000000b17217ff8, 0x800000058b90bfdd,
	0x80000002c5c85fe6, 0x8000000162e42ff1, 0x80000000b17217f8, 0x8000000058b90bfc,
	0x800000002c5c85fd, 0x80000000162e42fe, 0x800000000b17217f, 0x80000000058b90bf,
	0x8000000002c5c85f, 0x800000000162e42f, 0x8000000000b17217, 0x800000000058b90b,
}

// Exp returns e^x in Q32.32 for x in Q32.32: 0 where that is below 2^-32, and
// the largest number where it is 2^32 or more. It uses integers alone, never
// exceeds the true value, and falls short of it by less than one part in 2^38
// and 2^-32.
//
// x·log2(e) is cut to 57 binary digits, and 2 to its fraction is the product of
// the table's entries for the first 40 of them. Cutting the fraction there loses
// less than 2^-40, each product less than 2^-62 of the value.
func Exp(x int64) uint64 {
	size := uint64(x)
	if x < 0 {
		size = -size
	}
	if size >= 1<<37 { // beyond e^±32
		if x < 0 {
			return 0
		}
		return math.MaxUint64
	}
	y, _ := bits.Mul64(size<<26, log2e) // in Q7.57
	n, f := int(y>>57), y&(1<<57-1)
	if x < 0 {
		// Two units lower, so that the result stays below the true value.
		y = -(y + 2)
		n, f = int(int64(y)>>57), y&(1<<57-1)
	}
	r := uint64(1) << 63
	for i, c := range twoTo {
		if f>>(56-i)&1 == 1 {
			hi, _ := bits.Mul64(r, c)
			r = hi << 1
		}
	}
	switch {
	case n > 31:
		return math.MaxUint64
	case n < -32:
		return 0
	}
	return r >> (31 - n)
}
