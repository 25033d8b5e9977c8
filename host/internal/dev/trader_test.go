package dev

import (
	"math"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

// TestOrder: a trade moves a price as far as it is to, up and down.
func TestOrder(t *testing.T) {
	m := &ledger.Market{TAO: 1000 * unit.Coin, Alpha: unit.Alpha(4000 * unit.Coin)}
	for _, change := range []float64{0.01, -0.01, 0.2, -0.2} {
		buy, sell := order(m, change)
		if buy > 0 == (sell > 0) {
			t.Fatalf("%v: buys for %v and sells %v", change, buy, sell)
		}
		// The product of the reserves stays.
		k := float64(m.TAO) * float64(m.Alpha)
		x := float64(m.TAO) + float64(buy)
		if sell > 0 {
			x = k / (float64(m.Alpha) + float64(sell))
		}
		if got := math.Log(x / (k / x) / (float64(m.TAO) / float64(m.Alpha))); math.Abs(got-change) > 1e-6 {
			t.Errorf("the price moves by %v, want %v", got, change)
		}
	}
}
