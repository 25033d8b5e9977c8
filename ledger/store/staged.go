package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/plexus-network/plexus/ledger"
)

// Staged is a state that is computed and not committed. Nothing of it can be
// read but its root. It is of one goroutine, and ends with Commit or Discard.
type Staged struct {
	db   *DB
	base head // what it was computed on
	next head
	b    *pebble.Batch // nil after its end
}

// Stage applies writes to the newest state and computes the root of the next,
// which must have the height after Height. A later write of a key wins over an
// earlier one; deleting an absent key does nothing.
//
// Height 0 stages the genesis on an empty state, and may be staged again as
// long as no block was committed: a node that dies between the genesis and
// block 1 is asked for the genesis once more.
func (db *DB) Stage(height uint64, writes []ledger.Write) (*Staged, error) {
	s := &Staged{db: db, base: db.current(), next: head{written: true, height: height}}
	if db.restoring.Load() {
		return nil, fmt.Errorf("store: stage height %d: %w: a snapshot is being restored", height, ErrHeight)
	}
	genesis := height == 0 && s.base.height == 0
	if !genesis && height != s.base.height+1 {
		return nil, fmt.Errorf("store: stage height %d: %w: the last is %d", height, ErrHeight, s.base.height)
	}
	s.b = db.p.NewBatch()
	if err := s.stage(genesis, writes); err != nil {
		s.Discard()
		return nil, err
	}
	return s, nil
}

func (s *Staged) stage(genesis bool, writes []ledger.Write) error {
	root := s.base.root
	if genesis && s.base.written {
		for _, space := range []byte{spaceState, spaceTree, spaceBlob} {
			if err := s.b.DeleteRange([]byte{space}, []byte{space + 1}, nil); err != nil {
				return wrap(err)
			}
		}
		root = node{}
	}
	changes, err := s.values(writes)
	if err != nil {
		return err
	}
	u := update{
		r:    s.db.p,
		save: func(k, p []byte) error { return wrap(s.b.Set(k, p, nil)) },
		drop: func(k []byte) error { return wrap(s.b.Delete(k, nil)) },
	}
	u.steps = len(changes) >= manyChanges
	s.next.root, err = u.apply(root, 0, changes)
	if err = errors.Join(err, u.close()); err != nil {
		return err
	}
	return wrap(s.b.Set(keyHead, s.next.append(nil), nil))
}

// values puts the writes into the batch and returns them as changes of the
// tree, sorted by path, the last write of each key alone.
func (s *Staged) values(writes []ledger.Write) ([]change, error) {
	changes := make([]change, 0, len(writes))
	for i, w := range writes {
		if len(w.Key) == 0 || len(w.Key) > MaxKey {
			return nil, fmt.Errorf("store: stage: %w: key of %d bytes, want 1..%d", ErrBounds, len(w.Key), MaxKey)
		}
		if w.Value != nil && (len(w.Value) == 0 || len(w.Value) > MaxValue) {
			return nil, fmt.Errorf("store: stage: %w: key %x: value of %d bytes, want 1..%d (nil deletes)", ErrBounds, w.Key, len(w.Value), MaxValue)
		}
		c := change{path: hashKey(w.Key), key: bytes.Clone(w.Key), gone: w.Value == nil, seq: i}
		var err error
		if c.gone {
			err = s.b.Delete(stateKey(w.Key), nil)
		} else {
			c.value = sha256.Sum256(w.Value)
			err = s.b.Set(stateKey(w.Key), w.Value, nil)
		}
		if err != nil {
			return nil, wrap(err)
		}
		changes = append(changes, c)
	}
	sortChanges(changes)
	last := changes[:0]
	for i := range changes {
		if i+1 < len(changes) && changes[i+1].path == changes[i].path {
			continue
		}
		last = append(last, changes[i])
	}
	return last, nil
}

func sortChanges(c []change) {
	slices.SortFunc(c, func(a, b change) int {
		if d := bytes.Compare(a.path[:], b.path[:]); d != 0 {
			return d
		}
		return a.seq - b.seq
	})
}

// Height returns the height staged.
func (s *Staged) Height() uint64 { return s.next.height }

// Root returns the root of the staged state, the app hash of its height.
func (s *Staged) Root() [32]byte { return s.next.root.hash }

// Commit writes values, tree, height and root in one batch and returns when
// they are on the disk. ErrHeight says that another commit came first.
func (s *Staged) Commit() error {
	if s.b == nil {
		return fmt.Errorf("store: commit height %d: %w", s.next.height, ErrDiscarded)
	}
	defer s.Discard()
	s.db.mu.Lock()
	defer s.db.mu.Unlock()
	if now := s.db.head; now.written != s.base.written || now.height != s.base.height || now.root.hash != s.base.root.hash {
		return fmt.Errorf("store: commit height %d: %w: height %d was committed since it was staged", s.next.height, ErrHeight, now.height)
	}
	if err := s.b.Commit(pebble.Sync); err != nil {
		return fmt.Errorf("store: commit height %d: %w", s.next.height, wrap(err))
	}
	s.db.head = s.next
	return nil
}

// Discard drops the staged state. It may be called after Commit and more than
// once.
func (s *Staged) Discard() {
	if s.b != nil {
		s.b.Close()
		s.b = nil
	}
}
