package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// stages are the numbers in between, for the tests.
type stages struct {
	activeStake, preranks                                                []unit.I32F32
	afterPermit, afterDiag, afterOutdated, weights, clipped              matrix
	bondsBefore, bondsDelta, bondsDeltaNormalized, emaBonds, emaUpscaled matrix
}

// Epoch computes the epoch.
func Epoch(in Input) Output {
	out, _ := epoch(in)
	return out
}

// epoch follows the numbered steps of the specification (economics, the epoch)
// in their order, because every rounding depends on it.
func epoch(in Input) (Output, stages) {
	var out Output
	var st stages
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
	st.activeStake = active

	// 5 Weights.
	st.afterPermit = numbers(in.Weights, n).filter(func(i, _ int) bool { return permit[i] })
	st.afterDiag = st.afterPermit.filter(func(i, j int) bool { return i != j || i == in.Owner })
	st.afterOutdated = st.afterDiag.filter(func(i, j int) bool { return lastUpdate[i] > registered[j] })
	w := st.afterOutdated.rowNormalize()
	st.weights, st.preranks = w, w.colDot(active, n)

	// 6 Consensus. 7 Clip. 8 Trust, ranks, incentive.
	out.Consensus = colMedians(active, w, n, unit.U16Ratio(in.Kappa))
	clipped := w.clip(out.Consensus)
	st.clipped = clipped
	out.Trust = clipped.rowSums()
	out.Ranks = clipped.colDot(active, n)
	out.Incentive = normalize(out.Ranks)

	// 9 Weights for bonds. 10 Masks. 11a Bonds and dividends.
	forBonds := interpolate(w, clipped, n, unit.U16Ratio(in.BondsPenalty))
	lastTempo := in.Now - min(in.Now, in.Tempo)
	if in.LastStep != 0 {
		lastTempo = in.LastStep + 1
	}
	bonds := numbers(in.Bonds, n).filter(func(_, j int) bool { return lastTempo > registered[j] }).colNormalize(n)
	delta := forBonds.scaleRows(active)
	deltaNormalized := delta.colNormalize(n)
	kept := unit.Ratio(in.BondsMovingAverage, 1_000_000)
	ema := average(deltaNormalized, bonds, n, unit.OneI32F32.Sub(kept)).colNormalize(n)
	out.Dividends = normalize(ema.rowDot(out.Incentive))
	upscaled := ema.colMaxUpscale(n)
	st.bondsBefore, st.bondsDelta, st.bondsDeltaNormalized, st.emaBonds, st.emaUpscaled = bonds, delta, deltaNormalized, ema, upscaled

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
	return out, st
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
