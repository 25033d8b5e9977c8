package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// Epoch computes the epoch.
func Epoch(in Input) Output { return epoch(in, nil) }

// trace collects the numbers in between, for the tests; nil collects nothing.
type trace struct {
	matrices map[string]matrix
	vectors  map[string][]unit.I32F32
}

func (t *trace) matrix(name string, m matrix) {
	if t != nil {
		t.matrices[name] = m.clone()
	}
}

// divided records m with its columns divided.
func (t *trace) divided(name string, m matrix, by []unit.I32F32) {
	if t != nil {
		d := m.clone()
		d.divideDot(by, make([]unit.I32F32, len(by)))
		t.matrices[name] = d
	}
}

// epoch follows the numbered steps of the specification (economics, the epoch)
// in their order, because every rounding depends on it.
func epoch(in Input, t *trace) Output {
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
	if t != nil {
		t.vectors["active_stake"] = active
	}

	// 5 Weights.
	w := numbers(in.Weights, n, registered, func(i int) (before uint64, skip int) {
		switch {
		case !permit[i]:
			return 0, -1
		case i == in.Owner:
			return lastUpdate[i], -1
		}
		return lastUpdate[i], i
	})
	t.matrix("weights_after_outdated_mask", w)
	w.rowNormalize()
	t.matrix("weights_row_normalized", w)

	// 6 Consensus. 7 Clip. 8 Trust, ranks, incentive.
	out.Consensus = colMedians(active, &w, n, unit.U16Ratio(in.Kappa))
	clipped := w
	if in.BondsPenalty != 65535 { // the bonds need both
		clipped = w.clone()
	}
	clipped.clip(out.Consensus)
	t.matrix("weights_clipped", clipped)
	out.Trust = clipped.rowSums()
	out.Ranks = clipped.colDot(active, n)
	out.Incentive = normalize(out.Ranks)

	// 9 Weights for bonds. 10 Masks. 11 Bonds and dividends.
	forBonds := interpolate(&w, &clipped, n, unit.U16Ratio(in.BondsPenalty))
	lastTempo := in.Now - min(in.Now, in.Tempo)
	if in.LastStep != 0 {
		lastTempo = in.LastStep + 1
	}
	bonds := numbers(in.Bonds, n, registered, func(int) (uint64, int) { return lastTempo, -1 })
	alpha := unit.OneI32F32.Sub(unit.Ratio(in.BondsMovingAverage, 1_000_000))
	var by []unit.I32F32
	switch {
	case !in.Yuma3:
		bonds, by = out.classicBonds(forBonds, bonds, active, alpha, t)
	case in.LiquidAlpha:
		l := newLiquid(in.AlphaLow, in.AlphaHigh, in.Steepness)
		bonds = out.yuma3Bonds(forBonds, bonds, active, alpha, &l)
	default:
		bonds = out.yuma3Bonds(forBonds, bonds, active, alpha, nil)
	}

	// 12 Emission.
	out.emission(active)

	// 13 Stored bonds.
	out.store(&bonds, by)
	return out
}

// emission normalises incentive and dividends by their common sum; when there
// is none, validators are paid by active stake, or by stake when nobody is
// active.
func (o *Output) emission(active []unit.I32F32) {
	combined := make([]unit.I32F32, len(o.Incentive))
	for i := range combined {
		combined[i] = o.Incentive[i].Add(o.Dividends[i])
	}
	total := sum(combined)
	if total != 0 {
		o.Server, o.Validator = normalizeBy(o.Incentive, total), normalizeBy(o.Dividends, total)
		o.Combined = normalize(combined)
		return
	}
	by := active
	if isZero(active) {
		by = o.Stake
	}
	o.Server = make([]unit.I32F32, len(combined))
	o.Validator = append([]unit.I32F32(nil), by...)
	o.Combined = append([]unit.I32F32(nil), by...)
}

// resize returns a copy of v with exactly n items.
func resize[T any](v []T, n int) []T {
	out := make([]T, n)
	copy(out, v)
	return out
}
