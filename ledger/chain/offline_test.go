package chain

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/ledger/store"
)

// A stopped node's snapshot, restored into an empty home, goes on as a full node
// of the same network.
func TestRestoreSnapshot(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 2)
	homes := []string{t.TempDir(), t.TempDir()}
	a, b := net.launch(t, homes[0], 0), net.launch(t, homes[1], 1)
	greet(t, a, b)
	full := net.launch(t, filepath.Join(t.TempDir(), "full"), -1)
	greet(t, full, a)
	full.reach(t, 6)
	if err := full.shut(t); err != nil {
		t.Fatal(err)
	}
	home := full.cfg.Home
	db, err := store.Open(home+"/chain", store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	extra, err := Record(db)
	if err != nil {
		t.Fatal(err)
	}
	files := newShelf(t, 0)
	v := db.Snapshot()
	m, err := files.Put(t.Context(), v, store.ExportOptions{Chain: net.genesis.Hash(), Extra: extra})
	v.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := files.Open(m.Height)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	// What does not fit is refused, and leaves the store empty.
	other := newTestnet(t, 1)
	other.genesis.ChainID = "other"
	if err := RestoreSnapshot(t.Context(), memory(t), other.genesis, f, nil, nil); !errors.Is(err, ErrOtherGenesis) {
		t.Errorf("another genesis: %v", err)
	}
	if err := RestoreSnapshot(t.Context(), memory(t), net.genesis, f, &Anchor{Height: m.Height}, nil); !errors.Is(err, ErrVerify) {
		t.Errorf("another block is trusted: %v", err)
	}
	bare := *f
	bare.Extra = nil
	if err := RestoreSnapshot(t.Context(), memory(t), net.genesis, &bare, nil, nil); !errors.Is(err, ErrVerify) {
		t.Errorf("without the record of consensus: %v", err)
	}
	forged, err := decodeRecord(extra)
	if err != nil {
		t.Fatal(err)
	}
	for i := range forged.commit.Signatures {
		forged.commit.Signatures[i].Signature = make([]byte, 64)
	}
	if bare.Extra, err = forged.encode(); err != nil {
		t.Fatal(err)
	}
	to := memory(t)
	if err := RestoreSnapshot(t.Context(), to, net.genesis, &bare, nil, nil); !errors.Is(err, ErrVerify) || !to.Fresh() {
		t.Errorf("without votes: %v", err)
	}

	home = t.TempDir()
	if db, err = store.Open(home+"/chain", store.Config{}); err != nil {
		t.Fatal(err)
	}
	hash := [32]byte(forged.state.LastBlockID.Hash)
	if err := RestoreSnapshot(t.Context(), db, net.genesis, f, &Anchor{Height: m.Height, Hash: hash}, nil); err != nil {
		t.Fatal(err)
	}
	if err := RestoreSnapshot(t.Context(), db, net.genesis, f, nil, nil); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("twice: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	back := net.launch(t, home, -1)
	if h := back.Head(); h.Height != m.Height || h.Root != m.Root {
		t.Fatalf("head %+v, want height %d", h, m.Height)
	}
	greet(t, back, b)
	top := b.Head().Height + 3
	back.reach(t, top)
	b.reach(t, top)
	if back.root(t, top-1) != b.root(t, top-1) {
		t.Fatal("another root")
	}
	if base := back.Base(); base != m.Height+1 {
		t.Errorf("blocks from %d on, want %d", base, m.Height+1)
	}
	// And once more over a restart.
	if err := back.shut(t); err != nil {
		t.Fatal(err)
	}
	net.launch(t, home, -1)
}

// A state without consensus, as a cut restore leaves it, is named.
func TestCutRestore(t *testing.T) {
	net := newTestnet(t, 1)
	home := t.TempDir()
	db, err := store.Open(filepath.Join(home, "chain"), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for h := range uint64(2) {
		s, err := db.Stage(h, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	h := newHost(t)
	defer h.Close()
	_, err = Open(t.Context(), Config{Home: home, DB: db, Genesis: net.genesis, Host: h})
	if !errors.Is(err, ErrBroken) || !bytes.Contains([]byte(err.Error()), []byte("statesync.enable")) {
		t.Errorf("cut short: %v", err)
	}
	// With a state sync it begins again.
	n, err := Open(t.Context(), Config{Home: home, DB: db, Genesis: net.genesis, Host: h, StateSync: &StateSync{Ask: (&Node{}).Answer}})
	if err != nil {
		t.Fatal(err)
	}
	if !db.Fresh() || n.Head().Height != 0 {
		t.Errorf("height %d is left", db.Height())
	}
	if err := errors.Join(n.Close(), db.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home); err != nil {
		t.Fatal(err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add([]byte{0x83, 1, 0x40, 0x40})
	f.Add([]byte{0x83, 1, 0x42, 0x12, 0x00, 0x42, 0x08, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			if !errors.Is(err, ErrVerify) {
				t.Fatal(err)
			}
			return
		}
		if _, err := r.encode(); err != nil {
			t.Fatal(err)
		}
	})
}
