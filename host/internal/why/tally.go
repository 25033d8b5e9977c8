package why

import (
	"sort"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/yuma"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// tally is what one bundle says of each member of the roster.
type tally struct {
	rounds, skipped int
	of              []count
}

// count is what became of the requests to one miner, and its scores.
type count struct {
	answers api.WhyAnswers
	sum     float64 // of scores
}

func tallyOf(b *evidence.Bundle, members int) *tally {
	t := &tally{rounds: len(b.Rounds), of: make([]count, members)}
	for i := range b.Rounds {
		if b.Rounds[i].Skipped {
			t.skipped++
		}
		for _, l := range b.Rounds[i].Leaves() {
			if int(l.Index) < members {
				t.of[l.Index].add(l)
			}
		}
	}
	return t
}

func (c *count) add(l evidence.Leaf) {
	a := &c.answers
	a.Asked++
	c.sum += float64(l.Score) / (1 << 32)
	switch l.Status {
	case evidence.Answered:
		a.Answered++
	case evidence.None:
		a.None++
	case evidence.Busy:
		a.Busy++
	case evidence.Withheld:
		a.Withheld++
	case evidence.Mismatch:
		a.Mismatch++
	}
}

func (c *count) plus(o *count) {
	a, b := &c.answers, &o.answers
	a.Asked, a.Answered, a.None = a.Asked+b.Asked, a.Answered+b.Answered, a.None+b.None
	a.Busy, a.Withheld, a.Mismatch = a.Busy+b.Busy, a.Withheld+b.Withheld, a.Mismatch+b.Mismatch
	c.sum += o.sum
}

// mean is the mean score, nil of one who was never asked.
func (c *count) mean() *float64 {
	if c.answers.Asked == 0 {
		return nil
	}
	return ref(round(c.sum / float64(c.answers.Asked)))
}

// median is that of the mean scores of those who were asked, nil when nobody was.
func median(of []count) *float64 {
	var means []float64
	for i := range of {
		if m := of[i].mean(); m != nil {
			means = append(means, *m)
		}
	}
	if len(means) == 0 {
		return nil
	}
	sort.Float64s(means)
	k := len(means) / 2
	if len(means)%2 == 1 {
		return &means[k]
	}
	return ref(round((means[k-1] + means[k]) / 2))
}

func total(of []count) (all count) {
	for i := range of {
		all.plus(&of[i])
	}
	return all
}

// voter is what one member said of an epoch.
type voter struct {
	committed *ledger.Committed
	open      *ledger.Opening
	count     *tally // nil without evidence
	missing   error  // why
}

func (w *voter) state() string {
	switch {
	case w.open != nil:
		return "revealed"
	case w.committed != nil:
		return "committed"
	}
	return "silent"
}

func (w *voter) evidence() string {
	switch {
	case w.committed == nil:
		return "none committed"
	case w.count == nil:
		return "not at hand: " + w.missing.Error()
	}
	return "at hand"
}

// ballots are what all members said of an epoch, by their place in the roster, and
// what Yuma makes of it, by uid.
type ballots struct {
	roster ledger.Roster
	of     []voter
	uid    map[ledger.Hotkey]*int
	output yuma.Output
	shown  yuma.Explained
}

// revealed reports whether anybody's weights are known.
func (b *ballots) revealed() bool {
	for i := range b.of {
		if b.of[i].open != nil {
			return true
		}
	}
	return false
}

// weight is the part of its row that a voter gave a miner, and what clipping left
// of it; nil when either has no uid any more or the row does not count.
func (b *ballots) weight(by, to ledger.Hotkey) (weight, clipped *float64) {
	i, j := b.uid[by], b.uid[to]
	if i == nil || j == nil || len(b.shown.Weights[*i]) == 0 {
		return nil, nil
	}
	find := func(row []yuma.Share) *float64 {
		for _, s := range row {
			if int(s.UID) == *j {
				return ref(part(s.Value))
			}
		}
		return ref(0.0)
	}
	return find(b.shown.Weights[*i]), find(b.shown.Clipped[*i])
}

// mined is what the epoch was for the miner at a place of the roster.
func (b *ballots) mined(hot ledger.Hotkey, me int) *api.WhyMined {
	out := &api.WhyMined{Validators: []api.WhyValidator{}}
	field := make([]count, len(b.roster))
	stakes := 0.0
	for i := range b.of {
		if b.of[i].committed != nil {
			stakes += float64(b.roster[i].Stake)
		}
	}
	for i := range b.of {
		w := &b.of[i]
		if w.committed == nil && (b.roster[i].Serves() || !b.roster[i].Permit) {
			continue // a miner with a permit that it does not use
		}
		v := api.WhyValidator{Hotkey: api.Address(b.roster[i].Hotkey.String()), State: w.state(), Evidence: w.evidence()}
		if stakes > 0 && w.committed != nil {
			v.Stake = round(float64(b.roster[i].Stake) / stakes)
		}
		if w.open != nil {
			v.Weight, v.Clipped = b.weight(b.roster[i].Hotkey, hot)
		}
		if w.count != nil {
			out.Read++
			for k := range field {
				field[k].plus(&w.count.of[k])
			}
			c := &w.count.of[me]
			v.Answers, v.Mean, v.Median = &c.answers, c.mean(), median(w.count.of)
		}
		out.Validators = append(out.Validators, v)
	}
	out.WhyAnswers, out.Mean, out.Median = field[me].answers, field[me].mean(), median(field)
	out.Late = out.None + out.Withheld
	return out
}

// validated is what the epoch was for the validator at a place of the roster.
func (b *ballots) validated(me int) *api.WhyValidated {
	w := &b.of[me]
	out := &api.WhyValidated{State: w.state(), Evidence: w.evidence()}
	if w.committed != nil {
		out.Root = ref(api.Hash(w.committed.Evidence))
	}
	if w.open != nil {
		if u := b.uid[b.roster[me].Hotkey]; u != nil && len(b.shown.Weights[*u]) > 0 {
			trust := part(b.output.Trust[*u])
			out.VTrust, out.ClippedShare = &trust, ref(round(1-trust))
		}
	}
	if w.count == nil {
		return out
	}
	own := total(w.count.of)
	out.Rounds, out.Skipped, out.Answers = w.count.rounds, w.count.skipped, &own.answers
	var others count
	for i := range b.of {
		if i != me && b.of[i].count != nil {
			all := total(b.of[i].count.of)
			others.plus(&all)
		}
	}
	out.NoneShare, out.NoneField = own.none(), others.none()
	if out.NoneShare != nil && out.NoneField != nil {
		out.NoneAbove = ref(roundSigned(*out.NoneShare - *out.NoneField))
	}
	return out
}

// none is the part of the requests that are said to be unanswered.
func (c *count) none() *float64 {
	if c.answers.Asked == 0 {
		return nil
	}
	return ref(round(float64(c.answers.None) / float64(c.answers.Asked)))
}

func roundSigned(v float64) float64 {
	if v < 0 {
		return -round(-v)
	}
	return round(v)
}
