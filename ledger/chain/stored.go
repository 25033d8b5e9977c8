package chain

import (
	"fmt"

	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/store"
)

// StoredBlock is a committed block as this node keeps it.
type StoredBlock struct {
	Block
	Parent  [32]byte // hash of the block before, zero for the first
	Entries [][]byte // the first is the proposer's, the others are transactions
}

// Stored returns a committed block with what it did, or ErrUnavailable: it is
// above the head, pruned, or from before this node kept outcomes.
func (n *Node) Stored(height uint64) (*StoredBlock, error) {
	missing := fmt.Errorf("%w: block %d", ErrUnavailable, height)
	if height == 0 || height > n.Head().Height {
		return nil, missing
	}
	var out *StoredBlock
	err := n.engine.gate.do(func() error {
		raw, err := outcomes(n.cfg.DB).Get(outcomeKey(height))
		if err != nil {
			return err
		}
		if raw == nil {
			return missing
		}
		o, err := wire.DecodeOutcome(raw)
		if err != nil {
			return fmt.Errorf("%w: outcome: %w", store.ErrCorrupt, err)
		}
		out = &StoredBlock{Block: Block{Root: o.Root, Results: o.Results, Events: o.Events, Changes: o.Changes}}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = guard(func() error { // CometBFT panics on a damaged store
		meta, block := n.engine.blocks.LoadBlockMeta(int64(height)), n.engine.blocks.LoadBlock(int64(height))
		if meta == nil || block == nil || len(meta.BlockID.Hash) != 32 || len(meta.Header.ProposerAddress) != 20 {
			return missing
		}
		out.Height, out.Time = height, meta.Header.Time.UnixMilli()
		copy(out.Hash[:], meta.BlockID.Hash)
		copy(out.Parent[:], meta.Header.LastBlockID.Hash)
		copy(out.Proposer[:], meta.Header.ProposerAddress)
		for _, tx := range block.Txs {
			out.Entries = append(out.Entries, tx)
		}
		if len(out.Entries) != len(out.Results) {
			return brokenf("block %d has %d entries and %d results", height, len(out.Entries), len(out.Results))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Base returns the lowest height whose block is stored, 0 before the first.
func (n *Node) Base() uint64 { return uint64(max(n.engine.blocks.Base(), 0)) }

// At calls fn with the state at one of the last heights, or returns
// ErrUnavailable. fn must be short: the next commit waits for it.
func (n *Node) At(height uint64, fn func(*store.Snapshot) error) error {
	err := n.app.views.at(height, fn)
	if err == ErrUnavailable {
		return fmt.Errorf("%w: state at height %d: this node has %d to %d", ErrUnavailable, height, n.oldest(), n.Head().Height)
	}
	return err
}

// oldest is the lowest height whose state can be read.
func (n *Node) oldest() uint64 {
	v := n.app.views
	v.mu.RLock()
	defer v.mu.RUnlock()
	if len(v.list) == 0 {
		return 0
	}
	return v.list[0].Height()
}

// forget drops the outcomes of blocks that were pruned.
func (n *Node) forget() error {
	return n.engine.gate.do(func() error {
		ns := outcomes(n.cfg.DB)
		it, err := ns.Iterator(outcomeKey(0), outcomeKey(n.Base()), false)
		if err != nil {
			return err
		}
		var gone [][]byte
		for ; it.Valid(); it.Next() {
			gone = append(gone, append([]byte(nil), it.Key()...))
		}
		if err := it.Close(); err != nil {
			return err
		}
		for _, k := range gone {
			if err := ns.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Queue lists waiting transactions in the order in which a block of this node
// would take them, at most limit.
func (n *Node) Queue(limit int) [][]byte {
	all := n.app.pool.candidates()
	return all[:min(len(all), limit)]
}
