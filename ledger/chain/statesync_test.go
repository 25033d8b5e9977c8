package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

func newShelf(t testing.TB, keep int) *store.Shelf {
	t.Helper()
	s, err := store.OpenShelf(t.TempDir(), keep)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// askOf asks a node.
func askOf(n *running) Ask { return n.Answer }

// lie makes of an honest snapshot file one with another value in its state,
// whose hashes all fit and whose root is claimed to be the honest one.
func lie(t *testing.T, honest *store.File, file string) {
	t.Helper()
	m := honest.Manifest
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.IndexByte(raw, 0x1a) + 2 // the opening ends with its version
	last := len(m.Chunks) - 1
	for _, c := range m.Chunks[:last] {
		at += int(c.Size)
	}
	chunk := raw[at : at+int(m.Chunks[last].Size)]
	chunk[len(chunk)-1] ^= 1 // in the last value
	m.Chunks = append([]store.ChunkInfo{}, m.Chunks...)
	m.Chunks[last].Hash = key.Hash("snapshot-chunk", chunk)
	tail := m.Encode()
	sizes := binary.BigEndian.AppendUint64(nil, uint64(len(tail)))
	sizes = binary.BigEndian.AppendUint64(sizes, 0)
	sum := sha256.Sum256(tail)
	end := raw[len(raw)-8:]
	out := slices.Concat(raw[:at+len(chunk)], tail, sizes, sum[:], end)
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := store.OpenPath(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := errors.Join(f.Verify(t.Context(), nil), memory(t).RestoreFile(t.Context(), f, nil)); !errors.Is(err, store.ErrSnapshot) || f.Manifest.Root != honest.Manifest.Root {
		t.Fatalf("the lie: %v", err)
	}
}

// A node joins a running network by state sync: from the honest snapshot,
// though a newer one is false, and then follows. The chain is pruned meanwhile,
// so that it could not have come from the genesis.
func TestStateSync(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 1)
	files := newShelf(t, 0)
	n := net.launch(t, t.TempDir(), 0, func(c *Config) { c.Snapshots, c.SnapshotInterval, c.PruneKeep = files, 20, 16 })
	if _, err := n.Submit(transfer(alice, 0, key.ID{0xb0}, 5*unit.Coin)); err != nil {
		t.Fatal(err)
	}
	n.reach(t, 23)
	eventually(t, 10*time.Second, "snapshots", func() bool { all, err := files.List(); return err == nil && len(all) == 1 && all[0].Height == 20 })
	anchor, err := n.lightBlock(15)
	if err != nil {
		t.Fatal(err)
	}
	n.reach(t, 32)
	eventually(t, 10*time.Second, "pruning", func() bool { return n.Base() > 10 })
	if b, err := n.lightBlock(2); err != nil || b.Height != 2 {
		t.Errorf("a header within the age of evidence is gone: %v", err)
	}

	// A full node follows and makes a snapshot of a newer height, which it then
	// falsifies.
	lies := newShelf(t, 0)
	liar := net.launch(t, t.TempDir(), -1, func(c *Config) {
		c.Snapshots = lies
		c.StateSync = &StateSync{Anchor: &Anchor{Height: 15, Hash: [32]byte(anchor.Hash())}, Ask: askOf(n)}
	})
	greet(t, liar, n)
	liar.reach(t, 21)
	liar.reach(t, (n.Head().Height/20+1)*20+1) // just after one of the honest node
	m, err := liar.Snapshot(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	honest, err := lies.Open(m.Height)
	if err != nil {
		t.Fatal(err)
	}
	lie(t, honest, lies.Path(m.Height))
	honest.Close()
	if lies, err = store.OpenShelf(filepath.Dir(lies.Path(0)), 0); err != nil {
		t.Fatal(err)
	}
	liar.app.shelf.files = lies // what it knew of the honest file
	liar.reach(t, m.Height+2)

	var told []string
	var log bytes.Buffer
	joined := net.launch(t, t.TempDir(), -1, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.StateSync = &StateSync{Anchor: &Anchor{Height: 15, Hash: [32]byte(anchor.Hash())}, Ask: askOf(n), Witnesses: func() []Ask { return []Ask{askOf(n)} },
			Progress: func(done, total uint64) { told = append(told, fmt.Sprint(done, "/", total)) }}
	})
	if joined.Head().Height != 0 || !joined.CatchingUp() {
		t.Fatalf("before the sync: %+v", joined.Head())
	}
	greet(t, joined, liar)
	greet(t, joined, n)
	top := n.Head().Height + 3
	joined.reach(t, top)
	n.reach(t, top)
	if base := joined.Base(); base < 21 {
		t.Errorf("the joined node has blocks from %d on: it did not begin with a snapshot", base)
	}
	if got, want := joined.root(t, top-1), n.root(t, top-1); got != want {
		t.Fatalf("root %x, want %x", got, want)
	}
	v := joined.View()
	acc, err := ledger.LoadAccount(v, key.ID{0xb0})
	v.Close()
	if err != nil || acc.Balance != 5*unit.Coin {
		t.Fatalf("bob has %v, %v", acc.Balance, err)
	}
	if len(told) == 0 {
		t.Error("no progress was told")
	}
	if err := joined.shut(t); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "a snapshot is false: refusing it and who sent it") {
		t.Errorf("the false snapshot was not refused:\n%s", log.String())
	}
}

