package yuma

import "github.com/plexus-network/plexus/ledger/unit"

// colMedians returns for each of n columns of score the stake-weighted median
// over the rows with stake: the largest value such that at least the share
// majority of stake says as much. A missing entry says 0.
func colMedians(stake []unit.I32F32, score matrix, n int, majority unit.I32F32) []unit.I32F32 {
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
		out[j] = weightedMedian(weights, values, order, minority, 0, total)
	}
	return out
}

// weightedMedian selects by halving: the middle of the indices is the pivot,
// and the search goes on below it, above it, or ends with it. low and high
// bound the stake at and below what is left of the indices (economics, the
// epoch, step 6). With no indices it is 0.
func weightedMedian(stake, score []unit.I32F32, indices []int, minority, low, high unit.I32F32) unit.I32F32 {
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
