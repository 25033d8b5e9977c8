package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/plexus-network/plexus/ledger"
)

var testChain = [32]byte{0xc4}

// sample commits some heights of random writes and blobs to a store.
func sample(t testing.TB, heights uint64) *DB {
	t.Helper()
	db := mem(t)
	for h := uint64(0); h < heights; h++ {
		s, err := db.Stage(h, blockOf(h))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Keep(bytes.Repeat([]byte{byte(h + 1)}, 1+int(h)*1000)); err != nil {
			t.Fatal(err)
		}
		if h == heights-1 { // larger than a chunk
			if _, err := s.Keep(bytes.Repeat([]byte{0xff}, MaxChunk*5/2)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func export(t testing.TB, db *DB, extra []byte) ([]byte, Manifest) {
	t.Helper()
	s := db.Snapshot()
	defer s.Close()
	var b bytes.Buffer
	m, err := s.Export(t.Context(), &b, ExportOptions{Chain: testChain, Extra: extra})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m
}

func openBytes(b []byte) (*File, error) { return OpenFile(bytes.NewReader(b), int64(len(b))) }

// content is everything a view holds, by reading it.
func content(t testing.TB, db *DB) string {
	t.Helper()
	s := db.Snapshot()
	defer s.Close()
	if err := s.Verify(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %x ", s.Height(), s.Root())
	err := errors.Join(s.Range(nil, func(k, v []byte) error { fmt.Fprintf(&b, "%s=%x ", k, v); return nil }),
		s.RangeBlobs(func(h [32]byte, v []byte) error { fmt.Fprintf(&b, "%x:%d ", h, len(v)); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExportAndRestore(t *testing.T) {
	db := sample(t, 30)
	raw, m := export(t, db, []byte("beside"))
	if again, _ := export(t, db, []byte("beside")); !bytes.Equal(raw, again) {
		t.Fatal("two exports of one state differ")
	}
	// Another way to the same state gives the same chunks.
	other := mem(t)
	for h := uint64(0); h < 29; h++ {
		commit(t, other, h, put("passing", fmt.Sprint(h)))
	}
	var all []ledger.Write
	if err := db.Range(nil, func(k, v []byte) error { all = append(all, ledger.Write{Key: k, Value: v}); return nil }); err != nil {
		t.Fatal(err)
	}
	s, err := other.Stage(29, append(all, del("passing")))
	if err != nil {
		t.Fatal(err)
	}
	view := db.Snapshot()
	if err := view.RangeBlobs(func(_ [32]byte, b []byte) error { _, err := s.Keep(b); return err }); err != nil {
		t.Fatal(err)
	}
	view.Close()
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, om := export(t, other, nil); om.Hash() != m.Hash() {
		t.Fatal("the same state by another history has another manifest")
	}

	f, err := openBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(f.Manifest, m) || string(f.Extra) != "beside" || len(m.Chunks) < 4 || m.Height != 29 || m.Root != db.Root() {
		t.Fatalf("read %+v with %q, wrote %+v", f.Manifest, f.Extra, m)
	}
	for i, c := range m.Chunks {
		if c.Size > MaxChunk {
			t.Errorf("chunk %d has %d bytes", i, c.Size)
		}
	}
	if err := f.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "chain")
	to, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, to, 0, put("genesis", "of the same chain"))
	told := map[string]uint64{}
	if err := to.RestoreFile(t.Context(), f, func(what string, done, total uint64) {
		if done < told[what] || done > total {
			t.Errorf("%s: %d of %d after %d", what, done, total, told[what])
		}
		told[what] = done
	}); err != nil {
		t.Fatal(err)
	}
	if told["reading"] != uint64(len(m.Chunks)) || told["hashing"] != m.Keys {
		t.Errorf("progress ended at %v", told)
	}
	want := content(t, db)
	if got := content(t, to); got != want {
		t.Fatalf("restored\n%.200s\nwant\n%.200s", got, want)
	}
	// Tree pages are the very same, so it goes on to the same roots.
	if a, b := commit(t, to, 30, blockOf(30)...), commit(t, db, 30, blockOf(30)...); a != b {
		t.Fatalf("the next block gives %x, want %x", a, b)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if to, err = Open(dir, Config{}); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, to), content(t, db); got != want {
		t.Fatal("after opening it again the content is another")
	}
	if _, err := to.Restore(m); !errors.Is(err, ErrNotEmpty) {
		t.Fatalf("over a chain: %v", err)
	}
	if err := to.Namespace("n").Set([]byte("k"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := to.Reset(); err != nil {
		t.Fatal(err)
	}
	if v, err := to.Namespace("n").Get([]byte("k")); v != nil || err != nil || !to.Fresh() {
		t.Fatalf("after a reset: %q %v", v, err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
}

// The same for states of few keys, whose trees have no page, or one.
func TestRestoreSmall(t *testing.T) {
	for n := range 20 {
		db := mem(t)
		var w []ledger.Write
		for i := range n {
			w = append(w, put(fmt.Sprint("k", i), "v"))
		}
		commit(t, db, 0, w...)
		raw, _ := export(t, db, nil)
		f, err := openBytes(raw)
		if err != nil {
			t.Fatal(err)
		}
		to := mem(t)
		if err := to.RestoreFile(t.Context(), f, nil); err != nil {
			t.Fatalf("%d keys: %v", n, err)
		}
		if got, want := content(t, to), content(t, db); got != want {
			t.Fatalf("%d keys: %s, want %s", n, got, want)
		}
	}
	fresh := mem(t)
	s := fresh.Snapshot()
	defer s.Close()
	if _, err := s.Export(t.Context(), &bytes.Buffer{}, ExportOptions{}); err == nil {
		t.Fatal("a store that never committed is exported")
	}
}

// TestSnapshotDamage flips bits all over a file and cuts it everywhere: each
// damage has a named error, and the store stays empty.
func TestSnapshotDamage(t *testing.T) {
	db := mem(t)
	commit(t, db, 0, blockOf(0)...)
	for h := uint64(1); h < 4; h++ {
		commit(t, db, h, blockOf(h)...)
	}
	raw, m := export(t, db, []byte("beside"))
	try := func(b []byte) error {
		f, err := openBytes(b)
		if err != nil {
			return err
		}
		if !bytes.Equal(f.Extra, []byte("beside")) || f.Manifest.Hash() != m.Hash() {
			return errors.New("other content was read and not noticed")
		}
		to := mem(t)
		err = to.RestoreFile(t.Context(), f, nil)
		if err != nil && (!to.Fresh() || content(t, to) != content(t, mem(t))) {
			t.Error("the store is not empty after a failed restore")
		}
		return err
	}
	r := rand.New(rand.NewSource(3))
	for i := range 300 {
		at := r.Intn(len(raw))
		if i < len(opening) {
			at = i
		} else if i < 120 {
			at = len(raw) - 1 - (i - len(opening))
		}
		b := bytes.Clone(raw)
		b[at] ^= 1 << r.Intn(8)
		if err := try(b); !errors.Is(err, ErrSnapshot) && !errors.Is(err, ErrFormat) {
			t.Fatalf("bit flipped at %d of %d: %v", at, len(raw), err)
		}
	}
	for i := range 100 {
		n := r.Intn(len(raw))
		if i < 50 {
			n = len(raw) - 1 - i
		}
		if err := try(raw[:n]); !errors.Is(err, ErrSnapshot) {
			t.Fatalf("cut at %d of %d: %v", n, len(raw), err)
		}
	}
	if err := try(append(bytes.Clone(raw), 0)); !errors.Is(err, ErrSnapshot) {
		t.Fatalf("longer: %v", err)
	}
	later := bytes.Clone(raw)
	later[len(opening)-1]++
	if err := try(later); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "version 2") || !strings.Contains(err.Error(), "reads 1") {
		t.Fatalf("a later version: %v", err)
	}
}

// chunksOf makes a manifest and chunks of items that need not be honest.
func chunksOf(root [32]byte, items ...part) (Manifest, [][]byte) {
	m := Manifest{Chain: testChain, Height: 3, Root: root}
	var chunks [][]byte
	c := cutter{emit: func(b []byte) error {
		m.Chunks = append(m.Chunks, ChunkInfo{uint32(len(b)), hashChunk(b)})
		chunks = append(chunks, b)
		return nil
	}}
	for _, p := range items {
		c.parts = p.append(c.parts)
		c.count++
		m.Bytes += uint64(len(p.data))
		if p.kind == partBlob {
			m.Blobs++
		} else {
			m.Keys++
			m.Bytes += uint64(len(p.key))
		}
	}
	c.flush()
	return m, chunks
}

// TestLyingSnapshots: consistent hashes do not make a snapshot true.
func TestLyingSnapshots(t *testing.T) {
	honest := mem(t)
	root := commit(t, honest, 0, put("a", "1"), put("b", "2"))
	value := func(k, v string) part { return part{kind: partValue, key: []byte(k), data: []byte(v)} }
	blob := func(key byte) part {
		return part{kind: partBlob, key: bytes.Repeat([]byte{key}, 32), data: []byte("x")}
	}
	cut := value("a", "1")
	cut.more = true
	for name, items := range map[string][]part{
		"another value": {value("a", "1"), value("b", "3")},
		"a key less":    {value("a", "1")},
		"a key more":    {value("a", "1"), value("b", "2"), value("c", "3")},
		"disorder":      {value("b", "2"), value("a", "1")},
		"a key twice":   {value("a", "1"), value("a", "1"), value("b", "2")},
		"a false blob":  {value("a", "1"), value("b", "2"), blob(1)},
		"no end":        {cut},
	} {
		m, chunks := chunksOf(root, items...)
		to := mem(t)
		commit(t, to, 0, put("genesis", "1"))
		r, err := to.Restore(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range chunks {
			if err = r.Chunk(c); err != nil {
				err = errors.Join(err, r.Abort())
				break
			}
		}
		if err == nil {
			if v, err := to.Get([]byte("a")); v != nil || err != nil {
				t.Errorf("%s: an unverified value is read: %q %v", name, v, err)
			}
			err = r.Finish(t.Context(), nil)
		}
		if !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
		if !to.Fresh() {
			t.Errorf("%s: the store is not empty", name)
		}
		commit(t, to, 0, put("genesis", "1")) // and can begin again
	}
	// A chunk too few, a wrong one, a wrong total.
	m, chunks := chunksOf(root, value("a", "1"), value("b", "2"))
	to := mem(t)
	r, err := to.Restore(m)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := to.Restore(m); err == nil {
		t.Error("two restores at once")
	}
	if _, err := to.Stage(0, nil); !errors.Is(err, ErrHeight) {
		t.Errorf("a block while a restore is under way: %v", err)
	}
	if err := r.Chunk(append(bytes.Clone(chunks[0]), 0)); !errors.Is(err, ErrSnapshot) || r.Next() != 0 {
		t.Errorf("a wrong chunk: %v", err)
	}
	if err := r.Finish(t.Context(), nil); !errors.Is(err, ErrSnapshot) {
		t.Errorf("a chunk too few: %v", err)
	}
	if err := r.Chunk(chunks[0]); !errors.Is(err, ErrDiscarded) {
		t.Errorf("after the end: %v", err)
	}
	m.Keys++
	if r, err = to.Restore(m); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Chunk(chunks[0]), r.Finish(t.Context(), nil)); !errors.Is(err, ErrSnapshot) {
		t.Errorf("a wrong total: %v", err)
	}
	m.Keys--
	if r, err = to.Restore(m); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := errors.Join(r.Chunk(chunks[0]), r.Finish(ctx, nil)); !errors.Is(err, context.Canceled) || !to.Fresh() {
		t.Errorf("cancelled: %v", err)
	}
}

// A restore that a crash ended is forgotten at the next opening.
func TestRestoreInterrupted(t *testing.T) {
	db := sample(t, 5)
	raw, _ := export(t, db, nil)
	f, err := openBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "chain")
	to, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := to.Restore(f.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Chunk(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.Chunk(b), r.write(0), to.p.Flush(), r.b.Close()); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if to, err = Open(dir, Config{}); err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	it, err := to.p.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceMeta + 1}})
	if err != nil {
		t.Fatal(err)
	}
	if it.First() || !to.Fresh() {
		t.Errorf("left over: %x", it.Key())
	}
	it.Close()
	if err := to.RestoreFile(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	if to.Root() != db.Root() {
		t.Fatal("another root")
	}
}

func TestBlobs(t *testing.T) {
	db := mem(t)
	s, err := db.Stage(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := s.Keep([]byte("module"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Keep(nil); !errors.Is(err, ErrBounds) {
		t.Errorf("an empty blob: %v", err)
	}
	if _, err := s.Keep(make([]byte, MaxBlob+1)); !errors.Is(err, ErrBounds) {
		t.Errorf("a large blob: %v", err)
	}
	root := s.Root()
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Keep([]byte("late")); !errors.Is(err, ErrDiscarded) {
		t.Errorf("kept after the end: %v", err)
	}
	if root != ([32]byte{}) {
		t.Error("a blob is under the root")
	}
	before := db.Snapshot()
	defer before.Close()
	if s, err = db.Stage(1, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Forget(hash), s.Forget([32]byte{9}), s.Commit()); err != nil {
		t.Fatal(err)
	}
	if b, err := db.Blob(hash); b != nil || err != nil {
		t.Errorf("forgotten: %q %v", b, err)
	}
	if b, err := before.Blob(hash); string(b) != "module" || err != nil {
		t.Errorf("in the view before: %q %v", b, err)
	}
	if err := db.p.Set(blobKey(hash), []byte("other"), pebble.NoSync); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Blob(hash); !errors.Is(err, ErrCorrupt) {
		t.Errorf("other bytes: %v", err)
	}
	after := db.Snapshot()
	defer after.Close()
	if err := after.RangeBlobs(func([32]byte, []byte) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("other bytes, all: %v", err)
	}
}
