package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
)

// Record returns what a snapshot file of a stopped node's newest state carries
// as its Extra, so that RestoreSnapshot can go on from it.
func Record(db *store.DB) ([]byte, error) {
	if db.Height() == 0 {
		return nil, fmt.Errorf("%w: the chain has no block yet", ErrUnavailable)
	}
	e := &engine{}
	e.open(db)
	var r record
	err := guard(func() (err error) { r, err = e.recordAt(db.Height()); return err })
	if errors.Is(err, ErrUnavailable) {
		return nil, fmt.Errorf("%w: consensus is behind the state, since the node was killed: start and stop it once", err)
	}
	if err != nil {
		return nil, err
	}
	return r.encode()
}

// RestoreSnapshot fills an empty store with a snapshot file, so that a node
// opened with it goes on from there, with neither a chain of its own nor the
// genesis. It verifies that the values have the file's root, that the file is of
// the genesis, and that the producers it names have signed its block. That these
// are the chain's is known only with an anchor for that very block; without one
// the file is trusted like a copy of one's own home.
func RestoreSnapshot(ctx context.Context, db *store.DB, g *ledger.Genesis, f *store.File, a *Anchor, progress func(what string, done, total uint64)) error {
	hash := g.Hash()
	if f.Manifest.Chain != hash {
		return fmt.Errorf("%w: the snapshot is of genesis %x, the one given is %x", ErrOtherGenesis, f.Manifest.Chain[:8], hash[:8])
	}
	r, err := decodeRecord(f.Extra)
	if err != nil {
		return err
	}
	if err := r.check(g, f.Manifest, a); err != nil {
		return err
	}
	if db.Height() > 0 {
		return fmt.Errorf("chain: restore: %w: it is at height %d", store.ErrNotEmpty, db.Height())
	}
	e := &engine{}
	e.open(db)
	if e.blocks.Height() > 0 {
		return fmt.Errorf("chain: restore: %w: it has blocks up to %d", store.ErrNotEmpty, e.blocks.Height())
	}
	if err := bindGenesis(db, hash); err != nil {
		return err
	}
	if err := db.RestoreFile(ctx, f, progress); err != nil {
		return err
	}
	return e.install(r)
}
