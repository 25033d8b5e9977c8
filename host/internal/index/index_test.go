package index

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"testing"

	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

var bob = key.ID{0xb0}

// follow runs an index over a chain until the returned function is called.
func follow(t *testing.T, c *solo.Chain) (x *Index, stop func()) {
	t.Helper()
	x, err := Open(c.Work, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return x, run(t, x, c)
}

func run(t *testing.T, x *Index, c *solo.Chain) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx, c.Node) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// An index that is switched on late, interrupted, or made again holds the same
// as one that watched from the beginning.
func TestHistory(t *testing.T) {
	c := solo.Start(t, solo.Genesis(t), t.TempDir())
	id, height := c.Include(t, c.Transfer(0, bob, 5*unit.Coin))
	c.Reach(t, height+1)

	x, stop := follow(t, c) // late: the transfer's block was committed before
	_, second := c.Include(t, c.Transfer(1, bob, 2*unit.Coin))
	reached := func(h uint64) {
		t.Helper()
		solo.Eventually(t, "the index", func() bool { _, last := x.Heights(); return last >= h })
	}
	reached(second)
	stop()
	tx, err := x.Tx(id)
	if err != nil || tx.Height != height || tx.Entry != 1 || tx.Result.Code != ledger.OK || tx.Result.ID != id {
		t.Fatalf("transaction %+v, %v", tx, err)
	}
	if d, err := ledger.DecodeTx(tx.Raw); err != nil || d.ID() != id {
		t.Fatalf("raw transaction %v, %v", d, err)
	}
	got, err := x.History(bob, Newest(), 100)
	if err != nil {
		t.Fatal(err)
	}
	// Newest first: balance, event and transaction of either transfer.
	if len(got) != 6 || got[0].Type != Balance || got[0].After != 7*unit.Coin || got[0].Before != 5*unit.Coin || got[1].Type != Happened ||
		got[1].Event.Amount != 2_000_000_000 || got[2].Type != Transaction || got[5].ID != id || got[5].Place.Height != height {
		t.Fatalf("history of the receiver: %+v", got)
	}
	for i := range got { // page by page, it is the same
		page, err := x.History(bob, append([]Entry{{Place: Newest()}}, got...)[i].Place, 1)
		if err != nil || len(page) != 1 || !reflect.DeepEqual(page[0], got[i]) {
			t.Fatalf("page %d: %+v, %v", i, page, err)
		}
	}
	mine, err := x.History(solo.Alice.Public(), Newest(), 100)
	if err != nil || len(mine) != 4 || mine[3].ID != id || mine[2].Before-mine[2].After <= 5*unit.Coin {
		t.Fatalf("history of the sender: %+v, %v", mine, err)
	}
	blocks, err := x.Blocks(second+1, 3)
	if err != nil || len(blocks) != 3 || blocks[0].Height != second || blocks[1].Hash != blocks[0].Parent || len(blocks[0].Txs) != 1 {
		t.Fatalf("blocks %+v, %v", blocks, err)
	}
	if h, err := x.ByHash(blocks[1].Hash); err != nil || h != second-1 {
		t.Fatalf("block by hash: %d, %v", h, err)
	}
	if _, err := x.Tx([32]byte{1}); !errors.Is(err, ErrNotFound) {
		t.Fatalf("a transaction that never was: %v", err)
	}

	first, _ := x.Heights()
	if first != 1 {
		t.Fatalf("history begins at %d", first)
	}
	c.Reach(t, second+3)
	if x, err = Open(c.Work, slog.New(slog.DiscardHandler)); err != nil { // as after a crash
		t.Fatal(err)
	}
	stop = run(t, x, c)
	reached(second + 3)
	stop()
	stop = run(t, x, c)
	changed := x.Changed()
	if err := c.Work.Delete(at(spaceTx, id[:])); err != nil { // to see that it comes back
		t.Fatal(err)
	}
	x.Again()
	<-changed
	solo.Eventually(t, "the transaction", func() bool { _, err := x.Tx(id); return err == nil })
	reached(second + 3)
	stop()
	again, err := x.History(bob, Newest(), 100)
	if err != nil || !reflect.DeepEqual(again, got) {
		t.Fatalf("made again: %+v, %v", again, err)
	}
}

func TestDamagedRecordsAreNamed(t *testing.T) {
	db, err := kv.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for k, read := range map[string]func(x *Index) error{
		string(at(spaceBlock, be64(3))):                           func(x *Index) error { _, err := x.Block(3); return err },
		string(at(spaceTx, make([]byte, 32))):                     func(x *Index) error { _, err := x.Tx([32]byte{}); return err },
		string(at(spaceRecord, bob[:], be64(3), make([]byte, 4))): func(x *Index) error { _, err := x.History(bob, Newest(), 1); return err },
	} {
		x, err := Open(db, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Put([]byte(k), []byte{0x83, 1}); err != nil {
			t.Fatal(err)
		}
		if err := read(x); !errors.Is(err, kv.ErrCorrupt) {
			t.Errorf("%q: %v", k[:4], err)
		}
	}
	if err := db.Put(at(spaceHead), []byte{1}); err != nil {
		t.Fatal(err)
	}
	x, err := Open(db, slog.New(slog.DiscardHandler)) // it is made again
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	if _, err := x.Block(3); !errors.Is(err, ErrNotFound) {
		t.Errorf("after a damaged head: %v", err)
	}
}

// What decodes encodes to the same bytes.
func FuzzRecords(f *testing.F) {
	ev := ledger.Event{Kind: "transfer", NetUID: 1, Epoch: 2, Hotkey: bob, Amount: 3, Entry: 1}
	f.Add((&BlockRecord{Height: 1, Time: 5, Txs: []TxCode{{ID: [32]byte{1}, Code: 3}}, Events: []ledger.Event{ev}}).append(nil))
	f.Add((&TxRecord{Height: 1, Entry: 1, Result: ledger.TxResult{Code: 2, Detail: "x"}, Raw: []byte{1}}).append(nil))
	for _, e := range []Entry{{Type: Transaction, Kind: 1}, {Type: Balance, Before: 1, After: 2}, {Type: Happened, Event: ev}} {
		f.Add(e.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeBlock(0, b); err == nil && string(r.append(nil)) != string(b) {
			t.Errorf("block %x", b)
		}
		if r, err := decodeTx([32]byte{}, b); err == nil && string(r.append(nil)) != string(b) {
			t.Errorf("transaction %x", b)
		}
		if e, err := decodeEntry(b); err == nil && string(e.append(nil)) != string(b) {
			t.Errorf("entry %x", b)
		}
	})
}
