package yuma

import (
	"math/rand"
	"reflect"
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
)

// The classic epoch a third time: in fixed point, step by step, a new matrix
// for every step. It is the first form this package had, kept to hold the lean
// one to its bits.

// plainCell is an entry of a sparse row.
type plainCell struct {
	j int
	v unit.I32F32
}

// plainMatrix is sparse, by rows; the order within a row is kept and never matters.
type plainMatrix [][]plainCell

// plainNumbers widens rows to n rows of numbers, without entries beyond n and
// without second entries for a uid.
func plainNumbers(rows []Row, n int) plainMatrix {
	m := make(plainMatrix, n)
	seen := make([]int, n) // row+1 in which a column was seen last
	for i := range m {
		if i >= len(rows) {
			break
		}
		for _, e := range rows[i] {
			if j := int(e.UID); j < n && seen[j] != i+1 {
				seen[j] = i + 1
				m[i] = append(m[i], plainCell{j, unit.I32F32From(uint64(e.Value))})
			}
		}
	}
	return m
}

// filter returns m without the cells for which keep is false.
func (m plainMatrix) filter(keep func(i, j int) bool) plainMatrix {
	out := make(plainMatrix, len(m))
	for i, row := range m {
		for _, c := range row {
			if keep(i, c.j) {
				out[i] = append(out[i], c)
			}
		}
	}
	return out
}

// mapCells returns m with each value replaced.
func (m plainMatrix) mapCells(f func(i int, c plainCell) unit.I32F32) plainMatrix {
	out := make(plainMatrix, len(m))
	for i, row := range m {
		out[i] = make([]plainCell, len(row))
		for k, c := range row {
			out[i][k] = plainCell{c.j, f(i, c)}
		}
	}
	return out
}

func (m plainMatrix) rowSums() []unit.I32F32 {
	out := make([]unit.I32F32, len(m))
	for i, row := range m {
		for _, c := range row {
			out[i] = out[i].Add(c.v)
		}
	}
	return out
}

func (m plainMatrix) colSums(n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for _, row := range m {
		for _, c := range row {
			out[c.j] = out[c.j].Add(c.v)
		}
	}
	return out
}

// rowNormalize makes each row sum to 1, but those that sum to 0.
func (m plainMatrix) rowNormalize() plainMatrix {
	sums := m.rowSums()
	return m.mapCells(func(i int, c plainCell) unit.I32F32 { return plainPart(c.v, sums[i]) })
}

// colNormalize makes each of n columns sum to 1, but those that sum to 0.
func (m plainMatrix) colNormalize(n int) plainMatrix {
	sums := m.colSums(n)
	return m.mapCells(func(_ int, c plainCell) unit.I32F32 { return plainPart(c.v, sums[c.j]) })
}

// colMaxUpscale makes the largest entry of each of n columns 1, but where that
// is 0.
func (m plainMatrix) colMaxUpscale(n int) plainMatrix {
	largest := make([]unit.I32F32, n)
	for _, row := range m {
		for _, c := range row {
			largest[c.j] = max(largest[c.j], c.v)
		}
	}
	return m.mapCells(func(_ int, c plainCell) unit.I32F32 { return plainPart(c.v, largest[c.j]) })
}

func plainPart(v, of unit.I32F32) unit.I32F32 {
	if of == 0 {
		return v
	}
	return v.Div(of)
}

// scaleRows multiplies each row by its factor.
func (m plainMatrix) scaleRows(by []unit.I32F32) plainMatrix {
	return m.mapCells(func(i int, c plainCell) unit.I32F32 { return by[i].Mul(c.v) })
}

// clip cuts each entry to its column's threshold; an entry above a threshold
// of 0 vanishes.
func (m plainMatrix) clip(threshold []unit.I32F32) plainMatrix {
	out := make(plainMatrix, len(m))
	for i, row := range m {
		for _, c := range row {
			switch t := threshold[c.j]; {
			case c.v <= t:
				out[i] = append(out[i], c)
			case t > 0:
				out[i] = append(out[i], plainCell{c.j, t})
			}
		}
	}
	return out
}

