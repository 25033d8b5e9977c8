package round

import (
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
)

// StateKey is the key of the state whose record an input's value is computed from,
// so that a proof of the record proves the value; nil for an input that is none.
func StateKey(in abi.Input) []byte {
	if n, ok := abi.PriceOf(in.Key); ok {
		return ledger.PriceKey(ledger.NetUID(n))
	}
	if in.Key == abi.KeyRandomness {
		return ledger.RandomKey()
	}
	return nil
}

// Value computes an input's value from the record under its StateKey in the state
// after its height. The price of a subnet that is not there is an ErrInputs.
func Value(in abi.Input, record []byte) ([]byte, error) {
	v := single{StateKey(in), record}
	if n, ok := abi.PriceOf(in.Key); ok {
		b, err := ledger.PriceIn(v, ledger.NetUID(n))
		if err == nil && b == nil {
			err = fmt.Errorf("%w: netuid %d is not there", ErrInputs, n)
		}
		return b, err
	}
	r, err := ledger.Random(v)
	return r[:], err
}

// single is a state of which one record is known.
type single struct{ key, value []byte }

func (s single) Get(k []byte) ([]byte, error) {
	if string(k) != string(s.key) {
		return nil, fmt.Errorf("round: %q is read, and only %q is known", k, s.key)
	}
	return s.value, nil
}
