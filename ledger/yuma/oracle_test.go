package yuma

import (
	"math"
	"math/big"
	"math/rand"
	"os"
	"sort"
	"strconv"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// oracle is the epoch a second time: dense, in rational numbers, from the words
// of the specification, with nothing of the code under test.
type oracle struct {
	consensus, trust, incentive, dividends, server, validator []*big.Rat
	bonds                                                     [][]*big.Rat // max-upscaled
	permit                                                    []bool
}

func zero() *big.Rat { return new(big.Rat) }

func ratVec(n int) []*big.Rat {
	v := make([]*big.Rat, n)
	for i := range v {
		v[i] = zero()
	}
	return v
}

func ratMat(n int) [][]*big.Rat {
	m := make([][]*big.Rat, n)
	for i := range m {
		m[i] = ratVec(n)
	}
	return m
}

func ratio(p, q uint64) *big.Rat {
	return new(big.Rat).SetFrac(new(big.Int).SetUint64(p), new(big.Int).SetUint64(q))
}

func total(v []*big.Rat) *big.Rat {
	s := zero()
	for _, x := range v {
		s.Add(s, x)
	}
	return s
}

func over(v []*big.Rat, s *big.Rat) []*big.Rat {
	out := ratVec(len(v))
	for i, x := range v {
		if s.Sign() != 0 {
			out[i].Quo(x, s)
		}
	}
	return out
}

func column(m [][]*big.Rat, j int) []*big.Rat {
	c := make([]*big.Rat, len(m))
	for i := range m {
		c[i] = m[i][j]
	}
	return c
}

func colNormalized(m [][]*big.Rat) [][]*big.Rat {
	out := ratMat(len(m))
	for j := range m {
		for i, x := range over(column(m, j), total(column(m, j))) {
			out[i][j] = x
		}
	}
	return out
}

// rational computes the epoch for an input whose slices all have N items.
func rational(in Input) oracle {
	n := in.N
	var o oracle
	allowed := append([]bool(nil), in.Permit...)
	if in.Owner >= 0 {
		allowed[in.Owner] = true
	}
	stake := ratVec(n)
	for i, s := range in.Stake {
		if s >= in.StakeThreshold || i == in.Owner {
			stake[i].SetInt(new(big.Int).SetUint64(s))
		}
	}
	stake = over(stake, total(stake))

	// The largest stakes get permits; of equals the higher uid.
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool {
		c := stake[order[a]].Cmp(stake[order[b]])
		return c > 0 || c == 0 && order[a] > order[b]
	})
	o.permit = make([]bool, n)
	for k, i := range order {
		o.permit[i] = (k < in.MaxValidators && stake[i].Sign() > 0) || i == in.Owner
	}

	active := ratVec(n)
	for i := range active {
		if allowed[i] && in.LastUpdate[i]+in.ActivityCutoff >= in.Now {
			active[i] = stake[i]
		}
	}
	active = over(active, total(active))

	w := ratMat(n)
	for i, row := range in.Weights {
		for _, e := range row {
			j := int(e.UID)
			if allowed[i] && (i != j || i == in.Owner) && in.LastUpdate[i] > in.Registered[j] {
				w[i][j].SetInt64(int64(e.Value))
			}
		}
		w[i] = over(w[i], total(w[i]))
	}

	// Consensus: the largest value that at least kappa of stake reaches.
	kappa := ratio(uint64(in.Kappa), 65535)
	o.consensus = ratVec(n)
	for j := range o.consensus {
		for i := range w {
			if active[i].Sign() == 0 || w[i][j].Cmp(o.consensus[j]) <= 0 {
				continue
			}
			back := zero()
			for k := range w {
				if w[k][j].Cmp(w[i][j]) >= 0 {
					back.Add(back, active[k])
				}
			}
			if back.Cmp(kappa) >= 0 {
				o.consensus[j] = w[i][j]
			}
		}
	}
	clipped := ratMat(n)
	o.trust = ratVec(n)
	ranks := ratVec(n)
	for i := range w {
		for j := range w {
			clipped[i][j] = w[i][j]
			if o.consensus[j].Cmp(w[i][j]) < 0 {
				clipped[i][j] = o.consensus[j]
			}
			o.trust[i].Add(o.trust[i], clipped[i][j])
			ranks[j].Add(ranks[j], zero().Mul(active[i], clipped[i][j]))
		}
	}
	o.incentive = over(ranks, total(ranks))

	penalty := ratio(uint64(in.BondsPenalty), 65535)
	lastTempo := in.LastStep + 1
	if in.LastStep == 0 {
		lastTempo = in.Now - min(in.Now, in.Tempo)
	}
	forBonds, bonds := ratMat(n), ratMat(n)
	for i := range w {
		for j := range w {
			part := zero().Sub(clipped[i][j], w[i][j])
			forBonds[i][j].Add(w[i][j], part.Mul(part, penalty))
		}
		for _, e := range in.Bonds[i] {
			if lastTempo > in.Registered[e.UID] {
				bonds[i][e.UID].SetInt64(int64(e.Value))
			}
		}
	}
	kept := ratio(in.BondsMovingAverage, 1_000_000)
	var upscaled [][]*big.Rat
	if in.Yuma3 {
		upscaled = o.yuma3(in, forBonds, bonds, active, kept)
	} else {
		upscaled = o.classic(forBonds, bonds, active, kept)
	}

	sum := zero().Add(total(o.incentive), total(o.dividends))
	o.server, o.validator = over(o.incentive, sum), over(o.dividends, sum)
	if sum.Sign() == 0 {
		o.validator = active
		if total(active).Sign() == 0 {
			o.validator = stake
		}
	}
	o.bonds = ratMat(n)
	for i := range o.bonds {
		if o.permit[i] {
			o.bonds[i] = upscaled[i]
		}
	}
	return o
}

