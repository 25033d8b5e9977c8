package miner

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/round"
)

// memKeep is a Keep in memory.
type memKeep struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (k *memKeep) Range(low, high []byte, reverse bool, fn func(key, value []byte) (bool, error)) error {
	k.mu.Lock()
	keys := slices.Sorted(maps.Keys(k.m))
	k.mu.Unlock()
	if reverse {
		slices.Reverse(keys)
	}
	for _, x := range keys {
		if x < string(low) || x >= string(high) {
			continue
		}
		if more, err := fn([]byte(x), k.m[x]); err != nil || !more {
			return err
		}
	}
	return nil
}

func (k *memKeep) Put(key, value []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.m[string(key)] = bytes.Clone(value)
	return nil
}

func (k *memKeep) Delete(key []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.m, string(key))
	return nil
}

func request(e ledger.Epoch, caller byte, id ...byte) *round.Request {
	r := &round.Request{Epoch: e, Caller: ledger.Hotkey{caller}}
	copy(r.ID[:], id)
	return r
}

func TestSeen(t *testing.T) {
	keep := &memKeep{m: map[string][]byte{"other": []byte("x")}}
	open := func(n ledger.NetUID, self byte) *seen {
		t.Helper()
		s, err := openSeen(keep, n, ledger.Hotkey{self}, 6)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	take := func(s *seen, r *round.Request, want error) {
		t.Helper()
		durable, err := s.take(r, 3)
		if !errors.Is(err, want) || (err != nil) != (want != nil) {
			t.Errorf("epoch %d id %v: %v, want %v", r.Epoch, r.ID[:2], err, want)
		}
		if err == nil {
			if err := durable(); err != nil {
				t.Error(err)
			}
		}
	}
	s := open(1, 1)
	take(s, request(7, 1, 1), nil)
	take(s, request(7, 1, 1), round.RefusedReplay)
	take(s, request(7, 2, 1), round.RefusedReplay)
	take(s, request(8, 1, 1), nil) // another epoch, another request
	take(open(2, 1), request(7, 1, 1), nil)
	take(open(1, 2), request(7, 1, 1), nil)

	s = open(1, 1) // another run
	take(s, request(7, 1, 1), round.RefusedReplay)
	take(s, request(8, 1, 1), round.RefusedReplay)
	take(s, request(8, 1, 2), nil)
	take(s, request(8, 1, 3), nil)
	take(s, request(8, 1, 4), round.RefusedQuota)
	s = open(1, 1)
	take(s, request(8, 1, 4), round.RefusedQuota)
	take(s, request(8, 2, 4), nil)
	take(s, request(8, 2, 5), nil)
	take(s, request(8, 2, 6), round.RefusedFull)

	before := len(keep.m)
	if err := s.forget(9); err != nil || s.count != 6 {
		t.Errorf("%d left, %v: a request of epoch 7 may still come", s.count, err)
	}
	if err := s.forget(10); err != nil || s.count != 5 || len(keep.m) != before-1 {
		t.Errorf("%d left, %d of %d records, %v: epoch 7 is over", s.count, len(keep.m), before, err)
	}
	if err := s.forget(11); err != nil || s.count != 0 || len(keep.m) != 3 {
		t.Errorf("%d left, records %v, %v", s.count, slices.Collect(maps.Keys(keep.m)), err)
	}
	take(s, request(11, 2, 6), nil)

	// More than the bound, written by a program with a larger one: the newest stay.
	for i := range byte(20) {
		keep.Put(s.key(ledger.Epoch(12+i/10), [16]byte{i}), make([]byte, 32))
	}
	if s = open(1, 1); s.count != 6 || len(s.epochs) != 1 || s.epochs[13] == nil {
		t.Errorf("%d ids of %d epochs are read", s.count, len(s.epochs))
	}
	keep.Put(append(s.prefix(), 1), nil)
	if _, err := openSeen(keep, 1, ledger.Hotkey{1}, 100); err == nil || !strings.Contains(err.Error(), "delete the miner's database") {
		t.Errorf("a malformed record: %v", err)
	}
}

// TestTakenOnce: of many that come at once with one id, one is taken.
func TestTakenOnce(t *testing.T) {
	s, err := openSeen(&memKeep{m: map[string][]byte{}}, 1, ledger.Hotkey{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for i := range 32 {
		wg.Go(func() {
			if _, err := s.take(request(1, byte(i), 9), 0); err == nil {
				mu.Lock()
				defer mu.Unlock()
				taken++
			}
		})
	}
	wg.Wait()
	if taken != 1 {
		t.Errorf("taken %d times", taken)
	}
}

func FuzzDecodeSeen(f *testing.F) {
	f.Add(make([]byte, 24), make([]byte, 32))
	f.Add([]byte{1}, []byte(nil))
	s := &seen{}
	f.Fuzz(func(t *testing.T, k, v []byte) {
		e, id, caller, err := decodeSeen(k, v)
		if err == nil && (!bytes.Equal(s.key(e, id)[len(s.prefix()):], k) || !bytes.Equal(caller[:], v)) {
			t.Fatal("not what was written")
		}
	})
}
