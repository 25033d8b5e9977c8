package chain

import (
	"sync"

	"github.com/plexus-network/plexus/ledger/store"
)

// keepViews is how many committed heights can be read and proved. A proof at
// height H needs the header of H+1, and a client needs time to ask.
const keepViews = 16

// views holds snapshots of the last committed heights. Readers hold the lock
// while they use one, so that none is closed under them.
type views struct {
	mu   sync.RWMutex
	list []*store.Snapshot // rising by height, without gaps
}

// push adds the snapshot of the newest height and closes those that are too old.
// A genesis written twice replaces itself.
func (v *views) push(s *store.Snapshot) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if n := len(v.list); n > 0 && v.list[n-1].Height() == s.Height() {
		v.list[n-1].Close()
		v.list = v.list[:n-1]
	}
	v.list = append(v.list, s)
	for len(v.list) > keepViews {
		v.list[0].Close()
		v.list = v.list[1:]
	}
}

// latest calls fn with the newest snapshot.
func (v *views) latest(fn func(*store.Snapshot) error) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if len(v.list) == 0 {
		return ErrUnavailable
	}
	return fn(v.list[len(v.list)-1])
}

// at calls fn with the snapshot of a height.
func (v *views) at(height uint64, fn func(*store.Snapshot) error) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, s := range v.list {
		if s.Height() == height {
			return fn(s)
		}
	}
	return ErrUnavailable
}

func (v *views) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.list {
		s.Close()
	}
	v.list = nil
}