// The answers of the receiving side to each kind of offer and chunk.
func TestOfferedSnapshots(t *testing.T) {
	net := newTestnet(t, 1)
	from := memory(t)
	s, err := from.Stage(0, []ledger.Write{{Key: []byte("a"), Value: []byte("1")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	files := newShelf(t, 0)
	v := from.Snapshot()
	m, err := files.Put(t.Context(), v, store.ExportOptions{Chain: net.genesis.Hash()})
	v.Close()
	if err != nil {
		t.Fatal(err)
	}
	f, err := files.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk, err := f.Chunk(0)
	if err != nil {
		t.Fatal(err)
	}
	a := &app{db: memory(t), genesis: net.genesis, log: slog.New(slog.DiscardHandler), failure: make(chan error, 1), shelf: &shelf{}}
	offer := func(change func(*store.Manifest, *abci.RequestOfferSnapshot)) abci.ResponseOfferSnapshot_Result {
		t.Helper()
		m := m
		q := &abci.RequestOfferSnapshot{Snapshot: &abci.Snapshot{Height: m.Height, Format: store.SnapshotFormat, Chunks: uint32(len(m.Chunks))}, AppHash: bytes.Clone(m.Root[:])}
		if change != nil {
			change(&m, q)
		}
		if q.Snapshot.Metadata == nil {
			hash := m.Hash()
			q.Snapshot.Metadata, q.Snapshot.Hash = m.Encode(), hash[:]
		}
		r, err := a.OfferSnapshot(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return r.Result
	}
	if got := offer(nil); got != abci.ResponseOfferSnapshot_ABORT {
		t.Errorf("when none is wanted: %v", got)
	}
	a.restorer.begin(t.Context(), nil)
	for name, c := range map[string]struct {
		change func(*store.Manifest, *abci.RequestOfferSnapshot)
		want   abci.ResponseOfferSnapshot_Result
	}{
		"later format":    {func(_ *store.Manifest, q *abci.RequestOfferSnapshot) { q.Snapshot.Format++ }, abci.ResponseOfferSnapshot_REJECT_FORMAT},
		"no manifest":     {func(_ *store.Manifest, q *abci.RequestOfferSnapshot) { q.Snapshot.Metadata = []byte{1} }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"another chain":   {func(m *store.Manifest, _ *abci.RequestOfferSnapshot) { m.Chain[0]++ }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"another root":    {func(m *store.Manifest, _ *abci.RequestOfferSnapshot) { m.Root[0]++ }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"another height":  {func(_ *store.Manifest, q *abci.RequestOfferSnapshot) { q.Snapshot.Height++ }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"number of chunk": {func(_ *store.Manifest, q *abci.RequestOfferSnapshot) { q.Snapshot.Chunks++ }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"honest":          {nil, abci.ResponseOfferSnapshot_ACCEPT},
	} {
		if got := offer(c.change); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	apply := func(b []byte, sender string) *abci.ResponseApplySnapshotChunk {
		t.Helper()
		r, err := a.ApplySnapshotChunk(t.Context(), &abci.RequestApplySnapshotChunk{Chunk: b, Sender: sender})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if got := offer(nil); got != abci.ResponseOfferSnapshot_ACCEPT {
		t.Fatal(got)
	}
	r := apply(append(bytes.Clone(chunk), 0), "mallory")
	if r.Result != abci.ResponseApplySnapshotChunk_RETRY || len(r.RefetchChunks) != 1 || len(r.RejectSenders) != 1 || r.RejectSenders[0] != "mallory" {
		t.Errorf("a damaged chunk: %+v", r)
	}
	if r := apply(chunk, "bob"); r.Result != abci.ResponseApplySnapshotChunk_ACCEPT || len(r.RejectSenders) != 0 {
		t.Errorf("the right chunk: %+v", r)
	}
	if a.db.Root() != m.Root || a.db.Fresh() {
		t.Errorf("restored %x, want %x", a.db.Root(), m.Root)
	}
	if r := apply(chunk, "bob"); r.Result != abci.ResponseApplySnapshotChunk_ABORT {
		t.Errorf("after the end: %+v", r)
	}
	// A false state behind a true root.
	if got := offer(func(m *store.Manifest, q *abci.RequestOfferSnapshot) { m.Root[0]++; q.AppHash = m.Root[:] }); got != abci.ResponseOfferSnapshot_ACCEPT {
		t.Fatal(got)
	}
	r = apply(chunk, "mallory")
	if r.Result != abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT || len(r.RejectSenders) != 1 || !a.db.Fresh() {
		t.Errorf("a false snapshot: %+v", r)
	}
	if err := a.restorer.close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-a.failure:
		t.Errorf("taken for a failure of this node: %v", err)
	default:
	}
}

func TestRetain(t *testing.T) {
	for _, c := range []struct {
		head, keep, oldest uint64
		want               int64
	}{
		{1000, 0, 0, 0}, {1000, 100, 0, 901}, {50, 100, 0, 0}, {1000, 1, 0, 1000 - minKeep + 1}, {1000, 100, 500, 501}, {1000, 100, 990, 901},
	} {
		if got := (&shelf{oldest: c.oldest}).retain(c.head, c.keep); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
