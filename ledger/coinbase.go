package ledger

import (
	"github.com/plexus-network/plexus/ledger/emission"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// emit mints the block's TAO and divides it over the eligible subnets: those
// that have started and have a module. Without one nothing is minted. Each
// subnet's alpha is minted beside it and set aside for the running epoch.
func emit(s *state, nets []NetUID, params *Params) error {
	tot := need[Totals](s, []byte(prefixTotals))
	var eligible []NetUID
	var ask []emission.Subnet
	for _, n := range nets {
		sub := need[Subnet](s, subnetKey(n))
		if sub.Started > tot.Height+1 || sub.Module == ([32]byte{}) {
			continue
		}
		m := need[Market](s, marketKey(n))
		eligible = append(eligible, n)
		ask = append(ask, emission.Subnet{Price: unit.I32F32(m.Price), Withheld: unit.I32F32(m.Withheld)})
	}
	if s.err != nil || len(eligible) == 0 {
		return s.err
	}
	minted := unit.TAO(emission.Block(uint64(tot.Issued)))
	tot.Issued += minted
	for i, give := range emission.Divide(minted, ask) {
		if err := inject(s, eligible[i], give, &tot, params); err != nil {
			return err
		}
	}
	store(s, []byte(prefixTotals), tot)
	return s.err
}

// inject puts a subnet's TAO and new alpha into its pool without moving the
// price, lets what the root proportion keeps out buy alpha for the protocol, and
// sets the alpha of the people aside.
func inject(s *state, n NetUID, give unit.TAO, tot *Totals, params *Params) error {
	m := need[Market](s, marketKey(n))
	clock := need[Clock](s, clockKey(n))
	root := emission.RootProportion(tot.Root, params.TAOWeight, m.Issued)
	in := emission.Inject(give, m.TAO, m.Alpha, root, m.Issued)
	m.TAO, m.Alpha = m.TAO+in.TAO, m.Alpha+in.Alpha
	m.Issued += in.Alpha + in.Out
	tot.Pooled += in.TAO
	if in.Excess > 0 {
		// The chain's own purchase pays no fee. Where the pool cannot take it, the
		// TAO is nobody's and is burned.
		if out, err := pool.Buy(m.TAO, m.Alpha, in.Excess, 0); err != nil {
			tot.Burned += in.Excess
		} else {
			m.TAO, m.Alpha, m.Protocol = m.TAO+in.Excess, m.Alpha-out, m.Protocol+out
			tot.Pooled += in.Excess
		}
	}
	// Root dividends are sold only while the price averages sum to more than 1,
	// which one subnet's average cannot; see Genesis.Validate.
	parts := emission.Part(in.Out, params.OwnerCut, root, false)
	m.Burned += parts.Burned
	m.Pending += parts.Owner + parts.Server + parts.Validator
	p, _ := fetch[Pending](s, pendingKey(n, clock.Epoch))
	p.Owner, p.Server, p.Validator = p.Owner+parts.Owner, p.Server+parts.Server, p.Validator+parts.Validator
	store(s, pendingKey(n, clock.Epoch), p)
	store(s, marketKey(n), m)
	if parts.Root != 0 {
		return broken("netuid %d: %s for root without a sale", n, parts.Root)
	}
	return s.err
}

func decayBurn(s *state, n NetUID) {
	sub, m := need[Subnet](s, subnetKey(n)), need[Market](s, marketKey(n))
	if s.err != nil {
		return
	}
	m.Burn = emission.DecayBurn(m.Burn, sub.Params.BurnHalfLife, sub.Params.MinBurn, sub.Params.MaxBurn)
	store(s, marketKey(n), m)
}

func raiseBurn(burn unit.TAO, p *SubnetParams) unit.TAO {
	return emission.RaiseBurn(burn, p.BurnIncrease, p.MinBurn, p.MaxBurn)
}

func movePrice(s *state, n NetUID, h Height, params *Params) {
	sub, m := need[Subnet](s, subnetKey(n)), need[Market](s, marketKey(n))
	if s.err != nil || h < sub.Started {
		return
	}
	avg := emission.MovePrice(unit.I32F32(m.Price), m.SpotPrice(), unit.I32F32(params.PriceAlpha), h-sub.Started+1, params.PriceHalf)
	m.Price = uint64(avg)
	store(s, marketKey(n), m)
}
