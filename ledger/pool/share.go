package pool

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Offset is the number of shares every share pool has beyond those it issued,
// backed by one virtual unit of alpha. It makes the first deposit of a pool
// fine-grained enough that nobody can round a later one away.
const Offset = 1 << 32

// ErrShares says that an amount does not fit a share pool or position.
var ErrShares = errors.New("the amount does not fit the stake")

// Share is the pool of one hotkey's alpha in one subnet: what nominators put in
// and the dividends it earned, against shares. Positions, the shares of each
// nominator, are kept by the caller; their sum is Shares.
//
// The ratio (Shares+Offset)/(Value+1) never rises, so Shares stays below 2^97
// and no product here exceeds 256 bits.
type Share struct {
	Value  unit.Alpha // V
	Shares unit.U128  // S
}

func (p Share) scale() (s, v unit.U128) {
	s, _ = p.Shares.Add(unit.U128{Lo: Offset})
	v, _ = unit.U128From(uint64(p.Value)).Add(unit.U128{Lo: 1})
	return s, v
}

// Worth returns the alpha that a position of shares can take out,
// ⌊shares·(V+1)/(S+O)⌋, and never more than Value.
func (p Share) Worth(shares unit.U128) unit.Alpha {
	s, v := p.scale()
	q, _, ok := unit.MulDiv128(shares, v, s)
	if !ok || q.Hi != 0 || unit.Alpha(q.Lo) > p.Value {
		return p.Value
	}
	return unit.Alpha(q.Lo)
}

// Add puts x in and returns the shares minted for it, ⌊x·(S+O)/(V+1)⌋. An
// amount too small for one share is ErrShares.
func (p *Share) Add(x unit.Alpha) (unit.U128, error) {
	s, v := p.scale()
	minted, _, ok := unit.MulDiv128(unit.U128From(uint64(x)), s, v)
	if !ok || minted.IsZero() {
		return unit.U128{}, fmt.Errorf("%w: %s buys no share of a pool of %s", ErrShares, x, p.Value)
	}
	value, ok := p.Value.Add(x)
	shares, ok2 := p.Shares.Add(minted)
	if !ok || !ok2 {
		return unit.U128{}, fmt.Errorf("%w: %s and %s exceed 64 bits", ErrShares, p.Value, x)
	}
	p.Value, p.Shares = value, shares
	return minted, nil
}

// Remove takes x out for a position of owned shares and returns the shares it
// burns, ⌈x·(S+O)/(V+1)⌉, at most owned. Taking out the whole Worth burns all
// owned shares, so that no dust is left.
func (p *Share) Remove(x unit.Alpha, owned unit.U128) (unit.U128, error) {
	worth := p.Worth(owned)
	if x == 0 || x > worth || owned.Cmp(p.Shares) > 0 {
		return unit.U128{}, fmt.Errorf("%w: %s out of a position worth %s", ErrShares, x, worth)
	}
	burned := owned
	if x < worth {
		s, v := p.scale()
		up, ok := unit.MulDiv128Up(unit.U128From(uint64(x)), s, v)
		if !ok {
			return unit.U128{}, fmt.Errorf("%w: %s of a pool of %s", ErrShares, x, p.Value)
		}
		if up.Cmp(owned) < 0 {
			burned = up
		}
	}
	p.Value -= x
	p.Shares, _ = p.Shares.Sub(burned)
	return burned, nil
}

// Grow adds a dividend: every share is worth more. A pool without shares has
// nobody to give it to; then it is ErrShares and the caller pays the owner of
// the hotkey.
func (p *Share) Grow(x unit.Alpha) error {
	if p.Shares.IsZero() {
		return fmt.Errorf("%w: nobody holds a share", ErrShares)
	}
	value, ok := p.Value.Add(x)
	if !ok {
		return fmt.Errorf("%w: %s and %s exceed 64 bits", ErrShares, p.Value, x)
	}
	p.Value = value
	return nil
}
