package yuma

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/plexus-network/plexus/ledger/unit"
)

// said is a value with the stake behind it.
type said struct{ value, stake unit.I32F32 }

// gathered is how many columns are brought together at a time: few enough that
// their values stay in the cache, enough that reading a row is not by entries.
const gathered = 16

// colMedians returns for each of n columns of score the stake-weighted median
// over the rows with stake: the largest value such that at least the share
// majority of stake says as much. A missing entry says 0; none is negative.
func colMedians(stake []unit.I32F32, score *matrix, n int, majority unit.I32F32) []unit.I32F32 {
	var voters, next []int // rows with stake, and their first entry not gathered
	var weights []unit.I32F32
	for i, s := range stake {
		if s > 0 {
			voters, next, weights = append(voters, i), append(next, score.start[i]), append(weights, s)
		}
	}
	weights = normalize(weights)
	total := sum(weights)
	minority := total.Sub(majority)
	out := make([]unit.I32F32, n)
	room := make([]said, gathered*len(voters))
	for from := 0; from < n; from += gathered {
		var count [gathered]int
		for k, i := range voters {
			w := weights[k]
			p, end := next[k], score.start[i+1]
			for ; p < end; p++ {
				c := uint(score.col[p]) - uint(from)
				if c >= gathered {
					break
				}
				if v := score.val[p]; v > 0 {
					room[int(c)*len(voters)+count[c]] = said{v, w}
					count[c]++
				}
			}
			next[k] = p
		}
		for c := range min(gathered, n-from) {
			values := room[c*len(voters):][:count[c]]
			// The zeros, which nobody gathers, are the lowest values.
			low := total
			for _, s := range values {
				low -= s.stake
			}
			if len(values) < len(voters) && minority < low {
				continue
			}
			out[from+c] = weightedMedian(values, minority, low)
		}
	}
	return out
}

// weightedMedian returns the smallest value for which the stake at and below
// it, low included, is more than minority, or the largest when there is none,
// and 0 of no values. It disturbs the order of v.
//
// The reference halves at the middle of the indices until it finds that value;
// whatever the pivots, they find the same, because stakes are whole numbers.
// A validator could choose its weights so that every pivot is a bad one: after
// twice the rounds that should be needed what is left is sorted.
func weightedMedian(v []said, minority, low unit.I32F32) unit.I32F32 {
	for rounds := 2 * bits.Len(uint(len(v))); len(v) > 1; rounds-- {
		if rounds == 0 {
			return sortedMedian(v, minority, low)
		}
		pivot := v[len(v)/2].value
		upTo, stake := partition(v, pivot+1)
		switch {
		case low+stake <= minority && upTo == len(v):
			return pivot // the largest
		case low+stake <= minority:
			v, low = v[upTo:], low+stake
		case upTo < len(v):
			v = v[:upTo]
		default: // nothing is above the pivot: it is the value, or one below is
			below, stake := partition(v, pivot)
			if below == 0 || low+stake <= minority {
				return pivot
			}
			v = v[:below]
		}
	}
	if len(v) == 0 {
		return 0
	}
	return v[0].value
}

func sortedMedian(v []said, minority, low unit.I32F32) unit.I32F32 {
	slices.SortFunc(v, func(a, b said) int { return cmp.Compare(a.value, b.value) })
	for _, s := range v {
		if low += s.stake; minority < low {
			return s.value
		}
	}
	return v[len(v)-1].value
}

// partition moves what is below limit to the front and returns how many and
// how much stake that is. It has no branch that depends on the values, which
// nobody could predict.
func partition(v []said, limit unit.I32F32) (below int, stake unit.I32F32) {
	for i, s := range v {
		v[i] = v[below]
		v[below] = s
		less := (s.value - limit) >> 63 // -1 or 0
		below -= int(less)
		stake += s.stake & less
	}
	return below, stake
}
