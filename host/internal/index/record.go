package index

import (
	"fmt"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

const (
	maxDetail = 256
	maxKind   = 64
	maxEvents = 1 << 20
)

// BlockRecord is what the index holds of a block:
// [1, time, hash, root, parent, proposer, bytes, [[id, code], …], [event, …]].
type BlockRecord struct {
	Height   uint64
	Time     int64 // Unix milliseconds
	Hash     [32]byte
	Root     [32]byte // of the state after the block
	Parent   [32]byte
	Proposer ledger.Address
	Bytes    uint64 // of all entries
	Txs      []TxCode
	Events   []ledger.Event
}

// TxCode is a transaction of a block with its outcome.
type TxCode struct {
	ID   [32]byte
	Code ledger.Code
}

// NewBlockRecord is the record of a block.
func NewBlockRecord(b *chain.StoredBlock) *BlockRecord {
	r := &BlockRecord{Height: b.Height, Time: b.Time, Hash: b.Hash, Root: b.Root, Parent: b.Parent, Proposer: b.Proposer, Events: b.Events}
	for i, e := range b.Entries {
		r.Bytes += uint64(len(e))
		if i > 0 {
			r.Txs = append(r.Txs, TxCode{b.Results[i].ID, b.Results[i].Code})
		}
	}
	return r
}

func (r *BlockRecord) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 9), 1)
	b = cbor.AppendUint(b, uint64(r.Time))
	for _, h := range [][]byte{r.Hash[:], r.Root[:], r.Parent[:], r.Proposer[:]} {
		b = cbor.AppendBytes(b, h)
	}
	b = cbor.AppendArray(cbor.AppendUint(b, r.Bytes), len(r.Txs))
	for _, t := range r.Txs {
		b = cbor.AppendUint(cbor.AppendBytes(cbor.AppendArray(b, 2), t.ID[:]), uint64(t.Code))
	}
	b = cbor.AppendArray(b, len(r.Events))
	for _, e := range r.Events {
		b = appendEvent(b, &e)
	}
	return b
}

func appendEvent(b []byte, e *ledger.Event) []byte {
	b = cbor.AppendText(cbor.AppendArray(b, 6), e.Kind[:min(len(e.Kind), maxKind)])
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(e.NetUID)), e.Epoch)
	b = cbor.AppendBytes(b, e.Hotkey[:])
	return cbor.AppendUint(cbor.AppendUint(b, e.Amount), uint64(e.Entry))
}

func decodeEvent(d *cbor.Decoder) ledger.Event {
	d.Array(6)
	return ledger.Event{Kind: d.Text(maxKind), NetUID: ledger.NetUID(d.UintMax(1<<16 - 1)), Epoch: d.Uint(), Hotkey: d.Hash(),
		Amount: d.Uint(), Entry: int(d.UintMax(ledger.MaxBlockEntries))}
}

func decodeBlock(height uint64, raw []byte) (*BlockRecord, error) {
	d := cbor.NewDecoder(raw)
	d.Version(9, 1)
	r := &BlockRecord{Height: height, Time: int64(d.UintMax(1 << 62)), Hash: d.Hash(), Root: d.Hash(), Parent: d.Hash()}
	d.Fixed(r.Proposer[:])
	r.Bytes = d.Uint()
	for range d.ArrayMax(ledger.MaxBlockEntries) {
		d.Array(2)
		r.Txs = append(r.Txs, TxCode{d.Hash(), ledger.Code(d.UintMax(1<<32 - 1))})
	}
	for range d.ArrayMax(maxEvents) {
		r.Events = append(r.Events, decodeEvent(d))
	}
	return r, ended(d, "block")
}

func ended(d *cbor.Decoder, what string) error {
	if err := d.End(); err != nil {
		return fmt.Errorf("%w: %s in the history: %w: make it again with 'plexus admin reindex'", kv.ErrCorrupt, what, err)
	}
	return nil
}

// TxRecord is a transaction that a block included: [1, height, entry, time, code,
// detail, raw].
type TxRecord struct {
	Height uint64
	Entry  int   // index in the block; 0 is the proposer's own
	Time   int64 // of the block, Unix milliseconds
	Result ledger.TxResult
	Raw    []byte
}

func (t *TxRecord) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 7), 1)
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(b, t.Height), uint64(t.Entry)), uint64(t.Time))
	b = cbor.AppendText(cbor.AppendUint(b, uint64(t.Result.Code)), strings.ToValidUTF8(t.Result.Detail[:min(len(t.Result.Detail), maxDetail)], ""))
	return cbor.AppendBytes(b, t.Raw)
}

