package why

import (
	"fmt"
	"slices"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger"
)

// paceBlocks is over how many blocks the pace of registrations is taken: a day of
// 12-second blocks.
const paceBlocks = 7200

// place says how safe the neuron's place is.
func (x *explainer) place() (*api.WhyPlace, error) {
	cut, err := ledger.LoadCut(x.v, x.n)
	if err != nil || cut == nil {
		return nil, err
	}
	sub, err := ledger.LoadSubnet(x.v, x.n)
	if err != nil || sub == nil {
		return nil, err
	}
	me := &x.m.Neurons[x.uid]
	p := &api.WhyPlace{Rank: 1, Of: len(x.m.Neurons), Free: cut.Free, Never: slices.Contains(cut.Kept, me.UID),
		ImmuneUntil: me.Registered + uint64(sub.Params.Immunity)}
	next := x.m.Height + 1
	if p.ImmuneUntil > next {
		p.ImmuneBlocks = p.ImmuneUntil - next
	}
	p.RecentBlocks = min(paceBlocks, x.m.Height)
	for i := range x.m.Neurons {
		o := &x.m.Neurons[i]
		if o.Emission > me.Emission || o.Emission == me.Emission && o.Registered > me.Registered {
			p.Rank++
		}
		// Those of the genesis, and of the first block, say nothing of a pace.
		if o.Registered > 1 && o.Registered+p.RecentBlocks > x.m.Height {
			p.Recent++
		}
	}
	before := slices.Index(cut.Order, me.UID)
	if p.Never || before < 0 {
		p.Never = true
		p.Forecast = "is never replaced: it is the subnet owner's"
		return p, nil
	}
	p.Before = &before
	p.Forecast = x.forecast(p, before)
	return p, nil
}

// forecast fills the block at which the neuron is expected to be replaced, and
// says it in words.
func (x *explainer) forecast(p *api.WhyPlace, before int) string {
	nth := p.Free + before + 1
	text := fmt.Sprintf("is replaced by the %s registration from now, if nothing else changes", ordinal(nth))
	if p.ImmuneBlocks > 0 {
		text += fmt.Sprintf("; immune for %d blocks more, until block %d, as long as enough others are not", p.ImmuneBlocks, p.ImmuneUntil)
	}
	if p.Recent == 0 {
		return text + fmt.Sprintf("; nobody registered in the last %d blocks", p.RecentBlocks)
	}
	at := x.m.Height + uint64(nth)*p.RecentBlocks/uint64(p.Recent)
	p.Expected = &at
	return text + fmt.Sprintf("; with %d registrations in the last %d blocks that is about block %d", p.Recent, p.RecentBlocks, at)
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprint(n) + suffix
}