// colDot returns Σ_i v_i·m_ij for each of n columns.
func (m plainMatrix) colDot(v []unit.I32F32, n int) []unit.I32F32 {
	out := make([]unit.I32F32, n)
	for i, row := range m {
		for _, c := range row {
			out[c.j] = out[c.j].Add(v[i].Mul(c.v))
		}
	}
	return out
}

// rowDot returns Σ_j v_j·m_ij for each row.
func (m plainMatrix) rowDot(v []unit.I32F32) []unit.I32F32 {
	out := make([]unit.I32F32, len(m))
	for i, row := range m {
		for _, c := range row {
			out[i] = out[i].Add(v[c.j].Mul(c.v))
		}
	}
	return out
}

// plainInterpolate returns a + ratio·(b−a), keeping what is above 0. A ratio of 0 is
// a itself and one of 1 is b, explicit zeros included.
func plainInterpolate(a, b plainMatrix, n int, ratio unit.I32F32) plainMatrix {
	switch ratio {
	case 0:
		return a
	case unit.OneI32F32:
		return b
	}
	return plainMix(a, b, n, func(x, y unit.I32F32) unit.I32F32 { return x.Add(ratio.Mul(y.Sub(x))) })
}

// plainAverage returns alpha·a + (1−alpha)·b, keeping what is above 0.
func plainAverage(a, b plainMatrix, n int, alpha unit.I32F32) plainMatrix {
	rest := unit.OneI32F32.Sub(alpha)
	return plainMix(a, b, n, func(x, y unit.I32F32) unit.I32F32 { return alpha.Mul(x).Add(rest.Mul(y)) })
}

// plainMix combines two matrices of n columns entry by entry, a missing one being
// 0, and keeps what is above 0, in the order of columns.
func plainMix(a, b plainMatrix, n int, f func(x, y unit.I32F32) unit.I32F32) plainMatrix {
	out := make(plainMatrix, len(a))
	x, y := make([]unit.I32F32, n), make([]unit.I32F32, n)
	for i := range a {
		clear(x)
		clear(y)
		for _, c := range a[i] {
			x[c.j] = c.v
		}
		for _, c := range b[i] {
			y[c.j] = c.v
		}
		for j := range x {
			if v := f(x[j], y[j]); v > 0 {
				out[i] = append(out[i], plainCell{j, v})
			}
		}
	}
	return out
}

// plainMedians returns for each of n columns of score the stake-weighted median
// over the rows with stake: the largest value such that at least the share
// majority of stake says as much. A missing entry says 0.
func plainMedians(stake []unit.I32F32, score plainMatrix, n int, majority unit.I32F32) []unit.I32F32 {
	var weights []unit.I32F32
	var order []int
	type said struct {
		k int
		v unit.I32F32
	}
	columns := make([][]said, n)
	for i, s := range stake {
		if s <= 0 {
			continue
		}
		for _, c := range score[i] {
			columns[c.j] = append(columns[c.j], said{len(weights), c.v})
		}
		order = append(order, len(weights))
		weights = append(weights, s)
	}
	weights = normalize(weights)
	total := sum(weights)
	minority := total.Sub(majority)
	out := make([]unit.I32F32, n)
	values := make([]unit.I32F32, len(weights))
	for j := range out {
		clear(values)
		for _, s := range columns[j] {
			values[s.k] = s.v
		}
		out[j] = plainMedian(weights, values, order, minority, 0, total)
	}
	return out
}

// plainMedian selects by halving: the middle of the indices is the pivot,
// and the search goes on below it, above it, or ends with it. low and high
// bound the stake at and below what is left of the indices (economics, the
// epoch, step 6). With no indices it is 0.
func plainMedian(stake, score []unit.I32F32, indices []int, minority, low, high unit.I32F32) unit.I32F32 {
	for len(indices) > 1 {
		pivot := score[indices[len(indices)/2]]
		var below, above []int
		var belowStake, aboveStake unit.I32F32
		for _, i := range indices {
			switch {
			case score[i] < pivot:
				below, belowStake = append(below, i), belowStake.Add(stake[i])
			case score[i] > pivot:
				above, aboveStake = append(above, i), aboveStake.Add(stake[i])
			}
		}
		switch {
		case minority < low.Add(belowStake) && len(below) > 0:
			indices, high = below, low.Add(belowStake)
		case high.Sub(aboveStake) <= minority && len(above) > 0:
			indices, low = above, high.Sub(aboveStake)
		default:
			return pivot
		}
	}
	if len(indices) == 0 {
		return 0
	}
	return score[indices[0]]
}

