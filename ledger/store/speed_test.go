package store

import (
	"encoding/binary"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

// speedKey has 24 bytes, as most of the ledger's keys have about.
func speedKey(i int) []byte {
	k := make([]byte, 24)
	binary.BigEndian.PutUint64(k, uint64(i)*0x9e3779b97f4a7c15) // spread over the space
	binary.BigEndian.PutUint64(k[16:], uint64(i))
	return k
}

// fill commits keys in blocks of 50,000 writes with values of 48 bytes.
func fill(t testing.TB, db *DB, keys int) {
	t.Helper()
	r := rand.New(rand.NewSource(1))
	for h, at := uint64(0), 0; at < keys; h++ {
		var w []ledger.Write
		for ; len(w) < 50_000 && at < keys; at++ {
			v := make([]byte, 48)
			r.Read(v)
			w = append(w, ledger.Write{Key: speedKey(at), Value: v})
		}
		commit(t, db, h, w...)
	}
}

// TestMany exports and restores a state of many keys, 20,000 or
// STORE_TEST_KEYS, and measures updates, proofs and the restore. With a million
// keys the restore must take less than a minute; the means of updates and
// proofs are said and not judged, since they depend on what else runs.
func TestMany(t *testing.T) {
	keys := count(t, "STORE_TEST_KEYS", 20_000)
	dir := t.TempDir()
	db, err := Open(filepath.Join(dir, "from"), Config{CacheBytes: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	fill(t, db, keys)

	const blocks, perBlock = 5, 10_000
	r := rand.New(rand.NewSource(2))
	began := time.Now()
	for range blocks {
		var w []ledger.Write
		for range perBlock {
			v := make([]byte, 48)
			r.Read(v)
			w = append(w, ledger.Write{Key: speedKey(r.Intn(keys)), Value: v})
		}
		commit(t, db, db.Height()+1, w...)
	}
	t.Logf("%d keys: %v an update, in blocks of %d, synced", keys, time.Since(began)/(blocks*perBlock), perBlock)

	s := db.Snapshot()
	defer s.Close()
	const proofs = 5_000
	began = time.Now()
	bytes := 0
	for range proofs {
		p, err := s.Prove(speedKey(r.Intn(keys)))
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(p.Path) * 32
	}
	t.Logf("%v a proof, %d bytes of siblings", time.Since(began)/proofs, bytes/proofs)

	file := filepath.Join(dir, "snapshot")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	began = time.Now()
	m, err := s.Export(t.Context(), f, ExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("export: %v, %d chunks, %d bytes", time.Since(began).Round(time.Millisecond), len(m.Chunks), info.Size())
	to, err := Open(filepath.Join(dir, "to"), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	began = time.Now()
	open, err := OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	if err := to.RestoreFile(t.Context(), open, nil); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("restore: %v", took.Round(time.Millisecond))
	if to.Root() != db.Root() || m.Keys != uint64(keys) {
		t.Fatalf("%d keys with root %x, want %d with %x", m.Keys, to.Root(), keys, db.Root())
	}
	if keys <= 1_000_000 && took > time.Minute {
		t.Errorf("the restore of %d keys took %v, want less than a minute", keys, took)
	}
}
