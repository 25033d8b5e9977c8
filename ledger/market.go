package ledger

import (
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// buy trades TAO for alpha on a subnet's pool and books the TAO as pooled; the
// caller books the alpha and stores the market.
func buy(s *state, m *Market, in unit.TAO, fee uint16) (unit.Alpha, error) {
	out, err := pool.Buy(m.TAO, m.Alpha, in, fee)
	if err != nil {
		return 0, reject(CodePool, "%s: %v", in, err)
	}
	m.TAO, m.Alpha = m.TAO+in, m.Alpha-out
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Pooled += in
	store(s, []byte(prefixTotals), tot)
	return out, nil
}

// SpotPrice is the price on a subnet's pool, TAO per alpha.
func (m *Market) SpotPrice() unit.Price { return unit.PriceOf(m.TAO, m.Alpha) }
