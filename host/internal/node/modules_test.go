package node

import (
	"bytes"
	"errors"
	"math/rand"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/plugins"
)

// A module that blocks brought is put together by each node, served to others, and
// part of snapshots; one that lacks a chunk of it is refused.
func TestModuleOfTheChain(t *testing.T) {
	t.Parallel()
	g := testGenesis(t, "modules")
	n, err := open(t, newHome(t, g))
	if err != nil {
		t.Fatal(err)
	}
	launch(t, n)
	other := emptyHome(t, g, func(c *config.Config) { c.Join = n.Addrs() })
	m, err := open(t, other)
	if err != nil {
		t.Fatal(err)
	}
	joined := launch(t, m)
	wait(t, "a block", func() bool { return n.chain.Head().Height > 0 })

	code := make([]byte, 2*ledger.MaxChunk+1000) // of random bytes, which do not pack
	rand.New(rand.NewSource(1)).Read(code)
	announce, chunks, err := ledger.PackModule(code)
	if err != nil || len(chunks) < 3 {
		t.Fatal(len(chunks), err)
	}
	nonce := uint64(0)
	submit := func(p ledger.Payload) {
		t.Helper()
		tx := ledger.Sign(keys.Development("owner"), g.ChainID, nonce, n.chain.Head().Height+200, p)
		nonce++
		id, err := n.chain.Submit(tx)
		if err != nil {
			t.Fatal(err)
		}
		wait(t, "block with the transaction", func() bool { return n.chain.TxStatus(id).Height > 0 })
		if r := n.chain.TxStatus(id).Result; r.Code != ledger.OK {
			t.Fatalf("%v: %s", r.Code, r.Detail)
		}
	}
	submit(announce)
	for i := range chunks {
		if _, _, err := n.modules.open(announce.Module); !errors.Is(err, plugins.ErrNotFound) {
			t.Fatalf("with %d of %d chunks: %v", i, len(chunks), err)
		}
		submit(&chunks[i])
	}
	at := n.chain.Head().Height // which holds them all; the first node goes on meanwhile
	wait(t, "the second node", func() bool { return m.chain.Head().Height >= at })
	if b, err := m.chained(announce.Module); err != nil || !bytes.Equal(b, code) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	// By its hash from the first node, as a node does that validates.
	wait(t, "a connection", func() bool { return len(m.net.Peers()) > 0 })
	b, err := m.net.FetchSHA256(t.Context(), m.net.Peers(), announce.Module, plugins.MaxModule, nil)
	if err != nil || !bytes.Equal(b, code) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if b, err := n.modules.store.Get(announce.Module); err != nil || !bytes.Equal(b, code) {
		t.Errorf("what was served is not in the store: %d bytes, %v", len(b), err)
	}

	// Its chunks travel in snapshots.
	a, err := m.takeSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := joined.end(); err != nil {
		t.Fatal(err)
	}
	f, err := store.OpenPath(a.Snapshot.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	memory := func() *store.DB {
		db, err := store.Open("", store.Config{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	to := memory()
	if err := to.RestoreFile(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	if b, err := ledger.ReadModule(to, announce.Module, to.Blob); err != nil || !bytes.Equal(b, code) {
		t.Errorf("restored: %d bytes, %v", len(b), err)
	}
	// The same state without one of them has the same root.
	var writes []ledger.Write
	if err := to.Range(nil, func(k, v []byte) error { writes = append(writes, ledger.Write{Key: k, Value: v}); return nil }); err != nil {
		t.Fatal(err)
	}
	short := memory()
	s, err := short.Stage(0, writes)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chunks[1:] {
		if _, err := s.Keep(c.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Commit(); err != nil || short.Root() != to.Root() {
		t.Fatal(err)
	}
	files, err := store.OpenShelf(filepath.Join(t.TempDir(), "short"), 0)
	if err != nil {
		t.Fatal(err)
	}
	v := short.Snapshot()
	defer v.Close()
	if _, err := files.Put(t.Context(), v, store.ExportOptions{}); err != nil {
		t.Fatal(err)
	}
	bad, err := files.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	defer bad.Close()
	last := memory()
	if err := last.RestoreFile(t.Context(), bad, nil); !errors.Is(err, store.ErrSnapshot) || !last.Fresh() {
		t.Errorf("without a chunk: %v", err)
	}
}