// classic finds the dividends and returns the bonds, max-upscaled.
func (o *oracle) classic(forBonds, bonds [][]*big.Rat, active []*big.Rat, kept *big.Rat) [][]*big.Rat {
	n := len(active)
	delta, ema := ratMat(n), ratMat(n)
	for i := range delta {
		for j := range delta {
			delta[i][j].Mul(forBonds[i][j], active[i])
		}
	}
	bonds, delta = colNormalized(bonds), colNormalized(delta)
	for i := range ema {
		for j := range ema {
			ema[i][j].Mul(delta[i][j], zero().Sub(big.NewRat(1, 1), kept))
			ema[i][j].Add(ema[i][j], zero().Mul(bonds[i][j], kept))
		}
	}
	ema = colNormalized(ema)
	d := ratVec(n)
	for i := range ema {
		for j := range ema {
			d[i].Add(d[i], zero().Mul(ema[i][j], o.incentive[j]))
		}
	}
	o.dividends = over(d, total(d))
	out := ratMat(n)
	for j := range ema {
		largest := zero()
		for i := range ema {
			if ema[i][j].Cmp(largest) > 0 {
				largest = ema[i][j]
			}
		}
		for i := range ema {
			if largest.Sign() > 0 {
				out[i][j].Quo(ema[i][j], largest)
			}
		}
	}
	return out
}

// yuma3 finds the dividends and returns the bonds. Its exponential is a float's.
func (o *oracle) yuma3(in Input, w, bonds [][]*big.Rat, active []*big.Rat, kept *big.Rat) [][]*big.Rat {
	n, one := len(active), big.NewRat(1, 1)
	liquid := in.LiquidAlpha && total(o.consensus).Sign() > 0
	low, high := ratio(uint64(in.AlphaLow), 65535), ratio(uint64(in.AlphaHigh), 65535)
	out := ratMat(n)
	for i := range out {
		for j := range out {
			b := zero().Quo(bonds[i][j], big.NewRat(65535, 1))
			alpha := zero().Sub(one, kept)
			if liquid {
				diff := zero().Sub(b, w[i][j])
				if diff.Sign() <= 0 {
					diff.Sub(w[i][j], o.consensus[j])
				}
				x, _ := diff.Float64()
				x = min(max(x, 0), 1)
				x = min(max(-float64(in.Steepness)/100*(x-0.5), -20), 20)
				alpha.SetFloat64(1 / (1 + math.Exp(x)))
				alpha.Mul(alpha, zero().Sub(high, low)).Add(alpha, low)
			}
			out[i][j].Mul(alpha, w[i][j])
			out[i][j].Add(out[i][j], b.Mul(b, zero().Sub(one, alpha)))
		}
	}
	d, shares := ratVec(n), colNormalized(out)
	for i := range d {
		for j := range d {
			d[i].Add(d[i], zero().Mul(shares[i][j], o.incentive[j]))
		}
		d[i].Mul(d[i], active[i])
	}
	o.dividends = over(d, total(d))
	return out
}

