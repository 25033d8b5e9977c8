package learn

import (
	"slices"

	"github.com/plexus-network/plexus/abi"
)

// trial holds updates against pieces of text.
type trial struct {
	model   Model
	cells   []cell // of the pieces
	before  uint64 // loss of the model alone
	updates []*Update
	alone   []int64 // loss that each update removes from the model alone
	inside  []bool  // of each update: that is more than 0, so that it is merged
	all     sums    // of those inside
}

// newTrial tries each update alone; nil stands for one that is none.
func newTrial(m Model, pieces [][]byte, updates []*Update) *trial {
	t := &trial{model: m, updates: updates, alone: make([]int64, len(updates)), inside: make([]bool, len(updates))}
	var bits []Bit
	for _, p := range pieces {
		bits = Read(bits, p)
	}
	t.cells = tally(bits)
	t.before = m.loss(t.cells)
	work := slices.Clone(m)
	for i, u := range updates {
		if u == nil {
			continue
		}
		u.Apply(work)
		t.alone[i] = int64(t.before) - int64(work.loss(t.cells))
		for _, p := range u.At {
			work[p] = m[p]
		}
		if t.inside[i] = t.alone[i] > 0; t.inside[i] {
			t.all.add(u, 1)
		}
	}
	return t
}

// worths returns what each update is worth, in 2^-24 bits: the mean of the loss that
// it removes alone and of the loss that it removes beyond all others, which is what the
// others cost without it, less what all cost. An update that does harm alone is not
// among the others; what it is worth is that harm, below 0.
func (t *trial) worths() []int64 {
	out := slices.Clone(t.alone)
	work := t.all.apply(t.model)
	with := int64(work.loss(t.cells))
	for i, u := range t.updates {
		if !t.inside[i] {
			continue
		}
		t.all.add(u, -1)
		for _, p := range u.At {
			work[p] = add(t.model[p], t.all.mean(p))
		}
		out[i] = (t.alone[i] + int64(work.loss(t.cells)) - with) / 2
		t.all.add(u, 1)
		for _, p := range u.At {
			work[p] = add(t.model[p], t.all.mean(p))
		}
	}
	return out
}

// Worths returns what payloads are worth to a model on pieces of text, each of them
// for the others that are there: the mean of the loss that an update removes alone and
// beyond all others, in 2^-24 bits. It is below 0 for harm, and 0 for what is no
// update. Equal payloads count once among the others.
func Worths(m Model, pieces, payloads [][]byte) []int64 {
	unique, which := distinct(payloads)
	worths := newTrial(m, pieces, decode(unique)).worths()
	out := make([]int64, len(payloads))
	for i, k := range which {
		out[i] = worths[k]
	}
	return out
}

// decode reads the payloads of a round; those that are no update are nil.
func decode(payloads [][]byte) []*Update {
	out := make([]*Update, len(payloads))
	for i, p := range payloads {
		if u, err := DecodeUpdate(p); err == nil {
			out[i] = &u
		}
	}
	return out
}

// Score scores the updates of a round: what each is worth, as a part of the 8 bits of
// each byte held out. An update that makes the model worse scores 0, as does what is no
// update; only a task that does not decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	p, err := DecodePublic(r.Public)
	if err != nil {
		return nil, err
	}
	m, err := DecodeModel(p.Model)
	if err != nil {
		return nil, err
	}
	pieces, err := decodePieces(r.Private)
	if err != nil {
		return nil, err
	}
	scores := make(abi.Scores, len(r.Payloads))
	for i, w := range Worths(m, pieces, r.Payloads) {
		scores[i] = part(w)
	}
	return scores, nil
}

// part turns a worth into a score.
func part(worth int64) uint64 {
	const bits = 8 * Slices * (SliceLen - 2)
	if worth <= 0 {
		return 0
	}
	return min(uint64(worth)<<8/bits, abi.One)
}

// distinct returns the payloads without repetitions, in their order, and of each
// payload which of them it is.
func distinct(payloads [][]byte) (unique [][]byte, which []int) {
	seen := map[string]int{}
	for _, p := range payloads {
		k, ok := seen[string(p)]
		if !ok {
			k = len(unique)
			seen[string(p)] = k
			unique = append(unique, p)
		}
		which = append(which, k)
	}
	return unique, which
}
