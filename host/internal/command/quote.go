package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// quote is what a trade on a subnet's pool would come to now.
type quote struct {
	Price    string  `json:"price"`            // TAO per alpha on the pool now
	Receives string  `json:"receives"`         // in this state
	Least    string  `json:"least"`            // below which the chain refuses it
	Each     string  `json:"each"`             // TAO per alpha that it comes to, the pool's fee included
	Slippage float64 `json:"slippage_percent"` // by which that is worse than the price, the fee included
}

// String says it in one line.
func (q *quote) String() string {
	return fmt.Sprintf("brings %s at %s TAO each; the price is %s, slippage and fee %.2f %%; refused below %s", q.Receives, q.Each, q.Price, q.Slippage, q.Least)
}

// worse is by how many percent got is worse than wanted, to four digits.
func worse(wanted, got uint64) float64 {
	if wanted == 0 || got >= wanted {
		return 0
	}
	return float64(unit.MulDiv(wanted-got, 1_000_000, wanted)) / 10_000
}

// quoteBuy is what buying alpha with an amount comes to, and the least to accept
// when the price moves by slippage, in ten thousandths, before the trade.
func quoteBuy(m *ledger.Market, in unit.TAO, fee uint16, slippage uint64) (*quote, unit.Alpha, error) {
	out, err := pool.Buy(m.TAO, m.Alpha, in, fee)
	if err != nil {
		return nil, 0, err
	}
	least := unit.Alpha(unit.MulDiv(uint64(out), 10_000-slippage, 10_000))
	return &quote{Price: m.SpotPrice().String(), Receives: out.String(), Least: least.String(), Each: unit.PriceOf(in, out).String(),
		Slippage: worse(uint64(m.SpotPrice().Alpha(in)), uint64(out))}, least, nil
}

// quoteSell is what selling alpha comes to.
func quoteSell(m *ledger.Market, in unit.Alpha, fee uint16, slippage uint64) (*quote, unit.TAO, error) {
	out, err := pool.Sell(m.TAO, m.Alpha, in, fee)
	if err != nil {
		return nil, 0, err
	}
	least := unit.TAO(unit.MulDiv(uint64(out), 10_000-slippage, 10_000))
	return &quote{Price: m.SpotPrice().String(), Receives: out.String(), Least: least.String(), Each: unit.PriceOf(out, in).String(),
		Slippage: worse(uint64(m.SpotPrice().TAO(in)), uint64(out))}, least, nil
}

// percent reads a percentage like 0.5 or 2% as ten thousandths.
func percent(flag, text string) (uint64, error) {
	text = strings.TrimSuffix(strings.TrimSpace(text), "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(f >= 0 && f <= 100) {
		return 0, usage("--%s %q: want percents, 0 to 100, like 0.5", flag, text)
	}
	return uint64(f*100 + 0.5), nil
}
