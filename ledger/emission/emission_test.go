package emission

import (
	"math"
	"math/big"
	"math/rand"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

func TestBlock(t *testing.T) {
	const coin = unit.Coin
	for _, c := range []struct{ issued, want uint64 }{
		{0, 1e9},
		{10_500_000*coin - 1, 1e9},
		{10_500_000 * coin, 5e8},
		{15_750_000*coin - 1, 5e8},
		{15_750_000 * coin, 25e7},
		{18_375_000 * coin, 125e6},
		{Cap - Cap>>29, 1},
		{Cap - Cap>>30, 0}, // 2^30 is more than a block's emission
		{Cap - 1, 0},
		{Cap, 0},
		{Cap + 1, 0},
		{math.MaxUint64, 0},
	} {
		if got := Block(c.issued); got != c.want {
			t.Errorf("at %d: %d, want %d", c.issued, got, c.want)
		}
	}
}

// TestBlockNeverPassesCap plays the emission to its end, in strides within one
// halving.
func TestBlockNeverPassesCap(t *testing.T) {
	issued, last := uint64(0), uint64(PerBlock)
	for issued < Cap {
		e := Block(issued)
		if e > last {
			t.Fatalf("emission rises to %d at %d", e, issued)
		}
		if e == 0 {
			break
		}
		last = e
		left := (Cap - issued) / 2
		issued += max(1, left/e/2) * e
		if issued > Cap {
			t.Fatalf("%d issued", issued)
		}
	}
	if issued < Cap-Cap>>29 {
		t.Fatalf("ends at %d", issued)
	}
}

func TestDivide(t *testing.T) {
	half := unit.OneI32F32 / 2
	for _, c := range []struct {
		name    string
		total   unit.TAO
		subnets []Subnet
		want    []unit.TAO
	}{
		{"none", 10, nil, nil},
		{"by price", 9, []Subnet{{Price: half / 4}, {Price: half / 2}}, []unit.TAO{3, 6}},
		{"nobody has a price", 10, []Subnet{{}, {}, {}}, []unit.TAO{4, 3, 3}},
		{"half is withheld", 9, []Subnet{{half, half}, {Price: half}}, []unit.TAO{3, 6}},
		{"all is withheld", 9, []Subnet{{half, unit.OneI32F32}, {half / 2, 2 * unit.OneI32F32}}, []unit.TAO{6, 3}},
		{"one has no price", 9, []Subnet{{}, {Price: half}}, []unit.TAO{0, 9}},
	} {
		got := Divide(c.total, c.subnets)
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v", c.name, got)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
				break
			}
		}
	}
}

// TestInjectHoldsThePrice: nothing is lost, the cap holds, and the price moves
// by less than one unit of alpha explains.
func TestInjectHoldsThePrice(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 20_000 {
		tao := unit.TAO(1e6 + r.Uint64()%21e15)
		alpha := unit.Alpha(1e6 + r.Uint64()%21e15)
		give := unit.TAO(r.Uint64() % 1e9)
		root := unit.U96F32Ratio(r.Uint64()%1001, 1000)
		issued := alpha + unit.Alpha(r.Uint64()%1e15)
		in := Inject(give, tao, alpha, root, issued)
		minted := Block(uint64(issued))
		if in.TAO+in.Excess != give || uint64(in.Out) != minted {
			t.Fatalf("%+v of %d", in, give)
		}
		if uint64(in.Alpha) > minted || uint64(issued)+uint64(in.Alpha)+uint64(in.Out) > Cap && minted > 0 {
			t.Fatalf("%+v mints too much at %d", in, issued)
		}
		// (tao+in)/(alpha+in) against tao/alpha, as integers:
		// |(tao+i)·alpha − tao·(alpha+a)| = |i·alpha − a·tao| is below one unit
		// of either reserve times the other.
		i := new(big.Int).Mul(big.NewInt(int64(in.TAO)), big.NewInt(int64(alpha)))
		a := new(big.Int).Mul(big.NewInt(int64(in.Alpha)), big.NewInt(int64(tao)))
		if d := i.Sub(i, a).CmpAbs(big.NewInt(max(int64(tao), int64(alpha)))); d > 0 {
			t.Fatalf("%+v moves the price of %d/%d", in, tao, alpha)
		}
	}
	if in := Inject(7, 0, 5, unit.OneU96F32, 0); in.Excess != 7 || in.TAO != 0 || in.Alpha != 0 {
		t.Errorf("without a pool: %+v", in)
	}
	if in := Inject(7, 1e9, 1e9, unit.OneU96F32, Cap-3); in.Out != 0 || in.Alpha != 0 || in.Excess != 7 {
		t.Errorf("at the cap: %+v", in)
	}
}

// TestPart, by hand: of 1,000,000,000 alpha 18 % go to the owner,
// ⌊1e9·11796/65535⌋ = 179,995,422; half of the other 820,004,577.7 to the
// miners; with a root proportion of 1/4 a quarter of the rest to root.
func TestPart(t *testing.T) {
	quarter := unit.U96F32Ratio(1, 4)
	p := Part(1e9, 11796, quarter, true)
	want := Parts{Owner: 179_995_422, Server: 410_002_288, Root: 102_500_572, Validator: 307_501_718}
	if p != want {
		t.Errorf("%+v, want %+v", p, want)
	}
	q := Part(1e9, 11796, quarter, false)
	if q.Burned != p.Root || q.Root != 0 || q.Validator != p.Validator {
		t.Errorf("burned: %+v", q)
	}
	r := rand.New(rand.NewSource(2))
	for range 20_000 {
		out := unit.Alpha(r.Uint64() % (2 * PerBlock))
		p := Part(out, uint16(r.Intn(65536)), unit.U96F32Ratio(r.Uint64()%1001, 1000), r.Intn(2) == 0)
		if p.Owner+p.Server+p.Validator+p.Root+p.Burned != out || p.Validator > out {
			t.Fatalf("%+v of %d", p, out)
		}
	}
}

func TestMovePriceBounds(t *testing.T) {
	one := unit.OneI32F32
	if got := MovePrice(0, unit.PriceOf(50, 1), one, 1000, 0); got != one {
		t.Errorf("a price above 1 counts as %s", got)
	}
	if got := MovePrice(one/2, unit.Price{}, one, math.MaxUint64, 1); got > one/2 {
		t.Errorf("sum beyond 64 bits: %s", got)
	}
	if got := MovePrice(one/2, unit.OnePrice, 0, 5, 5); got != one/2 {
		t.Errorf("no smoothing: %s", got)
	}
}

func TestUntilEpochWraps(t *testing.T) {
	if got := UntilEpoch(math.MaxUint64-5, 360, math.MaxUint64-7); got != 7 {
		t.Errorf("%d", got)
	}
}
