package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Batch collects changes that are written together or not at all. It is of one
// goroutine, and ends with Commit or Close.
type Batch struct{ b *pebble.Batch }

// Batch begins an empty batch.
func (d *DB) Batch() *Batch { return &Batch{d.p.NewBatch()} }

// Put adds a value.
func (b *Batch) Put(k, v []byte) error { return b.b.Set(k, v, nil) }

// Delete adds the removal of a key.
func (b *Batch) Delete(k []byte) error { return b.b.Delete(k, nil) }

// DeleteRange adds the removal of all keys from low, inclusive, to high.
func (b *Batch) DeleteRange(low, high []byte) error { return b.b.DeleteRange(low, high, nil) }

// Commit writes the batch. It may be lost in a crash, with what was written
// after it, unless sync waits for the disk.
func (b *Batch) Commit(sync bool) error {
	o := pebble.NoSync
	if sync {
		o = pebble.Sync
	}
	return b.b.Commit(o)
}

// Close releases the batch; after Commit too.
func (b *Batch) Close() error { return b.b.Close() }

// Range calls fn with the keys from low, inclusive, to high, exclusive, in rising
// order, or falling when reverse, until fn says that it wants no more. The slices
// are fn's only during the call.
func (d *DB) Range(low, high []byte, reverse bool, fn func(k, v []byte) (more bool, err error)) error {
	it, err := d.p.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return damage(err)
	}
	step, ok := it.Next, false
	if reverse {
		step, ok = it.Prev, it.Last()
	} else {
		ok = it.First()
	}
	for ; ok; ok = step() {
		v, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(damage(err), it.Close())
		}
		if more, err := fn(it.Key(), v); err != nil || !more {
			return errors.Join(err, it.Close())
		}
	}
	return damage(it.Close())
}

// damage marks the engine's errors about altered files as ErrCorrupt.
func damage(err error) error {
	if pebble.IsCorruptionError(err) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}
