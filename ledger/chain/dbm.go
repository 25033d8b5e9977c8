package chain

import (
	"fmt"
	"sync"

	dbm "github.com/cometbft/cometbft-db"

	"github.com/plexus-network/plexus/ledger/store"
)

// kv gives CometBFT one namespace of the store. Its own Close does nothing: the
// store belongs to whoever opened it.
type kv struct {
	ns   *store.Namespace
	gate *gate
}

// gate keeps CometBFT from the store once the node is closed. Its gossip
// goroutines notice only after their next sleep, when the store may be closed
// too: they then read nothing, as from a store without the key.
type gate struct {
	mu     sync.RWMutex
	closed bool
}

// close waits for calls under way and turns later ones away.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

func (g *gate) do(fn func() error) error {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return ErrClosed
	}
	return fn()
}

func (d kv) Get(k []byte) (v []byte, err error) {
	err = d.gate.do(func() error { v, err = d.ns.Get(k); return err })
	if err == ErrClosed {
		return nil, nil // CometBFT panics on an error
	}
	return v, err
}

func (d kv) Has(k []byte) (bool, error) {
	v, err := d.Get(k)
	return v != nil, err
}

func (d kv) Set(k, v []byte) error     { return d.gate.do(func() error { return d.ns.Set(k, v) }) }
func (d kv) SetSync(k, v []byte) error { return d.gate.do(func() error { return d.ns.SetSync(k, v) }) }
func (d kv) Delete(k []byte) error     { return d.gate.do(func() error { return d.ns.Delete(k) }) }
func (d kv) DeleteSync(k []byte) error { return d.gate.do(func() error { return d.ns.DeleteSync(k) }) }

func (d kv) Close() error                                     { return nil }
func (d kv) Print() error                                     { return nil }
func (d kv) Stats() map[string]string                         { return nil }
func (d kv) Compact(_, _ []byte) error                        { return nil } // Pebble compacts by itself
func (d kv) NewBatch() dbm.Batch                              { return &batch{gate: d.gate, ns: d.ns} }
func (d kv) Iterator(start, end []byte) (dbm.Iterator, error) { return d.iterate(start, end, false) }
func (d kv) ReverseIterator(start, end []byte) (dbm.Iterator, error) {
	return d.iterate(start, end, true)
}

func (d kv) iterate(start, end []byte, reverse bool) (it dbm.Iterator, err error) {
	err = d.gate.do(func() error {
		i, err := d.ns.Iterator(start, end, reverse)
		if err == nil {
			it = i // else a nil *store.Iterator would be a non-nil interface
		}
		return err
	})
	return it, err
}

// batch makes its Pebble batch with the first write: one made and dropped
// costs nothing, and none is left over when the store closes.
type batch struct {
	gate *gate
	ns   *store.Namespace
	b    *store.Batch
	done bool
}

func (b *batch) with(fn func(*store.Batch) error) error {
	return b.gate.do(func() error {
		if b.done {
			return store.ErrDiscarded
		}
		if b.b == nil {
			b.b = b.ns.NewBatch()
		}
		return fn(b.b)
	})
}

func (b *batch) Set(k, v []byte) error {
	return b.with(func(x *store.Batch) error { return x.Set(k, v) })
}
func (b *batch) Delete(k []byte) error {
	return b.with(func(x *store.Batch) error { return x.Delete(k) })
}

func (b *batch) Write() error     { return b.end((*store.Batch).Write) }
func (b *batch) WriteSync() error { return b.end((*store.Batch).WriteSync) }

func (b *batch) end(write func(*store.Batch) error) error {
	err := b.with(write)
	if err == nil {
		b.done = true
	}
	return err
}

func (b *batch) Close() error {
	b.done = true
	if b.b == nil {
		return nil
	}
	return b.gate.do(b.b.Close)
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
		return fmt.Errorf("%w: %w", ErrBroken, e)
	}
	return brokenf("%v", r)
}

var (
	_ dbm.DB    = kv{}
	_ dbm.Batch = (*batch)(nil)
)
