package miner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/round"
)

// Keep is a miner's durable store. Put has survived a crash when it returns.
// Range calls fn with the keys from low, inclusive, to high, exclusive, in rising
// order until it says that it wants no more; the slices are fn's only meanwhile.
type Keep interface {
	Range(low, high []byte, reverse bool, fn func(key, value []byte) (more bool, err error)) error
	Put(key, value []byte) error
	Delete(key []byte) error
}

// keptEpochs is how many epochs before the newest one are remembered: as many as
// a request may be of, see chainEpochs. Requests are published with the evidence,
// and anyone could send an old one again.
const keptEpochs = 2

// seen remembers the requests taken on one subnet, by epoch: an id is taken once.
// What it holds is also in the keep, from where a miner that starts reads it.
type seen struct {
	keep Keep // nil for none
	n    ledger.NetUID
	self ledger.Hotkey
	max  int // of ids, in all epochs

	mu     sync.Mutex
	epochs map[ledger.Epoch]*taken
	count  int
}

// taken is what was taken in an epoch.
type taken struct {
	ids map[[16]byte]bool
	by  map[ledger.Hotkey]int
}

const seenKey = "seen/"

// prefix is what the keys of the subnet begin with: they go on with the epoch
// and the id.
func (s *seen) prefix() []byte {
	b := binary.BigEndian.AppendUint16([]byte(seenKey), uint16(s.n))
	return append(b, s.self[:]...)
}

func (s *seen) key(e ledger.Epoch, id [16]byte) []byte {
	return append(binary.BigEndian.AppendUint64(s.prefix(), e), id[:]...)
}

// openSeen reads what was taken before. Of more than max ids the oldest epochs
// are forgotten.
func openSeen(keep Keep, n ledger.NetUID, self ledger.Hotkey, max int) (*seen, error) {
	s := &seen{keep: keep, n: n, self: self, max: max, epochs: map[ledger.Epoch]*taken{}}
	if keep == nil {
		return s, nil
	}
	low := s.prefix()
	high := append(append([]byte{}, low...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	err := keep.Range(low, high, true, func(k, v []byte) (bool, error) {
		e, id, caller, err := decodeSeen(k[len(low):], v)
		if err != nil {
			return false, err
		}
		s.note(e, id, caller)
		return s.count < max, nil
	})
	if err != nil {
		return nil, fmt.Errorf("miner: requests taken before: %w", err)
	}
	return s, nil
}

var errSeen = errors.New("a record of a request taken is malformed: delete the miner's database to go on")

// decodeSeen reads one kept id: the rest of its key and its value, the caller.
func decodeSeen(k, v []byte) (e ledger.Epoch, id [16]byte, caller ledger.Hotkey, err error) {
	if len(k) != 8+len(id) || len(v) != len(caller) {
		return e, id, caller, errSeen
	}
	copy(id[:], k[8:])
	copy(caller[:], v)
	return binary.BigEndian.Uint64(k), id, caller, nil
}

func (s *seen) note(e ledger.Epoch, id [16]byte, caller ledger.Hotkey) {
	t := s.epochs[e]
	if t == nil {
		t = &taken{ids: map[[16]byte]bool{}, by: map[ledger.Hotkey]int{}}
		s.epochs[e] = t
	}
	t.ids[id] = true
	t.by[caller]++
	s.count++
}

// used reports why an id may not be taken, before its task is sent.
func (s *seen) used(r *round.Request, quota int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuse(r, quota)
}

func (s *seen) refuse(r *round.Request, quota int) error {
	t := s.epochs[r.Epoch]
	switch {
	case t != nil && t.ids[r.ID]:
		return round.RefusedReplay
	case t != nil && quota > 0 && t.by[r.Caller] >= quota:
		return round.RefusedQuota
	case s.count >= s.max:
		return round.RefusedFull
	}
	return nil
}

// take takes a request: of two with the same id at once, one. The function
// returned, which may be nil, makes it durable.
func (s *seen) take(r *round.Request, quota int) (durable func() error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refuse(r, quota); err != nil {
		return nil, err
	}
	s.note(r.Epoch, r.ID, r.Caller)
	if s.keep == nil {
		return nil, nil
	}
	k, v := s.key(r.Epoch, r.ID), r.Caller
	return func() error {
		if err := s.keep.Put(k, v[:]); err != nil {
			return fmt.Errorf("miner: keeping a request's id: %w", err)
		}
		return nil
	}, nil
}

// forget drops the epochs that no request may be of any more, given the newest
// one that the chain has begun.
func (s *seen) forget(newest ledger.Epoch) error {
	s.mu.Lock()
	old := map[ledger.Epoch]*taken{}
	for e, t := range s.epochs {
		if e+keptEpochs < newest {
			old[e] = t
			s.count -= len(t.ids)
			delete(s.epochs, e)
		}
	}
	s.mu.Unlock()
	if s.keep == nil {
		return nil
	}
	var errs []error
	for e, t := range old {
		for id := range t.ids {
			errs = append(errs, s.keep.Delete(s.key(e, id)))
		}
	}
	return errors.Join(errs...)
}
