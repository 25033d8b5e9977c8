package pool

import (
	"errors"
	"math"
	"math/big"
	"math/bits"
	"math/rand"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

func TestTrades(t *testing.T) {
	// 1,000 TAO against 1,000 alpha. 10 TAO pay 10e9·33/65535 = 5,035,477 rao of
	// fee; the rest buys 1000e9·9994964523/1009994964523 = 9,896,053,816.
	out, err := Buy(1000e9, 1000e9, 10e9, 33)
	if err != nil || out != 9_896_053_816 {
		t.Errorf("buy: %d %v", out, err)
	}
	tao, err := Sell(1000e9, 1000e9, 10e9, 33)
	if err != nil || uint64(tao) != uint64(out) {
		t.Errorf("a sale of the same size differs: %d %v", tao, err)
	}
	if out, err := Buy(1000e9, 1000e9, 1000e9, 0); err != nil || out != 500e9 {
		t.Errorf("without fee: %d %v", out, err)
	}
}

func TestTradeGuards(t *testing.T) {
	const max = math.MaxUint64
	for _, c := range []struct {
		name  string
		tao   unit.TAO
		alpha unit.Alpha
		in    unit.TAO
		want  error
	}{
		{"no pool", 0, 0, 5, ErrReserve},
		{"no alpha", 1e9, 0, 5, ErrReserve},
		{"little alpha", 1e9, MinReserve - 1, 5e6, ErrReserve},
		{"too much", 1e6, 1e9, 1000*1e6 + 1, ErrInput},
		{"nothing", 1e9, 1e9, 0, ErrInput},
		{"so little that it buys nothing", 1e12, 1e6, 5, ErrInput},
		{"beyond 64 bits", max - 5, 1e9, 6, ErrInput},
		{"a price too high", 1e12, 1e6, 1e12, ErrPrice},
	} {
		if out, err := Buy(c.tao, c.alpha, c.in, 33); !errors.Is(err, c.want) {
			t.Errorf("%s: %d %v", c.name, out, err)
		}
	}
	if _, err := Sell(1e6, 1e12, 1e12, 33); !errors.Is(err, ErrPrice) {
		t.Errorf("a price too low: %v", err)
	}
	if _, err := Buy(1e6, 1e9, 1000*1e6, 33); err != nil {
		t.Errorf("1000 times the reserve: %v", err)
	}
}

func TestLimits(t *testing.T) {
	out, err := Buy(1000e9, 1000e9, 10e9, 33)
	if err != nil {
		t.Fatal(err)
	}
	// The price goes to 1010/990.1 = 1.0201.
	if err := CheckBuy(1000e9, 1000e9, 10e9, out, unit.PriceFromNano(1_021e6)); err != nil {
		t.Error(err)
	}
	if err := CheckBuy(1000e9, 1000e9, 10e9, out, unit.PriceFromNano(1_020e6)); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
	tao, err := Sell(1000e9, 1000e9, 10e9, 33)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckSell(1000e9, 1000e9, 10e9, tao, unit.PriceFromNano(980e6)); err != nil {
		t.Error(err)
	}
	if err := CheckSell(1000e9, 1000e9, 10e9, tao, unit.PriceFromNano(981e6)); !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

// TestProductNeverFalls plays random trades and checks after each that the
// product of the reserves did not fall, and that going there and back again
// never gains.
func TestProductNeverFalls(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	trades := 0
	for range 300 {
		tao := unit.TAO(1e6 + r.Uint64()>>uint(8+r.Intn(36)))
		alpha := unit.Alpha(1e6 + r.Uint64()>>uint(8+r.Intn(36)))
		fee := uint16(r.Intn(3)) * 33
		for range 100 {
			h0, l0 := bits.Mul64(uint64(tao), uint64(alpha))
			in := r.Uint64() >> uint(r.Intn(64))
			if r.Intn(2) == 0 {
				out, err := Buy(tao, alpha, unit.TAO(in), fee)
				if err != nil {
					continue
				}
				back, err := Sell(tao+unit.TAO(in), alpha-out, out, fee)
				if err == nil && uint64(back) > in {
					t.Fatalf("%d TAO become %d on the way back", in, back)
				}
				tao, alpha = tao+unit.TAO(in), alpha-out
			} else {
				out, err := Sell(tao, alpha, unit.Alpha(in), fee)
				if err != nil {
					continue
				}
				back, err := Buy(tao-out, alpha+unit.Alpha(in), out, fee)
				if err == nil && uint64(back) > in {
					t.Fatalf("%d alpha become %d on the way back", in, back)
				}
				tao, alpha = tao-out, alpha+unit.Alpha(in)
			}
			trades++
			if h, l := bits.Mul64(uint64(tao), uint64(alpha)); h < h0 || h == h0 && l < l0 {
				t.Fatalf("the product falls at %d, %d", tao, alpha)
			}
		}
	}
	if trades < 5000 {
		t.Fatalf("only %d trades went through", trades)
	}
}

func rat(v unit.U128) *big.Rat {
	i, _ := new(big.Int).SetString(v.String(), 10)
	return new(big.Rat).SetInt(i)
}

// TestShareModel compares a share pool with one in rational numbers: no
// position is ever worth more than its exact part, and at most one unit less a
// step; the sum of what all could take out never exceeds what is there.
func TestShareModel(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 40 {
		var p Share
		owned := make([]unit.U128, 1+r.Intn(5))
		put := make([]*big.Rat, len(owned)) // exact worth, by the same deposits
		for i := range put {
			put[i] = new(big.Rat)
		}
		for range 120 {
			i := r.Intn(len(owned))
			switch r.Intn(4) {
			case 0, 1:
				x := unit.Alpha(r.Uint64() >> uint(20+r.Intn(44)))
				minted, err := p.Add(x)
				if err != nil {
					continue
				}
				owned[i], _ = owned[i].Add(minted)
			case 2:
				worth := p.Worth(owned[i])
				if worth == 0 {
					continue
				}
				x := unit.Alpha(r.Uint64())%worth + 1
				before := p
				burned, err := p.Remove(x, owned[i])
				if err != nil {
					t.Fatal(err)
				}
				owned[i], _ = owned[i].Sub(burned)
				if p.Value != before.Value-x {
					t.Fatal("the value is not what was taken")
				}
			case 3:
				_ = p.Grow(unit.Alpha(r.Uint64() >> uint(24+r.Intn(40))))
			}
			var sum unit.U128
			var worth unit.Alpha
			for _, o := range owned {
				sum, _ = sum.Add(o)
				worth += p.Worth(o)
			}
			if sum != p.Shares {
				t.Fatalf("positions have %s shares, the pool %s", sum, p.Shares)
			}
			if worth > p.Value {
				t.Fatalf("positions are worth %d of %d", worth, p.Value)
			}
			// The ratio of shares to value never rises above that of the start.
			ratio := new(big.Rat).Quo(new(big.Rat).Add(rat(p.Shares), rat(unit.U128{Lo: Offset})),
				new(big.Rat).Add(rat(unit.U128From(uint64(p.Value))), big.NewRat(1, 1)))
			if ratio.Cmp(big.NewRat(Offset, 1)) > 0 {
				t.Fatalf("%s shares per unit", ratio.FloatString(3))
			}
		}
	}
}

// TestFirstDepositor plays the inflation attack: the attacker is first, takes
// out all but the least after each dividend so that few shares stand against
// much value, and waits for a victim. However the amounts are chosen, the
// attacker never ends with more than was put in and earned, and the victim
// loses at most the price of one share.
func TestFirstDepositor(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 2000 {
		var p Share
		in := unit.Alpha(1 + r.Uint64()>>uint(24+r.Intn(40)))
		mine, err := p.Add(in)
		if err != nil {
			t.Fatal(err)
		}
		put, earned, got := in, unit.Alpha(0), unit.Alpha(0)
		for range 1 + r.Intn(30) {
			d := unit.Alpha(r.Uint64() >> uint(24+r.Intn(40)))
			if p.Shares.IsZero() {
				break
			}
			if err := p.Grow(d); err != nil {
				t.Fatal(err)
			}
			earned += d
			if w := p.Worth(mine); w > 1 {
				burned, err := p.Remove(w-1, mine)
				if err != nil {
					t.Fatal(err)
				}
				mine, _ = mine.Sub(burned)
				got += w - 1
			}
		}
		victimIn := unit.Alpha(1 + r.Uint64()>>uint(24+r.Intn(40)))
		scaleS, scaleV := p.scale()
		share, _, _ := unit.MulDiv128(scaleV, unit.U128{Lo: 1}, scaleS)
		victim, err := p.Add(victimIn)
		if err != nil {
			continue // refused: the victim keeps everything
		}
		if w := p.Worth(mine); w > 0 {
			if _, err := p.Remove(w, mine); err != nil {
				t.Fatal(err)
			}
			got += w
		}
		if got > put+earned {
			t.Fatalf("the attacker put in %d, earned %d, got %d", put, earned, got)
		}
		if back := p.Worth(victim); back+unit.Alpha(share.Lo)+2 < victimIn {
			t.Fatalf("the victim put in %d and can take out %d", victimIn, back)
		}
	}
}

func TestShareRefusals(t *testing.T) {
	var p Share
	if err := p.Grow(5); !errors.Is(err, ErrShares) {
		t.Errorf("a dividend to nobody: %v", err)
	}
	if _, err := p.Add(0); !errors.Is(err, ErrShares) {
		t.Errorf("nothing put in: %v", err)
	}
	s, err := p.Add(100)
	if err != nil || p.Worth(s) != 100 || s != (unit.U128{Lo: 100 * Offset}) {
		t.Fatalf("%v %v", s, err)
	}
	for _, x := range []unit.Alpha{0, 101} {
		if _, err := p.Remove(x, s); !errors.Is(err, ErrShares) {
			t.Errorf("%d out of 100: %v", x, err)
		}
	}
	more, _ := s.Add(unit.U128{Lo: 1})
	if _, err := p.Remove(50, more); !errors.Is(err, ErrShares) {
		t.Errorf("more shares than there are: %v", err)
	}
	if err := p.Grow(math.MaxUint64); !errors.Is(err, ErrShares) {
		t.Errorf("beyond 64 bits: %v", err)
	}
	if _, err := p.Add(math.MaxUint64); !errors.Is(err, ErrShares) {
		t.Errorf("beyond 64 bits: %v", err)
	}
	if b, err := p.Remove(100, s); err != nil || b != s || p != (Share{}) {
		t.Errorf("all of it: %v %v, left %v", b, err, p)
	}
}
