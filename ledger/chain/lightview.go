package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
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
	known map[string]wire.Proved // nil values are proved absent
	size  int                    // bytes of known, about
}

// maxKnown bounds the memory that one view takes, in bytes: beyond it what was
// read is forgotten and asked for again.
const maxKnown = 64 << 20

// Head returns the block whose state this is.
func (v *LightView) Head() Head { return v.head }

// Height returns the height of the state.
func (v *LightView) Height() uint64 { return v.head.Height }

// Get returns the value of key, nil when it is proved absent.
func (v *LightView) Get(key []byte) ([]byte, error) {
	value, _, err := v.Prove(key)
	return value, err
}

// Prove is Get with the proof that the value, or its absence, was verified by,
// to the root of Head.
func (v *LightView) Prove(key []byte) (value []byte, proof store.Proof, err error) {
	v.mu.Lock()
	p, ok := v.known[string(key)]
	v.mu.Unlock()
	if !ok {
		all, err := v.fetch([][]byte{key})
		if err != nil {
			return nil, store.Proof{}, err
		}
		p = all[0]
	}
	return bytes.Clone(p.Value), p.Proof, nil
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
		if _, err := v.fetch(missing[:n]); err != nil {
			return err
		}
		missing = missing[n:]
	}
	return nil
}

// BlockHash returns the verified hash of a block up to the view's, however old:
// one that the state has forgotten is followed back header by header, from the
// oldest that is kept here.
func (v *LightView) BlockHash(height uint64) ([32]byte, error) {
	if height == 0 || height > v.head.Height {
		return [32]byte{}, fmt.Errorf("%w: block %d, the view is of %d", ErrUnavailable, height, v.head.Height)
	}
	hash, ok, err := ledger.BlockHash(v, height)
	if err != nil || ok {
		return hash, err
	}
	v.l.mu.Lock()
	defer v.l.mu.Unlock()
	lb, err := v.l.verify(v.ctx, int64(height))
	if err != nil {
		return hash, err
	}
	return [32]byte(lb.Hash()), nil
}

// fetch gets up to MaxKeys keys, in halves when together they are too large.
func (v *LightView) fetch(keys [][]byte) ([]wire.Proved, error) {
	b, err := ask(v.ctx, v.l.cfg.Ask, wire.Request{Kind: wire.AskProofs, Height: v.head.Height, Keys: keys})
	if errors.Is(err, ErrTooLarge) && len(keys) > 1 {
		first, err := v.fetch(keys[:len(keys)/2])
		if err != nil {
			return nil, err
		}
		rest, err := v.fetch(keys[len(keys)/2:])
		return append(first, rest...), err
	}
	if err != nil {
		return nil, err
	}
	all, err := wire.DecodeProofs(b)
	if err != nil {
		return nil, fmt.Errorf("%w: proofs: %w", ErrVerify, err)
	}
	if len(all) != len(keys) {
		return nil, fmt.Errorf("%w: %d proofs for %d keys", ErrVerify, len(all), len(keys))
	}
	for i, p := range all {
		if err := store.Verify(v.head.Root, keys[i], p.Value, p.Proof); err != nil {
			return nil, fmt.Errorf("%w: height %d: key %q: %w", ErrVerify, v.head.Height, keys[i], err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, p := range all {
		size := 512 + len(keys[i]) + len(p.Value) + 32*len(p.Proof.Path)
		for _, n := range []*store.Neighbour{p.Proof.Left, p.Proof.Right} {
			if n != nil {
				size += 128 + len(n.Value) + 32*len(n.Path)
			}
		}
		if v.size += size; v.size > maxKnown {
			clear(v.known)
			v.size = size
		}
		v.known[string(keys[i])] = p
	}
	return all, nil
}

var _ ledger.View = (*LightView)(nil)
