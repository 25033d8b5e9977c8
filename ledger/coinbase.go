package ledger

import (
	"github.com/plexus-network/plexus/ledger/emission"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// emit mints the block's TAO and divides it over the eligible subnets, those
// that earn (see Subnet.Earns). Without one nothing is minted. Each subnet's
// alpha is minted beside it and set aside for the running epoch
// (economics, money flow per block).
func emit(s *state, nets []NetUID, params *Params) error {
	tot := need[Totals](s, []byte(prefixTotals))
	var eligible []NetUID
	var ask []emission.Subnet
	var averages unit.I32F32
	for _, n := range nets {
		sub, clock := need[Subnet](s, subnetKey(n)), need[Clock](s, clockKey(n))
		m := need[Market](s, marketKey(n))
		averages = averages.Add(unit.I32F32(m.Price))
		if sub.Started != 0 && sub.Started <= tot.Height+1 {
			sellForRoot(s, n, sub.Params.Tempo, &tot)
		}
		if !sub.Earns(tot.Height+1, clock.Epoch) {
			continue
		}
		eligible = append(eligible, n)
		ask = append(ask, emission.Subnet{Price: unit.I32F32(m.Price), Withheld: unit.I32F32(m.Withheld)})
	}
	if s.err != nil {
		return s.err
	}
	if len(eligible) > 0 {
		minted := unit.TAO(emission.Block(uint64(tot.Issued)))
		tot.Issued += minted
		for i, give := range emission.Divide(minted, ask) {
			inject(s, eligible[i], give, &tot, params, averages > unit.OneI32F32)
		}
	}
	store(s, []byte(prefixTotals), tot)
	return s.err
}

// inject puts a subnet's TAO and new alpha into its pool without moving the
// price, lets what the root proportion keeps out buy alpha for the protocol, and
// sets the alpha of the people aside. Root has its part only while the price
// averages of all subnets sum to more than 1; else that part is burned.
func inject(s *state, n NetUID, give unit.TAO, tot *Totals, params *Params, rootSells bool) {
	sub := need[Subnet](s, subnetKey(n))
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
	cut := params.OwnerCut
	if !sub.Params.OwnerCut {
		cut = 0
	}
	parts := emission.Part(in.Out, cut, root, rootSells)
	m.Burned += parts.Burned
	m.Pending += parts.Owner + parts.Server + parts.Validator + parts.Root
	p, _ := fetch[Pending](s, pendingKey(n, clock.Epoch))
	p.Owner, p.Server, p.Validator, p.Root = p.Owner+parts.Owner, p.Server+parts.Server, p.Validator+parts.Validator, p.Root+parts.Root
	store(s, pendingKey(n, clock.Epoch), p)
	store(s, marketKey(n), m)
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
	if s.err != nil || sub.Started == 0 || h < sub.Started {
		return
	}
	avg := emission.MovePrice(unit.I32F32(m.Price), m.SpotPrice(), unit.I32F32(params.PriceAlpha), h-sub.Started+1, params.PriceHalf)
	m.Price = uint64(avg)
	store(s, marketKey(n), m)
}