// plainEpoch follows the numbered steps of the specification (economics, the epoch)
// in their order, because every rounding depends on it.
func plainEpoch(in Input) Output {
	var out Output
	n := max(0, min(in.N, 1<<16))
	lastUpdate, registered := resize(in.LastUpdate, n), resize(in.Registered, n)
	permit := resize(in.Permit, n)
	if in.Owner >= 0 && in.Owner < n {
		permit[in.Owner] = true
	}

	// 1 Activity.
	out.Active = make([]bool, n)
	for i := range out.Active {
		out.Active[i] = lastUpdate[i] >= in.Now || in.Now-lastUpdate[i] <= in.ActivityCutoff
	}

	// 2 Stake.
	stake := resize(in.Stake, n)
	for i, s := range stake {
		if s < in.StakeThreshold && i != in.Owner {
			stake[i] = 0
		}
	}
	out.Stake = normalizeStake(stake)

	// 3 Permits: those of before for this epoch, those of now for the next.
	out.Permit = permits(out.Stake, in.MaxValidators, in.Owner)

	// 4 Active stake.
	active := make([]unit.I32F32, n)
	for i, s := range out.Stake {
		if out.Active[i] && permit[i] {
			active[i] = s
		}
	}
	active = normalize(active)

	// 5 Weights.
	w := plainNumbers(in.Weights, n).filter(func(i, _ int) bool { return permit[i] })
	w = w.filter(func(i, j int) bool { return i != j || i == in.Owner })
	w = w.filter(func(i, j int) bool { return lastUpdate[i] > registered[j] })
	w = w.rowNormalize()

	// 6 Consensus. 7 Clip. 8 Trust, ranks, incentive.
	out.Consensus = plainMedians(active, w, n, unit.U16Ratio(in.Kappa))
	clipped := w.clip(out.Consensus)
	out.Trust = clipped.rowSums()
	out.Ranks = clipped.colDot(active, n)
	out.Incentive = normalize(out.Ranks)

	// 9 Weights for bonds. 10 Masks. 11a Bonds and dividends.
	forBonds := plainInterpolate(w, clipped, n, unit.U16Ratio(in.BondsPenalty))
	lastTempo := in.Now - min(in.Now, in.Tempo)
	if in.LastStep != 0 {
		lastTempo = in.LastStep + 1
	}
	bonds := plainNumbers(in.Bonds, n).filter(func(_, j int) bool { return lastTempo > registered[j] }).colNormalize(n)
	delta := forBonds.scaleRows(active)
	deltaNormalized := delta.colNormalize(n)
	kept := unit.Ratio(in.BondsMovingAverage, 1_000_000)
	ema := plainAverage(deltaNormalized, bonds, n, unit.OneI32F32.Sub(kept)).colNormalize(n)
	out.Dividends = normalize(ema.rowDot(out.Incentive))
	upscaled := ema.colMaxUpscale(n)

	// 12 Emission.
	out.emission(active)

	// 13 Stored bonds.
	out.Bonds = make([]Row, n)
	for i, row := range upscaled {
		if !out.Permit[i] {
			continue
		}
		for _, c := range row {
			out.Bonds[i] = append(out.Bonds[i], Entry{uint16(c.j), c.v.U16Share()})
		}
	}
	return out
}

