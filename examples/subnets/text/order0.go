package text

import (
	"slices"

	"github.com/plexus-network/plexus/abi"
)

// Order0 predicts the next byte from how often each byte stands in the context:
// the plainest model that learns anything. The 16 most frequent bytes (of equal
// ones the smaller) are named with the mass count/(length+32), and the rest is
// the escape.
func Order0(context []byte) Distribution {
	var counts [256]int
	for _, c := range context {
		counts[c]++
	}
	order := make([]byte, 0, 256)
	for c := range counts {
		if counts[c] > 0 {
			order = append(order, byte(c))
		}
	}
	slices.SortStableFunc(order, func(a, b byte) int { return counts[b] - counts[a] })
	d := Distribution{Escape: Total, Symbols: order[:min(len(order), MaxNamed)]}
	slices.Sort(d.Symbols)
	for _, s := range d.Symbols {
		m := max(1, counts[s]*Total/(len(context)+32))
		d.Masses = append(d.Masses, uint16(m))
		d.Escape -= uint32(m)
	}
	return d
}

// Solve answers a task with Order0, so that the module itself can stand in for
// a miner.
func Solve(r *abi.SolveRequest) ([]byte, error) {
	contexts, err := DecodeContexts(r.Public)
	if err != nil {
		return nil, err
	}
	answer := make(Answer, len(contexts))
	for i, c := range contexts {
		answer[i] = Order0(c)
	}
	return answer.Append(nil), nil
}
