package pool

import (
	"math/rand"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// The largest trade within a limit keeps it, and one unit more does not.
func TestMostIsExact(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	part := 0
	for range 3000 {
		tao, alpha := unit.TAO(1e9+r.Int63n(1e15)), unit.Alpha(1e9+r.Int63n(1e15))
		most := uint64(r.Int63n(1 << uint(10+r.Intn(45))))
		p := unit.PriceOf(tao, alpha)
		limit := unit.PriceFromNano(p.Nano() * uint64(500+r.Intn(1500)) / 1000)
		fee := uint16(r.Intn(200))
		held := func(name string, got uint64, ok func(uint64) bool) {
			if got > most || got > 0 && !ok(got) || got < most && ok(got+1) {
				t.Fatalf("%s of %d at %s within %s: %d", name, most, p, limit, got)
			}
			if got > 0 && got < most {
				part++
			}
		}
		held("buy", uint64(MostBuy(tao, alpha, unit.TAO(most), fee, limit)), func(in uint64) bool {
			out, _ := Quote(uint64(tao), uint64(alpha), in, fee)
			return CheckBuy(tao, alpha, unit.TAO(in), unit.Alpha(out), limit) == nil
		})
		held("sale", uint64(MostSell(tao, alpha, unit.Alpha(most), fee, limit)), func(in uint64) bool {
			out, _ := Quote(uint64(alpha), uint64(tao), in, fee)
			return CheckSell(tao, alpha, unit.Alpha(in), unit.TAO(out), limit) == nil
		})
		if got, err := Buy(tao, alpha, unit.TAO(most), fee); err == nil {
			if q, ok := Quote(uint64(tao), uint64(alpha), most, fee); !ok || q != uint64(got) {
				t.Fatalf("a quote of %d, a trade of %d", q, got)
			}
		}
	}
	if part < 100 {
		t.Errorf("only %d trades were cut short", part)
	}
	if got := MostBuy(1e12, 1e12, ^unit.TAO(0), 0, unit.PriceFromNano(2e9)); got == 0 || got > 1e12 {
		t.Errorf("all there is at up to twice the price: %s", got)
	}
	if _, ok := Quote(0, 5, 5, 0); ok {
		t.Error("a quote from an empty pool")
	}
}
