package learn

import (
	"slices"

	"github.com/plexus-network/plexus/abi"
)

// Merge puts the updates of an epoch together. Those that make the model worse by
// themselves, on the text held out for this merge, are left out. Each weight changes
// by the mean of what the others do to it; where four or more change it, the least
// and the greatest are left out. The result is the new model if it is better than the
// old one on that text, and otherwise nothing changes.
//
// Validators hold different texts against the same updates, so what is a gain by far
// is one for all of them, and what is none or hardly one may find no majority.
func Merge(r *abi.MergeRequest) (abi.Merged, error) {
	m, err := DecodeModel(r.Artifact)
	if err != nil {
		return abi.Merged{}, err
	}
	if err := checkSlices(r.Slices); err != nil {
		return abi.Merged{}, err
	}
	unique, _ := distinct(r.Payloads)
	t := newTrial(m, r.Slices, decode(unique))
	var places [Weights][]int32
	for i, u := range t.updates {
		if !t.inside[i] {
			continue
		}
		for k, p := range u.At {
			places[p] = append(places[p], u.change(k))
		}
	}
	out := make(Model, Weights)
	for p, w := range m {
		out[p] = add(w, trimmed(places[p]))
	}
	if out.loss(t.cells) >= t.before {
		return abi.Merged{}, nil
	}
	return abi.Merged{Artifact: out.Append(nil)}, nil
}

// trimmed is the mean of changes, from four on without the least and the greatest.
func trimmed(changes []int32) int32 {
	if len(changes) == 0 {
		return 0
	}
	if len(changes) >= 4 {
		slices.Sort(changes)
		changes = changes[1 : len(changes)-1]
	}
	var sum int32 // at most 4096·2032
	for _, c := range changes {
		sum += c
	}
	return sum / int32(len(changes))
}
