package dev

import (
	"math"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

// TestSchedule: the same seed gives the same course, another subnet or seed gives
// another, and each of the regimes has its turn.
func TestSchedule(t *testing.T) {
	course := func(seed byte, n ledger.NetUID) (out []float64, names map[string]bool) {
		s := newSchedule([32]byte{seed}, n)
		names = map[string]bool{}
		for h := uint64(5); h < 3000; h += tradeEvery {
			drift, noise := s.next(h)
			out, names[s.now.name] = append(out, drift+noise), true
		}
		return out, names
	}
	a, names := course(1, 1)
	b, _ := course(1, 1)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("step %d: %v and %v by the same seed", i, a[i], b[i])
		}
	}
	if len(names) != len(regimes) {
		t.Errorf("regimes in 3000 blocks: %v", names)
	}
	for _, other := range [][]float64{first(course(2, 1)), first(course(1, 2))} {
		if other[0] == a[0] && other[1] == a[1] {
			t.Error("another seed or subnet has the same course")
		}
	}
	var sum, most float64
	for _, x := range a {
		sum += x
		most = max(most, math.Abs(x))
	}
	if most > 0.1 || most < 0.005 || math.Abs(sum) > 3 {
		t.Errorf("a step of %v, %v in all", most, sum)
	}
}

func first(a []float64, _ map[string]bool) []float64 { return a }

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
