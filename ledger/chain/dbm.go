package chain

import (
	"errors"

	dbm "github.com/cometbft/cometbft-db"

	"github.com/plexus-network/plexus/ledger/store"
)

// kv gives CometBFT one namespace of the store. Its Close does nothing: the
// store belongs to whoever opened it.
type kv struct{ *store.Namespace }

func (d kv) Close() error                    { return nil }
func (d kv) Print() error                    { return nil }
func (d kv) Stats() map[string]string        { return nil }
func (d kv) Compact(start, end []byte) error { return nil } // Pebble compacts by itself
func (d kv) NewBatch() dbm.Batch             { return d.Namespace.NewBatch() }

func (d kv) Iterator(start, end []byte) (dbm.Iterator, error) {
	return d.iterate(start, end, false)
}

func (d kv) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	return d.iterate(start, end, true)
}

func (d kv) iterate(start, end []byte, reverse bool) (dbm.Iterator, error) {
	it, err := d.Namespace.Iterator(start, end, reverse)
	if err != nil {
		return nil, err // not a nil *store.Iterator inside a non-nil interface
	}
	return it, nil
}

// guard turns a panic of CometBFT, which it uses for damaged stores and
// mismatched hashes, into an error that is ErrBroken.
func guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = brokenPanic(r)
		}
	}()
	return fn()
}

func brokenPanic(r any) error {
	if e, ok := r.(error); ok {
		return errors.Join(ErrBroken, e)
	}
	return brokenf("%v", r)
}

var _ dbm.DB = kv{}
