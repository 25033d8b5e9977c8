package ledger

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Simulation is what a transaction would do in the next block, alone.
type Simulation struct {
	TxResult
	Fee    unit.TAO // tip included; 0 for the free kinds and for what is refused before it pays
	Writes []Write  // sorted by key; what the producer gets of the fee is left out
	Events []Event
	// Balances are the changes of free balances, sorted by account.
	Balances []BalanceChange
}

// ErrUnwalkable is returned when something is tried that looks at keys which it
// cannot name, over a View that is no Ranger: a node can try it, a light client
// cannot.
var ErrUnwalkable = errors.New("ledger: the state must be walked, and this view of it cannot be")

// Simulate applies a transaction over v as the next block would and changes
// nothing. What would be refused is an outcome, not an error; an error means
// that v cannot be read.
func Simulate(v View, raw []byte) (*Simulation, error) {
	t, err := DecodeTx(raw)
	return simulate(v, t, err, false)
}

// SimulateBody is Simulate of a transaction that nobody has signed yet.
func SimulateBody(v View, body []byte) (*Simulation, error) {
	t, err := DecodeBody(body)
	return simulate(v, t, err, true)
}

func simulate(v View, t *Tx, err error, unsigned bool) (*Simulation, error) {
	s := newState(v)
	height := need[Totals](s, []byte(prefixTotals)).Height + 1
	params := need[Params](s, []byte(prefixParams))
	chainID, idErr := ChainID(s)
	if idErr == nil {
		idErr = s.err
	}
	if idErr != nil {
		return nil, fmt.Errorf("ledger: simulating: %w", idErr)
	}
	out := &Simulation{}
	var fees earned
	if err == nil {
		err = authentic(t, height, chainID, unsigned)
	}
	if err != nil {
		out.TxResult, err = result(t, err)
		return out, err
	}
	out.TxResult, err = applyDecoded(s, t, height, chainID, &params, &fees)
	if err == nil {
		err = s.err
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: simulating: %w", err)
	}
	changed := s.changes()
	out.Fee, out.Writes, out.Events = fees.producer+fees.burned, s.writes(changed), s.events
	if out.Balances, err = s.balances(changed); err != nil {
		return nil, fmt.Errorf("ledger: simulating: %w", err)
	}
	return out, nil
}
