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

// BalanceChanges compares the accounts among a block's writes, which are sorted
// by key, with v, the state before the block. Accounts whose balance stayed the
// same are left out; the result is sorted by account.
func BalanceChanges(v View, writes []Write) ([]BalanceChange, error) {
	var out []BalanceChange
	for _, w := range writes {
		id, ok := strings.CutPrefix(string(w.Key), prefixAccount)
		if !ok || len(id) != len(key.ID{}) {
			continue
		}
		c := BalanceChange{Account: key.ID([]byte(id))}
		old, err := LoadAccount(v, c.Account)
		if err != nil {
			return nil, err
		}
		now, err := LoadAccount(one(w), c.Account)
		if err != nil {
			return nil, err
		}
		if c.Before, c.After = old.Balance, now.Balance; c.Before != c.After {
			out = append(out, c)
		}
	}
	return out, nil
}

// one is the view of a state with a single key.
type one Write

func (o one) Get(k []byte) ([]byte, error) {
	if string(k) == string(o.Key) {
		return o.Value, nil
	}
	return nil, nil
}
