// Package reward turns the scores of an epoch into weights by the rule that the
// example subnets share. A subnet that wants another rule writes another Rank.
package reward

import (
	"math/bits"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

const version = 1 // of the carry

// Rank turns an epoch's scores into weights. Per miner:
//
//	mean   = sum of its scores / rounds it was asked in    (rounded down)
//	smooth = (old + mean) / 2, or mean when nothing is remembered of it
//	weight = smooth^2                                      (Q32.32)
//
// and smooth is what is remembered of it. A miner that was not asked keeps
// what it had. The square pays a miner twice as good four times as much: enough
// that a better model is worth its cost, and still no winner takes all.
//
// Each row is judged by itself; a carry that does not decode counts as none.
func Rank(r *abi.RankRequest) (abi.Ranks, error) {
	ranks := make(abi.Ranks, len(r.Rows))
	for i, row := range r.Rows {
		smooth, known := decodeCarry(row.Carry)
		if n := uint64(len(row.Scores)); n > 0 {
			var sum uint64 // at most 4096 * 2^32
			for _, s := range row.Scores {
				sum += s
			}
			mean := sum / n
			if known {
				smooth = (smooth + mean) / 2
			} else {
				smooth, known = mean, true
			}
		}
		if !known {
			continue // weight 0, nothing remembered
		}
		ranks[i] = abi.Rank{Weight: square(smooth), Carry: appendCarry(nil, smooth)}
	}
	return ranks, nil
}

// square returns x^2 in Q32.32 for x of at most one.
func square(x uint64) uint64 {
	hi, lo := bits.Mul64(x, x)
	return hi<<32 | lo>>32
}

// appendCarry appends what is remembered of a miner: [1, smooth].
func appendCarry(b []byte, smooth uint64) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	return cbor.AppendUint(b, smooth)
}

// decodeCarry reads what is remembered of a miner, if anything.
func decodeCarry(b []byte) (smooth uint64, ok bool) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	smooth = d.UintMax(abi.One)
	return smooth, d.End() == nil
}
