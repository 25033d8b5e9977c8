package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// Errors of a Namespace.
var (
	ErrKeyEmpty = errors.New("store: key is empty")
	ErrValueNil = errors.New("store: value is nil")
)

// Namespace is a plain key space beside the state, for stores that are not part
// of the app hash, such as the consensus engine's blocks. Its writes are
// independent of Commit. It is safe for concurrent use and ends with its DB.
//
// Keys are not empty; values are not nil but may be empty.
type Namespace struct {
	db     *DB
	prefix []byte
}

// Namespace returns the key space called name, which must not be empty nor
// contain a slash: two names that differ share nothing.
func (db *DB) Namespace(name string) *Namespace {
	if name == "" || strings.ContainsRune(name, '/') {
		panic(fmt.Sprintf("store: namespace %q: want a name without a slash", name))
	}
	return &Namespace{db: db, prefix: append(append([]byte{spaceNamespace}, name...), '/')}
}

func (n *Namespace) key(k []byte) []byte {
	return append(append(make([]byte, 0, len(n.prefix)+len(k)), n.prefix...), k...)
}

// Get returns a copy of the value of key, nil when absent.
func (n *Namespace) Get(key []byte) ([]byte, error) {
	if len(key) == 0 {
		return nil, ErrKeyEmpty
	}
	return get(n.db.p, n.key(key))
}

// Has reports whether key has a value.
func (n *Namespace) Has(key []byte) (bool, error) {
	v, err := n.Get(key)
	return v != nil, err
}

// Set stores a value; a crash may lose it.
func (n *Namespace) Set(key, value []byte) error { return n.set(key, value, pebble.NoSync) }

// SetSync stores a value and returns when it, and all before it, are on disk.
func (n *Namespace) SetSync(key, value []byte) error { return n.set(key, value, pebble.Sync) }

// Delete removes key, if it is there; a crash may bring it back.
func (n *Namespace) Delete(key []byte) error { return n.del(key, pebble.NoSync) }

// DeleteSync removes key, if it is there, and returns when that is on disk.
func (n *Namespace) DeleteSync(key []byte) error { return n.del(key, pebble.Sync) }

func (n *Namespace) set(key, value []byte, o *pebble.WriteOptions) error {
	if err := checkPair(key, value); err != nil {
		return err
	}
	return wrap(n.db.p.Set(n.key(key), value, o))
}

func (n *Namespace) del(key []byte, o *pebble.WriteOptions) error {
	if len(key) == 0 {
		return ErrKeyEmpty
	}
	return wrap(n.db.p.Delete(n.key(key), o))
}

func checkPair(key, value []byte) error {
	switch {
	case len(key) == 0:
		return ErrKeyEmpty
	case value == nil:
		return ErrValueNil
	}
	return nil
}

// Iterator walks the keys from start, inclusive, to end, exclusive, in rising
// order or, when reverse, from the last one down. A nil bound is open; an empty
// one is ErrKeyEmpty. It sees the namespace as it was at this call and must be
// closed.
func (n *Namespace) Iterator(start, end []byte, reverse bool) (*Iterator, error) {
	if (start != nil && len(start) == 0) || (end != nil && len(end) == 0) {
		return nil, ErrKeyEmpty
	}
	low, high := n.prefix, after(n.prefix)
	if start != nil {
		low = n.key(start)
	}
	if end != nil {
		high = n.key(end)
	}
	i := &Iterator{skip: len(n.prefix), start: start, end: end, reverse: reverse}
	if bytes.Compare(low, high) >= 0 {
		return i, nil
	}
	it, err := n.db.p.NewIter(&pebble.IterOptions{LowerBound: low, UpperBound: high})
	if err != nil {
		return nil, wrap(err)
	}
	i.it = it
	if reverse {
		it.Last()
	} else {
		it.First()
	}
	i.read()
	return i, nil
}

// Iterator is a position in a Namespace. It is of one goroutine.
type Iterator struct {
	it         *pebble.Iterator // nil: nothing can be there
	value      []byte
	err        error
	skip       int
	start, end []byte
	reverse    bool
}

// read fetches the value, so that a damaged one ends the walk with an error.
func (i *Iterator) read() {
	if i.it.Valid() {
		i.value, i.err = i.it.ValueAndErr()
	}
}

// Domain returns the bounds the iterator was made with.
func (i *Iterator) Domain() (start, end []byte) { return i.start, i.end }

// Valid reports whether the iterator is at a key. Once false it stays so.
func (i *Iterator) Valid() bool { return i.it != nil && i.err == nil && i.it.Valid() }

// Next moves on. Like Key and Value it panics when Valid is false.
func (i *Iterator) Next() {
	i.must()
	if i.reverse {
		i.it.Prev()
	} else {
		i.it.Next()
	}
	i.read()
}

// Key returns a copy of the key.
func (i *Iterator) Key() []byte {
	i.must()
	return bytes.Clone(i.it.Key()[i.skip:])
}

// Value returns a copy of the value, never nil.
func (i *Iterator) Value() []byte {
	i.must()
	return append(make([]byte, 0, len(i.value)), i.value...)
}

func (i *Iterator) must() {
	if !i.Valid() {
		panic("store: iterator is not at a key")
	}
}

// Error returns what ended the walk before its end, nil after a whole one.
func (i *Iterator) Error() error {
	if i.it == nil {
		return nil
	}
	if i.err != nil {
		return wrap(i.err)
	}
	return wrap(i.it.Error())
}

// Close releases the iterator. It may be called more than once.
func (i *Iterator) Close() error {
	if i.it == nil {
		return nil
	}
	err := i.it.Close()
	i.it = nil
	return wrap(err)
}

// Batch collects writes that become visible together. It is of one goroutine,
// and its end is Write, WriteSync or Close; after it, writes are ErrDiscarded.
type Batch struct {
	n *Namespace
	b *pebble.Batch
}

// NewBatch returns an empty batch.
func (n *Namespace) NewBatch() *Batch { return &Batch{n, n.db.p.NewBatch()} }

// Set adds a write.
func (b *Batch) Set(key, value []byte) error {
	if err := checkPair(key, value); err != nil {
		return err
	}
	if b.b == nil {
		return ErrDiscarded
	}
	return wrap(b.b.Set(b.n.key(key), value, nil))
}

// Delete adds a removal.
func (b *Batch) Delete(key []byte) error {
	switch {
	case len(key) == 0:
		return ErrKeyEmpty
	case b.b == nil:
		return ErrDiscarded
	}
	return wrap(b.b.Delete(b.n.key(key), nil))
}

// Write applies the batch; a crash may lose it, as a whole.
func (b *Batch) Write() error { return b.commit(pebble.NoSync) }

// WriteSync applies the batch and returns when it is on disk.
func (b *Batch) WriteSync() error { return b.commit(pebble.Sync) }

func (b *Batch) commit(o *pebble.WriteOptions) error {
	if b.b == nil {
		return ErrDiscarded
	}
	if err := b.b.Commit(o); err != nil {
		return wrap(err)
	}
	return b.Close()
}

// Size returns the bytes of the batch so far, 0 after its end.
func (b *Batch) Size() int {
	if b.b == nil {
		return 0
	}
	return b.b.Len()
}

// Close drops the batch. It may be called more than once.
func (b *Batch) Close() error {
	if b.b == nil {
		return nil
	}
	err := b.b.Close()
	b.b = nil
	return wrap(err)
}
