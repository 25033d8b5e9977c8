package store

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/plexus-network/plexus/ledger"
)

// Snapshot reads the state of one committed height while later ones are
// committed. It is safe for concurrent use and must be closed: an open one
// keeps overwritten records on disk.
type Snapshot struct {
	p    *pebble.Snapshot
	head head
}

// Snapshot returns a view of the newest committed height.
func (db *DB) Snapshot() *Snapshot {
	db.mu.RLock() // so that head and view are of one height
	defer db.mu.RUnlock()
	return &Snapshot{p: db.p.NewSnapshot(), head: db.head}
}

// Height returns the height of the view.
func (s *Snapshot) Height() uint64 { return s.head.height }

// Root returns the root at that height.
func (s *Snapshot) Root() [32]byte { return s.head.root.hash }

// Get returns a copy of the value of key, nil when absent.
func (s *Snapshot) Get(key []byte) ([]byte, error) {
	if !s.head.written {
		return nil, nil
	}
	return get(s.p, stateKey(key))
}

// Range is DB.Range on this view.
func (s *Snapshot) Range(prefix []byte, fn func(k, v []byte) error) error {
	if !s.head.written {
		return nil
	}
	return rangeState(s.p, prefix, fn)
}

// Close releases the view. It must be called once, after all reads.
func (s *Snapshot) Close() error { return s.p.Close() }

// Verify recomputes the root from all values and compares it with the head's,
// and each key's leaf with its value. It reads the whole state.
func (s *Snapshot) Verify() error {
	var keys int
	u := update{
		save: func(_, _ []byte) error { return nil },
		drop: func([]byte) error { return nil },
	}
	var changes []change
	err := s.Range(nil, func(k, v []byte) error {
		keys++
		changes = append(changes, change{path: hashKey(k), value: sha256.Sum256(v), key: k})
		return nil
	})
	if err != nil {
		return err
	}
	sortChanges(changes)
	root, err := u.apply(node{}, 0, changes)
	if err != nil {
		return err
	}
	if root.hash != s.head.root.hash {
		return fmt.Errorf("%w: height %d: root is %x, the %d values give %x", ErrCorrupt, s.head.height, s.head.root.hash, keys, root.hash)
	}
	found, err := s.verifyPages(s.head.root, [32]byte{}, 0)
	if err != nil {
		return err
	}
	if found != keys {
		return fmt.Errorf("%w: height %d: the tree has %d leaves for %d values", ErrCorrupt, s.head.height, found, keys)
	}
	return nil
}

// verifyPages checks every stored page below n and counts the leaves.
func (s *Snapshot) verifyPages(n node, path [32]byte, depth int) (int, error) {
	switch n.kind {
	case empty:
		return 0, nil
	case leaf:
		v, err := s.Get(n.key)
		if err != nil {
			return 0, err
		}
		if v == nil || hashKey(n.key) != n.path || hashLeaf(n.path, sha256.Sum256(v)) != n.hash {
			return 0, fmt.Errorf("%w: key %x: its leaf does not match its value", ErrCorrupt, n.key)
		}
		return 1, nil
	}
	p, err := readPage(s.p, path, depth)
	if err != nil {
		return 0, err
	}
	if p.hash() != n.hash {
		return 0, fmt.Errorf("%w: tree page at depth %d of %x does not hash to its parent's entry", ErrCorrupt, depth, path)
	}
	total := 0
	for x := range p {
		below := path
		if depth&1 == 0 {
			below[depth/2] = byte(x) << 4
		} else {
			below[depth/2] |= byte(x)
		}
		if p[x].kind == leaf && !bytes.Equal(pageKey(p[x].path, depth+1), pageKey(below, depth+1)) {
			return 0, fmt.Errorf("%w: key %x hangs in the wrong place", ErrCorrupt, p[x].key)
		}
		n, err := s.verifyPages(p[x], below, depth+1)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

var _ ledger.Ranger = (*Snapshot)(nil)
