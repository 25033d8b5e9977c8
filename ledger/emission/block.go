package emission

import "github.com/plexus-network/plexus/ledger/unit"

// Cap is the most that is ever issued, of TAO and of each subnet's alpha: 21
// million coins in their smallest unit. PerBlock is the emission of a block
// before the first halving.
const (
	Cap      = 21_000_000 * unit.Coin
	PerBlock = unit.Coin
)

// Block returns what the next block mints when issued is issued already, of TAO
// or of one alpha: PerBlock, halved at each of the thresholds Cap − (Cap >> j)
// that issued has reached, and never beyond Cap (economics, emission curve; the
// integer form). The first halvings are at 10.5, 15.75 and 18.375 million.
func Block(issued uint64) uint64 {
	if issued >= Cap {
		return 0
	}
	halvings := uint(0)
	for j := uint(1); j < 64 && issued >= Cap-Cap>>j; j++ {
		halvings = j
	}
	return min(PerBlock>>halvings, Cap-issued)
}