// randomInput is a subnet of a few uids in which everything happens at times.
func randomInput(r *rand.Rand) Input {
	n := 1 + r.Intn(14)
	in := Input{N: n, Now: 1000, Tempo: uint64(r.Intn(300)), LastStep: uint64(r.Intn(2) * 900), ActivityCutoff: 200,
		StakeThreshold: uint64(r.Intn(2) * 100), Kappa: 32767, MaxValidators: 1 + r.Intn(n), BondsMovingAverage: 900_000,
		BondsPenalty: []uint16{65535, 0, uint16(r.Intn(65536))}[r.Intn(3)], Owner: r.Intn(n+1) - 1}
	if r.Intn(4) == 0 {
		in.Kappa, in.BondsMovingAverage = uint16(1+r.Intn(65535)), uint64(r.Intn(1_000_001))
	}
	for range n {
		in.Stake = append(in.Stake, uint64(r.Intn(3)*r.Intn(1000)))
		in.LastUpdate = append(in.LastUpdate, uint64(1000-r.Intn(250)))
		in.Registered = append(in.Registered, uint64(r.Intn(700)+r.Intn(10)/9*300))
		in.Permit = append(in.Permit, r.Intn(3) > 0)
		row := func(most int) (row Row) {
			for j := range n {
				if r.Intn(3) > 0 {
					row = append(row, Entry{uint16(j), uint16(r.Intn(most))})
				}
			}
			return row
		}
		in.Weights, in.Bonds = append(in.Weights, row(65536)), append(in.Bonds, row(1+r.Intn(65536)))
	}
	return in
}

// withYuma3 draws options of Yuma3 for an input, in half of the cases with
// liquid alpha.
func withYuma3(r *rand.Rand, in Input) Input {
	in.Yuma3, in.LiquidAlpha = true, r.Intn(2) == 0
	in.AlphaLow = uint16(MinAlpha + r.Intn(30_000))
	in.AlphaHigh = in.AlphaLow + uint16(r.Intn(30_000))
	in.Steepness = []int16{1000, 1000, -1000, 0, int16(r.Intn(65536) - 32768)}[r.Intn(5)]
	return in
}

