package chain

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/store"
)

// outcomes are kept beside the blocks, by height.
func outcomes(db *store.DB) *store.Namespace { return db.Namespace("outcome") }

func outcomeKey(height uint64) []byte { return binary.BigEndian.AppendUint64(nil, height) }

func (b *Block) outcome() *wire.Outcome {
	return &wire.Outcome{Root: b.Root, Results: b.Results, Events: b.Events, Changes: b.Changes}
}
