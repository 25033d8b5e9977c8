package model

import (
	"cmp"
	"slices"

	"github.com/plexus-network/plexus/examples/subnets/learn"
)

// fine is how many finer steps than a weight's unit a learner counts in.
const fine = 1 << 8

// descend makes one pass of stochastic gradient descent over a text, from the given
// weights on, and returns how far each weight went, in 1/fine of its unit. The rate is
// in 1024ths of the error's log-odds.
func descend(m learn.Model, text []byte, rate int) []int32 {
	from := make([]int32, learn.Weights)
	for i, w := range m {
		from[i] = int32(w) * fine
	}
	to := slices.Clone(from)
	for _, b := range learn.Read(nil, text) {
		x := int(to[b.At[0]]+to[b.At[1]]+to[b.At[2]]) / fine
		wrong := -learn.Chance(x) // of 2^16
		if b.Set {
			wrong += 1 << 16
		}
		step := int32(wrong * rate / 1024)
		for _, p := range b.At {
			to[p] += step
		}
	}
	for i := range to {
		to[i] -= from[i]
	}
	return to
}

// largest makes an update of the largest of the given changes, which are in 1/fine.
func largest(changes []int32) learn.Update {
	order := make([]uint16, 0, len(changes))
	for p, c := range changes {
		if c/fine != 0 {
			order = append(order, uint16(p))
		}
	}
	size := func(p uint16) int32 { return max(changes[p], -changes[p]) }
	slices.SortFunc(order, func(a, b uint16) int { return cmp.Or(cmp.Compare(size(b), size(a)), cmp.Compare(a, b)) })
	order = order[:min(len(order), learn.MaxChanges)]
	if len(order) == 0 {
		return learn.Update{Scale: 1}
	}
	most := min(int(size(order[0]))/fine, 127*learn.MaxScale/16)
	u := learn.Update{Scale: max(1, (16*most+126)/127)}
	slices.Sort(order)
	for _, p := range order {
		by := int(changes[p]) / fine * 16 / u.Scale
		if by = min(max(by, -127), 127); by != 0 {
			u.At, u.By = append(u.At, p), append(u.By, int8(by))
		}
	}
	return u
}
