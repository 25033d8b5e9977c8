package ledger

import (
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// PriceLimit is a price that a trade must not pass, in rao per whole alpha; 0
// for none.
type PriceLimit uint64

// String writes the price.
func (l PriceLimit) String() string {
	if l == 0 {
		return "none"
	}
	return unit.PriceFromNano(uint64(l)).String() + " TAO per alpha"
}

func (l PriceLimit) price() unit.Price { return unit.PriceFromNano(uint64(l)) }

// buyWithin is buy with what the buyer demands: no more than limit as the price
// that the trade leaves behind, and at least least. A partial one spends as much
// of in as the limit allows; it returns what it spent and got
// (economics, staking, calls and limits).
func buyWithin(s *state, m *Market, in unit.TAO, limit PriceLimit, partial bool, least unit.Alpha, fee uint16) (unit.TAO, unit.Alpha, error) {
	was := *m
	if limit != 0 && partial {
		if in = pool.MostBuy(m.TAO, m.Alpha, in, fee, limit.price()); in == 0 {
			return 0, 0, reject(CodePrice, "the price is %s TAO per alpha now, the limit %s", m.SpotPrice(), limit)
		}
	}
	out, err := buy(s, m, in, fee)
	if err != nil {
		return 0, 0, err
	}
	if limit != 0 {
		if err := pool.CheckBuy(was.TAO, was.Alpha, in, out, limit.price()); err != nil {
			return 0, 0, reject(CodePrice, "%v", err)
		}
	}
	if out < least {
		return 0, 0, reject(CodePrice, "%s buys %s now, at least %s was asked for", in, out, least)
	}
	return in, out, nil
}

// sellWithin is the other direction: it sells alpha that has left the staked
// sum's pools and books the market and the pooled TAO; the caller books where the
// TAO goes. The price that the trade leaves behind is at least limit.
func sellWithin(s *state, m *Market, in unit.Alpha, limit PriceLimit, least unit.TAO, fee uint16) (unit.TAO, error) {
	out, err := pool.Sell(m.TAO, m.Alpha, in, fee)
	if err != nil {
		return 0, reject(CodePool, "%s: %v", in, err)
	}
	if limit != 0 {
		if err := pool.CheckSell(m.TAO, m.Alpha, in, out, limit.price()); err != nil {
			return 0, reject(CodePrice, "%v", err)
		}
	}
	if out < least {
		return 0, reject(CodePrice, "%s brings %s now, at least %s was asked for", in, out, least)
	}
	m.TAO, m.Alpha, m.Staked = m.TAO-out, m.Alpha+in, m.Staked-in
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Pooled -= out
	store(s, []byte(prefixTotals), tot)
	return out, nil
}
