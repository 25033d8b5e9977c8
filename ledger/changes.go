package ledger

import (
	"strings"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// BalanceChange is what one block did to the free balance of an account, by
// whatever rule: fees, transfers, emission.
type BalanceChange struct {
	Account       key.ID
	Before, After unit.TAO
}

// balances lists the accounts among the changed cells whose balance is another
// than in the view, sorted by account.
func (s *state) balances(changed []int) ([]BalanceChange, error) {
	var out []BalanceChange
	for _, i := range changed {
		id, ok := strings.CutPrefix(s.cells[i].key, prefixAccount)
		if !ok || len(id) != len(key.ID{}) {
			continue
		}
		c := BalanceChange{}
		copy(c.Account[:], id)
		base, err := s.before(i)
		if err != nil {
			return nil, err
		}
		for _, side := range []struct {
			record []byte
			amount *unit.TAO
		}{{base, &c.Before}, {s.cells[i].value, &c.After}} {
			if side.record == nil {
				continue
			}
			a, err := decodeAccount(side.record)
			if err != nil {
				return nil, broken("state under %q: %v", s.cells[i].key, err)
			}
			*side.amount = a.Balance
		}
		if c.Before != c.After {
			out = append(out, c)
		}
	}
	return out, nil
}
