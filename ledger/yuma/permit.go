package yuma

import (
	"math/bits"
	"sort"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Permits returns who may validate: the k largest stakes among those that are
// not zero, of equals the higher uid, and the owner always (-1 for none). The
// stakes are normalised first, as in an epoch, so that one below 2^-32 of the
// sum is zero.
func Permits(stake []uint64, k, owner int) []bool {
	return permits(normalizeStake(stake), k, owner)
}

func permits(stake []unit.I32F32, k, owner int) []bool {
	out := topK(stake, k)
	if owner >= 0 && owner < len(out) {
		out[owner] = true
	}
	return out
}

// topK marks the k largest values that are not zero: sorted by rising value,
// equals in their order, all but the last k are unmarked.
func topK(v []unit.I32F32, k int) []bool {
	out := make([]bool, len(v))
	order := make([]int, len(v))
	for i, x := range v {
		out[i], order[i] = x != 0, i
	}
	sort.SliceStable(order, func(a, b int) bool { return v[order[a]] < v[order[b]] })
	for _, i := range order[:max(0, len(order)-max(0, k))] {
		out[i] = false
	}
	return out
}

// normalizeStake divides by the sum, in 64 fraction bits cut to 32: that is
// ⌊stake·2^32/sum⌋.
func normalizeStake(stake []uint64) []unit.I32F32 {
	var total unit.U128
	for _, s := range stake {
		total, _ = total.Add(unit.U128From(s))
	}
	out := make([]unit.I32F32, len(stake))
	if total.IsZero() {
		return out
	}
	for i, s := range stake {
		hi, lo := bits.Mul64(s, 1<<32)
		q, _, _ := unit.MulDiv128(unit.U128{Hi: hi, Lo: lo}, unit.U128{Lo: 1}, total)
		out[i] = unit.I32F32(q.Lo) // at most 2^32
	}
	return out
}
