package chain

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

// What a block did cannot be computed again once the state before it is gone,
// so it is kept beside the block as
//
//	[1, root, [[id, code, detail], …], [[kind, netuid, epoch, hotkey, amount, entry], …],
//	    [[account, before, after], …]]
//
// for histories to be made, or made again, from.

// Bounds of a kept outcome.
const (
	maxOutcomeDetail = 256     // bytes; a longer detail is cut
	maxEventKind     = 64      // bytes
	maxEvents        = 1 << 20 // of a block
)

func outcomes(db *store.DB) *store.Namespace { return db.Namespace("outcome") }

func outcomeKey(height uint64) []byte { return binary.BigEndian.AppendUint64(nil, height) }

func encodeOutcome(b *Block) []byte {
	out := cbor.AppendUint(cbor.AppendArray(nil, 5), 1)
	out = cbor.AppendArray(cbor.AppendBytes(out, b.Root[:]), len(b.Results))
	for _, r := range b.Results {
		out = cbor.AppendUint(cbor.AppendBytes(cbor.AppendArray(out, 3), r.ID[:]), uint64(r.Code))
		out = cbor.AppendText(out, clip(r.Detail, maxOutcomeDetail))
	}
	events := b.Events[:min(len(b.Events), maxEvents)]
	out = cbor.AppendArray(out, len(events))
	for _, e := range events {
		out = cbor.AppendText(cbor.AppendArray(out, 6), clip(e.Kind, maxEventKind))
		out = cbor.AppendUint(cbor.AppendUint(out, uint64(e.NetUID)), e.Epoch)
		out = cbor.AppendBytes(out, e.Hotkey[:])
		out = cbor.AppendUint(cbor.AppendUint(out, e.Amount), uint64(e.Entry))
	}
	out = cbor.AppendArray(out, len(b.Changes))
	for _, c := range b.Changes {
		out = cbor.AppendBytes(cbor.AppendArray(out, 3), c.Account[:])
		out = cbor.AppendUint(cbor.AppendUint(out, uint64(c.Before)), uint64(c.After))
	}
	return out
}

// clip cuts s to at most n bytes of valid UTF-8.
func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// decodeOutcome fills in the fields of b that encodeOutcome wrote.
func decodeOutcome(raw []byte, b *Block) error {
	d := cbor.NewDecoder(raw)
	d.Version(5, 1)
	b.Root = d.Hash()
	for range d.ArrayMax(ledger.MaxBlockEntries) {
		d.Array(3)
		b.Results = append(b.Results, ledger.TxResult{ID: d.Hash(), Code: ledger.Code(d.UintMax(1<<32 - 1)), Detail: d.Text(maxOutcomeDetail)})
	}
	for range d.ArrayMax(maxEvents) {
		d.Array(6)
		b.Events = append(b.Events, ledger.Event{Kind: d.Text(maxEventKind), NetUID: ledger.NetUID(d.UintMax(1<<16 - 1)), Epoch: d.Uint(),
			Hotkey: d.Hash(), Amount: d.Uint(), Entry: int(d.UintMax(ledger.MaxBlockEntries))})
	}
	for range d.ArrayMax(maxEvents) {
		d.Array(3)
		b.Changes = append(b.Changes, ledger.BalanceChange{Account: d.Hash(), Before: unit.TAO(d.Uint()), After: unit.TAO(d.Uint())})
	}
	if err := d.End(); err != nil {
		return fmt.Errorf("%w: outcome: %w", store.ErrCorrupt, err)
	}
	return nil
}