func decodeTx(id [32]byte, raw []byte) (*TxRecord, error) {
	d := cbor.NewDecoder(raw)
	d.Version(7, 1)
	t := &TxRecord{Height: d.Uint(), Entry: int(d.UintMax(ledger.MaxBlockEntries)), Time: int64(d.UintMax(1 << 62)),
		Result: ledger.TxResult{ID: id, Code: ledger.Code(d.UintMax(1<<32 - 1)), Detail: d.Text(maxDetail)}}
	t.Raw = append([]byte(nil), d.Bytes(ledger.MaxTx)...)
	return t, ended(d, "transaction")
}

// EntryType says what an entry of an account's history is.
type EntryType uint8

// Types of entries.
const (
	Transaction EntryType = iota // it signed a transaction, or one paid it: ID, Code, Kind
	Balance                      // a block changed its free balance: Before, After
	Happened                     // an event names it: Event
)

// Entry is one line of an account's history: [1, type, time, …] with [id, code,
// kind], [before, after] or [event].
type Entry struct {
	Account key.ID // not part of the record, but of its key
	Place   Place  // the same
	Type    EntryType
	Time    int64 // of the block, Unix milliseconds
	ID      [32]byte
	Code    ledger.Code
	Kind    ledger.Kind
	Before  unit.TAO
	After   unit.TAO
	Event   ledger.Event
}

func (e *Entry) append(b []byte) []byte {
	n := map[EntryType]int{Transaction: 6, Balance: 5, Happened: 4}[e.Type]
	b = cbor.AppendUint(cbor.AppendArray(b, n), 1)
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(e.Type)), uint64(e.Time))
	switch e.Type {
	case Transaction:
		b = cbor.AppendUint(cbor.AppendBytes(b, e.ID[:]), uint64(e.Code))
		return cbor.AppendUint(b, uint64(e.Kind))
	case Balance:
		return cbor.AppendUint(cbor.AppendUint(b, uint64(e.Before)), uint64(e.After))
	}
	return appendEvent(b, &e.Event)
}

func decodeEntry(raw []byte) (e Entry, err error) {
	d := cbor.NewDecoder(raw)
	n := d.ArrayMax(6)
	if d.UintMax(1) != 1 {
		d.Fail(cbor.ErrRange)
	}
	e.Type, e.Time = EntryType(d.UintMax(uint64(Happened))), int64(d.UintMax(1<<62))
	want := 4
	switch e.Type {
	case Transaction:
		want = 6
		e.ID, e.Code, e.Kind = d.Hash(), ledger.Code(d.UintMax(1<<32-1)), ledger.Kind(d.Uint())
	case Balance:
		want = 5
		e.Before, e.After = unit.TAO(d.Uint()), unit.TAO(d.Uint())
	case Happened:
		e.Event = decodeEvent(d)
	}
	if d.Err() == nil && n != want {
		d.Fail(cbor.ErrLength)
	}
	return e, ended(d, "entry")
}

// entriesOf lists what a block did to accounts: transactions for who signed and
// whom their events name, then the events, then the balances.
func entriesOf(b *chain.StoredBlock) (out []Entry) {
	named := map[int][]key.ID{} // by entry
	for _, e := range b.Events {
		if e.Entry > 0 && e.Hotkey != (key.ID{}) {
			named[e.Entry] = append(named[e.Entry], e.Hotkey)
		}
	}
	for i, raw := range b.Entries {
		t, err := ledger.DecodeTx(raw)
		if i == 0 || err != nil {
			continue // the proposer's entry, or bytes that nobody signed
		}
		done := map[key.ID]bool{}
		for _, id := range append([]key.ID{t.Account}, named[i]...) {
			if !done[id] {
				out = append(out, Entry{Account: id, Type: Transaction, Time: b.Time, ID: t.ID(), Code: b.Results[i].Code, Kind: t.Kind})
			}
			done[id] = true
		}
	}
	for _, e := range b.Events {
		if e.Hotkey != (key.ID{}) {
			out = append(out, Entry{Account: e.Hotkey, Type: Happened, Time: b.Time, Event: e})
		}
	}
	for _, c := range b.Changes {
		out = append(out, Entry{Account: c.Account, Type: Balance, Time: b.Time, Before: c.Before, After: c.After})
	}
	return out
}
