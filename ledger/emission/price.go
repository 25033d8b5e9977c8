package emission

import (
	"math"
	"math/bits"

	"github.com/plexus-network/plexus/ledger/unit"
)

// MovePrice returns the next moving average of a subnet's price: with blocks
// the number of blocks since its first emission, that one included,
//
//	a = smoothing · blocks/(blocks+halving)
//	average = a·min(price, 1) + (1−a)·average
//
// so that a young subnet's average moves more slowly (economics, price EMA).
// smoothing is at most 1. The result is at most max(average, 1).
func MovePrice(average unit.I32F32, price unit.Price, smoothing unit.I32F32, blocks, halving uint64) unit.I32F32 {
	sum, carry := bits.Add64(blocks, halving, 0)
	if carry != 0 {
		sum = math.MaxUint64
	}
	a := smoothing.Mul(unit.Ratio(blocks, sum))
	p := min(price.I32F32(), unit.OneI32F32)
	return a.Mul(p).Add(unit.OneI32F32.Sub(a).Mul(average))
}

// oneQ32 is 1 with 32 fraction bits.
const oneQ32 = 1 << 32

// DecayBurn returns the price of a registration one block later: multiplied by
// the largest factor, in 2^-32, whose power halfLife is not above a half, and
// kept within least and most. A half-life of 0 blocks means no decay
// (economics, registration price).
func DecayBurn(burn unit.TAO, halfLife uint16, least, most unit.TAO) unit.TAO {
	return max(min(unit.TAO(unit.MulDiv(uint64(burn), decayFactor(halfLife), oneQ32)), most), least)
}

// RaiseBurn returns the price after a registration: multiplied by increase, in
// 2^-32, of which values below 1 count as 1, and kept within least and most
// (economics, registration price).
func RaiseBurn(burn unit.TAO, increase uint64, least, most unit.TAO) unit.TAO {
	return max(min(unit.TAO(unit.MulDiv(uint64(burn), max(increase, oneQ32), oneQ32)), most), least)
}

func decayFactor(halfLife uint16) uint64 {
	if halfLife == 0 {
		return oneQ32
	}
	low, high := uint64(0), uint64(oneQ32)
	for low+1 < high {
		mid := (low + high) / 2
		if powQ32(mid, halfLife) > oneQ32/2 {
			high = mid
		} else {
			low = mid
		}
	}
	return low
}

// powQ32 squares and multiplies, truncating each product.
func powQ32(base uint64, exponent uint16) uint64 {
	result := uint64(oneQ32)
	for e := exponent; e > 0; e >>= 1 {
		if e&1 == 1 {
			result = unit.MulDiv(result, base, oneQ32)
		}
		base = unit.MulDiv(base, base, oneQ32)
	}
	return result
}

// UntilEpoch returns how many blocks are left until last+tempo, 0 when that is
// past, and the largest uint64 for a tempo of 0, which never ends (economics,
// epoch schedule).
func UntilEpoch(last uint64, tempo uint16, now uint64) uint64 {
	if tempo == 0 {
		return math.MaxUint64
	}
	end, carry := bits.Add64(last, uint64(tempo), 0)
	if carry != 0 {
		end = math.MaxUint64
	}
	if end <= now {
		return 0
	}
	return end - now
}