// cases is the number of random subnets; YUMA_TEST_CASES raises it for the longer
// runs.
func cases(t *testing.T) int {
	v := os.Getenv("YUMA_TEST_CASES")
	if v == "" {
		return 500
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 500 {
		t.Fatalf("YUMA_TEST_CASES=%q: want a number of at least 500", v)
	}
	return n
}

// TestAgainstRationals compares the epoch with the rational one on random
// subnets. Fixed point stays within 4e-7 of it: each of up to 14 terms rounds by
// 2^-32, and a sum of ranks of a hundredth makes that a hundred times coarser when
// it is divided by. Stored bonds stay within one unit and a twentieth;
// permits agree.
func TestAgainstRationals(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	againstRationals(t, cases(t), 4e-7, func() Input { return randomInput(r) })
}

// TestYuma3AgainstRationals: the bonds of a column can all be small, down to a
// unit of storage, and their shares are as much coarser: the dividends stay
// within 1e-6, all else as above.
func TestYuma3AgainstRationals(t *testing.T) {
	r := rand.New(rand.NewSource(11))
	againstRationals(t, cases(t), 1e-6, func() Input { return withYuma3(r, randomInput(r)) })
}

// againstRationals holds the numbers that depend on bonds to bound, all others
// to 4e-7.
func againstRationals(t *testing.T, cases int, bound float64, next func() Input) {
	worst, paid, idle, liquid := 0.0, 0, 0, 0
	for c := range cases {
		in := next()
		got, want := Epoch(in), rational(in)
		compare := func(what string, got []unit.I32F32, want []*big.Rat, bound float64) {
			t.Helper()
			for i, x := range got {
				w, _ := want[i].Float64()
				diff := math.Abs(float64(x)/(1<<32) - w)
				if worst = max(worst, diff); diff > bound {
					t.Fatalf("case %d: %s[%d] = %s, want %.10f\n%+v", c, what, i, x, w, in)
				}
			}
		}
		compare("consensus", got.Consensus, want.consensus, 4e-7)
		compare("trust", got.Trust, want.trust, 4e-7)
		compare("incentive", got.Incentive, want.incentive, 4e-7)
		compare("dividends", got.Dividends, want.dividends, bound)
		compare("server", got.Server, want.server, 4e-7)
		compare("validator", got.Validator, want.validator, bound)
		for i := range want.permit {
			if got.Permit[i] != want.permit[i] {
				t.Fatalf("case %d: permit of %d is %v", c, i, got.Permit[i])
			}
			for j := range want.permit {
				w, _ := want.bonds[i][j].Float64()
				if diff := math.Abs(float64(bond(got.Bonds[i], j)) - w*65535); diff > 1.05 {
					t.Fatalf("case %d: bond %d→%d is %d, want %.3f", c, i, j, bond(got.Bonds[i], j), w*65535)
				}
			}
		}
		if total(want.incentive).Sign() > 0 {
			if paid++; in.LiquidAlpha {
				liquid++
			}
		} else {
			idle++
		}
		// What the ledger pays from these weights is the whole pot.
		if weights := got.ValidatorWeights(); total(want.validator).Sign() > 0 {
			sum := uint64(0)
			for _, part := range unit.Split(1_000_000_007, weights) {
				sum += part
			}
			if sum != 1_000_000_007 {
				t.Fatalf("case %d: the validators' pot pays %d", c, sum)
			}
		}
	}
	t.Logf("largest difference %.3g; miners were paid in %d cases, in %d with liquid alpha, nobody in %d", worst, paid, liquid, idle)
	if paid < 100 || idle < 10 {
		t.Fatal("the cases are one-sided")
	}
}

// TestEpochIsTotal: whatever the slices' lengths and the rows' contents, there
// is a result of the right shape.
func TestEpochIsTotal(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	for range 300 {
		in := randomInput(r)
		cut := func(n int) int { return r.Intn(n + 1) }
		in.Stake, in.LastUpdate = in.Stake[:cut(len(in.Stake))], in.LastUpdate[:cut(len(in.LastUpdate))]
		in.Registered, in.Permit = in.Registered[:cut(len(in.Registered))], in.Permit[:cut(len(in.Permit))]
		in.Weights, in.Bonds = in.Weights[:cut(len(in.Weights))], in.Bonds[:cut(len(in.Bonds))]
		for i := range in.Weights {
			in.Weights[i] = append(in.Weights[i], Entry{65535, 9}, Entry{0, 7}, Entry{0, 8})
		}
		in.Owner, in.MaxValidators = r.Intn(1000)-500, r.Intn(40)-20
		if r.Intn(2) == 0 {
			in = withYuma3(r, in)
			in.AlphaLow, in.BondsMovingAverage = uint16(r.Intn(65536)), uint64(r.Intn(3_000_000))
		}
		out := Epoch(in)
		if len(out.Incentive) != in.N || len(out.Bonds) != in.N || len(out.Permit) != in.N || len(out.Server) != in.N {
			t.Fatalf("%+v", out)
		}
	}
	if out := Epoch(Input{N: -1}); len(out.Incentive) != 0 {
		t.Fatalf("%+v", out)
	}
	in := Input{N: 2, Stake: []uint64{math.MaxUint64, math.MaxUint64}, Permit: []bool{true, true},
		LastUpdate: []uint64{9, 9}, Now: 9, Kappa: 32767, MaxValidators: 2, Owner: -1, Weights: []Row{{{1, 1}}, {{0, 1}}}}
	if out := Epoch(in); out.Stake[0] != unit.OneI32F32/2 {
		t.Fatalf("stakes beyond 64 bits in sum: %v", out.Stake)
	}
}

// TestOrderOfARowDoesNotMatter: rows come sorted or not.
func TestOrderOfARowDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for range 100 {
		in := randomInput(r)
		if r.Intn(2) == 0 {
			in = withYuma3(r, in)
		}
		a := Epoch(in)
		for _, rows := range [][]Row{in.Weights, in.Bonds} {
			for _, row := range rows {
				r.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
			}
		}
		b := Epoch(in)
		for i := range a.Incentive {
			if a.Incentive[i] != b.Incentive[i] || a.Dividends[i] != b.Dividends[i] || a.Trust[i] != b.Trust[i] {
				t.Fatalf("uid %d: %s %s, then %s %s", i, a.Incentive[i], a.Dividends[i], b.Incentive[i], b.Dividends[i])
			}
			for j := range a.Incentive {
				if bond(a.Bonds[i], j) != bond(b.Bonds[i], j) {
					t.Fatalf("bond %d→%d", i, j)
				}
			}
		}
	}
}

func TestPermits(t *testing.T) {
	for _, c := range []struct {
		stake []uint64
		k     int
		owner int
		want  []bool
	}{
		{nil, 3, -1, nil},
		{[]uint64{5, 0, 7, 5}, 2, -1, []bool{false, false, true, true}},
		{[]uint64{5, 0, 7, 5}, 2, 1, []bool{false, true, true, true}},
		{[]uint64{5, 0, 7, 5}, 9, -1, []bool{true, false, true, true}},
		{[]uint64{5, 0, 7, 5}, 0, -1, []bool{false, false, false, false}},
		{[]uint64{1, 1 << 33}, 2, -1, []bool{false, true}}, // below 2^-32 of the sum
	} {
		got := Permits(c.stake, c.k, c.owner)
		for i := range c.want {
			if got[i] != c.want[i] {
				t.Errorf("%v, %d, owner %d: %v, want %v", c.stake, c.k, c.owner, got, c.want)
				break
			}
		}
	}
}

func TestActivityCutoff(t *testing.T) {
	if ActivityCutoff(13_889, 360) != 5000 || ActivityCutoff(1000, 0) != 1 || ActivityCutoff(math.MaxUint32, 65535) != 281470681677 {
		t.Error(ActivityCutoff(13_889, 360), ActivityCutoff(math.MaxUint32, 65535))
	}
}