// largeInput draws a subnet of n uids of which the first v validate, with a part of
// all weights and bonds, in hundredths.
func largeInput(r *rand.Rand, n, v, part int) Input {
	in := Input{N: n, Now: 1000, Tempo: 360, LastStep: 640, ActivityCutoff: 5000, Kappa: 32767, MaxValidators: v,
		BondsMovingAverage: 900_000, BondsPenalty: 65535, Owner: -1}
	in.Weights, in.Bonds = make([]Row, n), make([]Row, n)
	quality := make([]int, n)
	for i := range n {
		quality[i] = 1 + r.Intn(60_000)
		in.LastUpdate, in.Registered = append(in.LastUpdate, 900), append(in.Registered, uint64(r.Intn(600)))
		in.Permit = append(in.Permit, i < v)
		if in.Stake = append(in.Stake, 0); i < v {
			in.Stake[i] = uint64(1 + r.Intn(1_000_000))
		}
	}
	for i := range v {
		for j := range n {
			if r.Intn(100) < part {
				in.Weights[i] = append(in.Weights[i], Entry{uint16(j), uint16(quality[j] + r.Intn(5000))})
			}
			if r.Intn(100) < part {
				in.Bonds[i] = append(in.Bonds[i], Entry{uint16(j), uint16(r.Intn(65536))})
			}
		}
	}
	return in
}

// TestSameBitsAsThePlainForm: every number of the epoch, on small subnets with
// every mask at work and on larger ones, dense and sparse.
func TestSameBitsAsThePlainForm(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	var inputs []Input
	for range 2000 {
		in := randomInput(r)
		if r.Intn(3) == 0 { // rows that nobody sorted, with entries beyond n and repeated ones
			for i := range in.Weights {
				in.Weights[i] = append(in.Weights[i], Entry{uint16(in.N), 9}, Entry{0, 7}, Entry{65535, 8})
				r.Shuffle(len(in.Weights[i]), reflect.Swapper(in.Weights[i]))
				in.Bonds[i] = append(in.Bonds[i], Entry{0, 9})
				r.Shuffle(len(in.Bonds[i]), reflect.Swapper(in.Bonds[i]))
			}
		}
		in.Kappa = []uint16{in.Kappa, 0, 65535, uint16(r.Intn(65536))}[r.Intn(4)]
		inputs = append(inputs, in)
	}
	for _, part := range []int{1, 5, 50, 100} {
		for range 4 {
			in := largeInput(r, 100+r.Intn(100), 10+r.Intn(60), part)
			in.BondsPenalty = uint16(r.Intn(3) * 32767)
			inputs = append(inputs, in)
		}
	}
	for c, in := range inputs {
		if got, want := Epoch(in), plainEpoch(in); !reflect.DeepEqual(got, want) {
			t.Fatalf("case %d: %+v\ngives %+v\nwant  %+v", c, in, got, want)
		}
	}
}

// TestMedianWhateverThePivots: the selection gives the plain form's value, and
// so does what it falls back to when every pivot is a bad one.
func TestMedianWhateverThePivots(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for range 5000 {
		n, most := 1+r.Intn(40), 1+r.Intn(50)
		stake, score := make([]unit.I32F32, n), make([]unit.I32F32, n)
		order, values := make([]int, n), make([]said, n)
		for i := range n {
			stake[i], score[i], order[i] = unit.I32F32(1+r.Intn(most)), unit.I32F32(r.Intn(most)), i
			values[i] = said{score[i], stake[i]}
		}
		minority := unit.I32F32(r.Intn(int(sum(stake))+3) - 1)
		want := plainMedian(stake, score, order, minority, 0, sum(stake))
		if got := weightedMedian(append([]said(nil), values...), minority, 0); got != want {
			t.Fatalf("%v: %d, want %d", values, got, want)
		}
		if got := sortedMedian(values, minority, 0); got != want {
			t.Fatalf("%v, sorted: %d, want %d", values, got, want)
		}
	}
}

// TestMedianHasNoWorstCase: values chosen so that every pivot is the largest
// left end in sorting, not in a square of rounds.
func TestMedianHasNoWorstCase(t *testing.T) {
	const n = 4096
	v := make([]said, n)
	// Undo the selection: the largest of k values is swapped into the middle.
	for k := 1; k <= n; k++ {
		v[k-1] = said{unit.I32F32(k), 1}
		v[k-1], v[k/2] = v[k/2], v[k-1]
	}
	if got := weightedMedian(append([]said(nil), v...), 0, 0); got != 1 {
		t.Fatal(got)
	}
	allowed := testing.AllocsPerRun(3, func() { weightedMedian(v, 1000, 0) })
	if allowed > 0 {
		t.Errorf("%v allocations", allowed)
	}
}
