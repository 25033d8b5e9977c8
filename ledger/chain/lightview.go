package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
)

// LightView reads the state at one height, every value proved and then kept, so
// that a key is asked for once. Nodes prove about the last 16 heights: a view
// that has grown older gives ErrUnavailable for keys it does not have yet, and a
// new one must be made.
type LightView struct {
	l    *Light
	ctx  context.Context
	head Head

	mu    sync.Mutex
	known map[string][]byte // nil values are proved absent
}

// Head returns the block whose state this is.
func (v *LightView) Head() Head { return v.head }

// Height returns the height of the state.
func (v *LightView) Height() uint64 { return v.head.Height }

// Get returns the value of key, nil when it is proved absent.
func (v *LightView) Get(key []byte) ([]byte, error) {
	if err := v.Prefetch([][]byte{key}); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	b := v.known[string(key)]
	if b == nil {
		return nil, nil
	}
	return append(make([]byte, 0, len(b)), b...), nil
}

// Prefetch gets and proves the keys that are not known yet, many at a time.
func (v *LightView) Prefetch(keys [][]byte) error {
	var missing [][]byte
	v.mu.Lock()
	for _, k := range keys {
		if _, ok := v.known[string(k)]; !ok {
			missing = append(missing, k)
		}
	}
	v.mu.Unlock()
	for len(missing) > 0 {
		n := min(len(missing), MaxKeys)
		if err := v.fetch(missing[:n]); err != nil {
			return err
		}
		missing = missing[n:]
	}
	return nil
}

// fetch gets up to MaxKeys keys, in halves when together they are too large.
func (v *LightView) fetch(keys [][]byte) error {
	b, err := ask(v.ctx, v.l.cfg.Ask, request{kind: askProofs, height: v.head.Height, keys: keys})
	if errors.Is(err, ErrTooLarge) && len(keys) > 1 {
		if err := v.fetch(keys[:len(keys)/2]); err != nil {
			return err
		}
		return v.fetch(keys[len(keys)/2:])
	}
	if err != nil {
		return err
	}
	all, err := decodeProofs(b)
	if err != nil {
		return fmt.Errorf("%w: proofs: %w", ErrVerify, err)
	}
	if len(all) != len(keys) {
		return fmt.Errorf("%w: %d proofs for %d keys", ErrVerify, len(all), len(keys))
	}
	for i, p := range all {
		if err := store.Verify(v.head.Root, keys[i], p.value, p.proof); err != nil {
			return fmt.Errorf("%w: height %d: key %q: %w", ErrVerify, v.head.Height, keys[i], err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, p := range all {
		v.known[string(keys[i])] = p.value
	}
	return nil
}

var _ ledger.View = (*LightView)(nil)
