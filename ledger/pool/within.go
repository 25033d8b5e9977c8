package pool

import (
	"math"

	"github.com/plexus-network/plexus/ledger/unit"
)

// MostBuy returns the largest input up to most whose Buy leaves the market at a
// price of at most limit; 0 when any input passes it. The price after a purchase
// rises with its input, so that bisection finds the exact end. Whether the trade
// is possible at all is for Buy to say.
func MostBuy(tao unit.TAO, alpha unit.Alpha, most unit.TAO, fee uint16, limit unit.Price) unit.TAO {
	return unit.TAO(Most(uint64(most), func(in uint64) bool {
		out, ok := Quote(uint64(tao), uint64(alpha), in, fee)
		return ok && unit.PriceOf(tao+unit.TAO(in), alpha-unit.Alpha(out)).Cmp(limit) <= 0
	}))
}

// MostSell is MostBuy for a Sell that leaves a price of at least limit.
func MostSell(tao unit.TAO, alpha unit.Alpha, most unit.Alpha, fee uint16, limit unit.Price) unit.Alpha {
	return unit.Alpha(Most(uint64(most), func(in uint64) bool {
		out, ok := Quote(uint64(alpha), uint64(tao), in, fee)
		return ok && unit.PriceOf(tao-unit.TAO(out), alpha+unit.Alpha(in)).Cmp(limit) >= 0
	}))
}

// Most returns the largest x up to most of which ok holds, when it holds for all
// below that and for none above; 0 when it holds for no x above 0.
func Most(most uint64, ok func(uint64) bool) uint64 {
	if ok(most) {
		return most
	}
	low, high := uint64(0), most // holds at low or low is 0, does not at high
	for high-low > 1 {
		if mid := low + (high-low)/2; ok(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// Quote is what an input that joins the reserve from would bring out of the
// reserve to, whatever the guards of a trade say; false when the reserve would
// exceed 64 bits or is empty.
func Quote(from, to, in uint64, fee uint16) (uint64, bool) {
	if from == 0 || to == 0 || from > math.MaxUint64-in {
		return 0, false
	}
	net := in - unit.MulDiv(in, uint64(fee), FeeUnit)
	return unit.MulDiv(to, net, from+net), true
}
