package wire

import (
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Outcome is what a block did. It cannot be computed again once the state before
// the block is gone, so it is kept beside the block as
//
//	[1, root, [[id, code, detail], …], [[kind, netuid, epoch, hotkey, amount, entry], …],
//	    [[account, before, after], …]]
//
// for histories to be made, or made again, from.
type Outcome struct {
	Root    [32]byte // of the state after the block
	Results []ledger.TxResult
	Events  []ledger.Event
	Changes []ledger.BalanceChange
}

// Bounds of a kept outcome.
const (
	maxOutcomeDetail = 256     // bytes; a longer detail is cut
	maxEventKind     = 64      // bytes
	maxEvents        = 1 << 20 // of a block
)

// Encode returns the stored form; too long texts are cut.
func (o *Outcome) Encode() []byte {
	out := make([]byte, 0, 128+48*len(o.Results)+64*len(o.Events)+56*len(o.Changes))
	out = cbor.AppendUint(cbor.AppendArray(out, 5), 1)
	out = cbor.AppendArray(cbor.AppendBytes(out, o.Root[:]), len(o.Results))
	for _, r := range o.Results {
		out = cbor.AppendUint(cbor.AppendBytes(cbor.AppendArray(out, 3), r.ID[:]), uint64(r.Code))
		out = cbor.AppendText(out, clip(r.Detail, maxOutcomeDetail))
	}
	events := o.Events[:min(len(o.Events), maxEvents)]
	out = cbor.AppendArray(out, len(events))
	for _, e := range events {
		out = cbor.AppendText(cbor.AppendArray(out, 6), clip(e.Kind, maxEventKind))
		out = cbor.AppendUint(cbor.AppendUint(out, uint64(e.NetUID)), e.Epoch)
		out = cbor.AppendBytes(out, e.Hotkey[:])
		out = cbor.AppendUint(cbor.AppendUint(out, e.Amount), uint64(e.Entry))
	}
	out = cbor.AppendArray(out, len(o.Changes))
	for _, c := range o.Changes {
		out = cbor.AppendBytes(cbor.AppendArray(out, 3), c.Account[:])
		out = cbor.AppendUint(cbor.AppendUint(out, uint64(c.Before)), uint64(c.After))
	}
	return out
}

// clip cuts s to at most n bytes of valid UTF-8.
func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// DecodeOutcome reads what Encode wrote.
func DecodeOutcome(raw []byte) (o Outcome, err error) {
	d := cbor.NewDecoder(raw)
	d.Version(5, 1)
	o.Root = d.Hash()
	for range d.ArrayMax(ledger.MaxBlockEntries) {
		d.Array(3)
		o.Results = append(o.Results, ledger.TxResult{ID: d.Hash(), Code: ledger.Code(d.UintMax(1<<32 - 1)), Detail: d.Text(maxOutcomeDetail)})
	}
	for range d.ArrayMax(maxEvents) {
		d.Array(6)
		o.Events = append(o.Events, ledger.Event{Kind: d.Text(maxEventKind), NetUID: ledger.NetUID(d.UintMax(1<<16 - 1)), Epoch: d.Uint(),
			Hotkey: d.Hash(), Amount: d.Uint(), Entry: int(d.UintMax(ledger.MaxBlockEntries))})
	}
	for range d.ArrayMax(maxEvents) {
		d.Array(3)
		o.Changes = append(o.Changes, ledger.BalanceChange{Account: d.Hash(), Before: unit.TAO(d.Uint()), After: unit.TAO(d.Uint())})
	}
	return o, d.End()
}
