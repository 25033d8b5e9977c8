package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	randv2 "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/plexus-network/plexus/ledger"
)

// blockOf is the same random block for the same height, large enough now and
// then that memtables are flushed.
func blockOf(height uint64) []ledger.Write {
	r := rand.New(rand.NewSource(int64(height)))
	var w []ledger.Write
	for range 5 + r.Intn(30) {
		k := fmt.Sprint("key", r.Intn(200))
		if r.Intn(4) == 0 {
			w = append(w, del(k))
			continue
		}
		v := make([]byte, 1+r.Intn(300))
		if r.Intn(60) == 0 {
			v = make([]byte, 40_000)
		}
		r.Read(v)
		w = append(w, ledger.Write{Key: []byte(k), Value: v})
	}
	return w
}

// count is a number of cases that the long run raises.
func count(t *testing.T, env string, def int) int {
	t.Helper()
	text := os.Getenv(env)
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < def {
		t.Fatalf("%s=%q: want a number of at least %d", env, text, def)
	}
	return n
}

// TestCrashPoints takes a copy of the disk before every write operation, with
// nothing, half and all of what was not synced, and opens each: the height is
// the last acknowledged one or the next, the state has the right root, and the
// next block leads to the right one. STORE_TEST_CRASH_POINTS raises how many
// points there are at least, each of them three times.
func TestCrashPoints(t *testing.T) {
	points := count(t, "STORE_TEST_CRASH_POINTS", 60)
	total := 0
	for round := uint64(1); total < points; round++ {
		total += crashPoints(t, round)
	}
	t.Logf("%d crash points, each with 0, 50 and 100 %% of what was not synced", total)
}

// crashPoints plays heights with one seed, and returns the number of points.
func crashPoints(t *testing.T, seed uint64) int {
	const heights = 60
	// The roots, from a run without crashes.
	calm := mem(t)
	roots := map[uint64][32]byte{}
	for h := uint64(0); h < heights; h++ {
		roots[h] = commit(t, calm, h, blockOf(seed<<32+h)...)
	}

	type crash struct {
		disk  *vfs.MemFS
		acked int64 // -1 before the genesis
	}
	var mu sync.Mutex
	var crashes []crash
	acked := int64(-1)
	disk := vfs.NewCrashableMem()
	r := randv2.New(randv2.NewPCG(seed, 1))
	hook := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			for _, percent := range []int{0, 50, 100} {
				c := vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: r}
				crashes = append(crashes, crash{disk.CrashClone(c), acked})
			}
		}
		return nil
	})
	db, err := Open("chain", Config{fs: errorfs.Wrap(reuse{disk}, hook)})
	if err != nil {
		t.Fatal(err)
	}
	ns := db.Namespace("blocks")
	for h := uint64(0); h < heights; h++ {
		commit(t, db, h, blockOf(seed<<32+h)...)
		mu.Lock()
		acked = int64(h)
		mu.Unlock()
		if err := ns.Set([]byte{byte(h)}, []byte("not synced")); err != nil {
			t.Fatal(err)
		}
		if h%20 == 19 {
			if err := db.p.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	fresh, ahead := 0, 0
	for i, c := range crashes {
		db, err := Open("chain", Config{fs: c.disk})
		if err != nil {
			if c.acked < 0 { // the store itself was being made
				continue
			}
			t.Fatalf("crash %d after height %d: %v", i, c.acked, err)
		}
		if db.Fresh() {
			if c.acked >= 0 {
				t.Fatalf("crash %d: height %d was acknowledged and everything is gone", i, c.acked)
			}
			fresh++
		} else {
			h := db.Height()
			if int64(h) != c.acked && int64(h) != c.acked+1 {
				t.Fatalf("crash %d: height %d after %d was acknowledged", i, h, c.acked)
			}
			if int64(h) == c.acked+1 {
				ahead++
			}
			if db.Root() != roots[h] {
				t.Fatalf("crash %d: height %d has root %x, want %x", i, h, db.Root(), roots[h])
			}
			s := db.Snapshot()
			if err := s.Verify(); err != nil {
				t.Fatalf("crash %d: %v", i, err)
			}
			s.Close()
			// It goes on to the same roots.
			if h+1 < heights {
				if got := commit(t, db, h+1, blockOf(seed<<32+h+1)...); got != roots[h+1] {
					t.Fatalf("crash %d: height %d goes on to %x, want %x", i, h, got, roots[h+1])
				}
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d: %d crashes; %d before anything was committed, %d a height ahead of what was acknowledged", seed, len(crashes), fresh, ahead)
	if len(crashes) < 600 {
		t.Fatal("too few crash points")
	}
	return len(crashes) / 3
}

// reuse is a disk whose ReuseForWrite takes the lock of clones once at a time:
// that of Pebble takes it twice, one within the other, and stops for good when
// a clone is asked for in between.
type reuse struct{ *vfs.MemFS }

func (r reuse) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := r.Rename(from, to); err != nil {
		return nil, err
	}
	return r.OpenReadWrite(to, c)
}

// copyTree copies a directory.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBitFlips flips one bit in a copy of a store, 40 times over all its files
// (or STORE_TEST_BIT_FLIPS times), and opens it: either it refuses, or what it says is right. A flip that cuts
// off the end of the log may leave an earlier height, never a wrong root.
func TestBitFlips(t *testing.T) {
	const heights = 40
	flips := count(t, "STORE_TEST_BIT_FLIPS", 40)
	dir := filepath.Join(t.TempDir(), "chain")
	db, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	roots := map[uint64][32]byte{}
	for h := uint64(0); h < heights; h++ {
		roots[h] = commit(t, db, h, blockOf(h)...)
		if h == heights*3/4 {
			if err := errors.Join(db.p.Flush(), db.Compact(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewSource(7))
	refused, right, earlier := 0, 0, 0
	for i := 0; refused+right+earlier < flips; i++ {
		file := files[i%len(files)]
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == 0 {
			continue
		}
		at := r.Int63n(info.Size())
		copied := filepath.Join(t.TempDir(), fmt.Sprint("copy", i))
		copyTree(t, dir, copied)
		flip(t, filepath.Join(copied, filepath.Base(file)), at, byte(1)<<r.Intn(8))
		what := fmt.Sprintf("bit at %d of %d in %s", at, info.Size(), filepath.Base(file))

		height, err := readAll(copied, roots)
		if err := os.RemoveAll(copied); err != nil {
			t.Fatal(err)
		}
		switch {
		case errors.Is(err, errWrong):
			t.Errorf("%s: %v", what, err)
			right++
		case err != nil:
			refused++
			if strings.HasSuffix(file, ".sst") && !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s: %v, want ErrCorrupt", what, err)
			}
		case height == heights-1:
			right++
		default:
			earlier++
		}
	}
	t.Logf("%d refused, %d read right, %d at an earlier height with its right root", refused, right, earlier)
	if refused < flips/5 {
		t.Error("the flips hit nothing that matters")
	}
}

var errWrong = errors.New("wrong and not noticed")

// readAll opens a damaged store and reads it all. The state is checked against
// the root, as a node checks its store's root against the chain.
func readAll(dir string, roots map[uint64][32]byte) (uint64, error) {
	db, err := Open(dir, Config{})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if db.Fresh() {
		return 0, fmt.Errorf("%w: it is empty", ErrCorrupt)
	}
	h := db.Height()
	if db.Root() != roots[h] {
		return h, fmt.Errorf("%w: height %d has root %x", errWrong, h, db.Root())
	}
	s := db.Snapshot()
	defer s.Close()
	var values [][2][]byte
	if err := s.Range(nil, func(k, v []byte) error { values = append(values, [2][]byte{k, v}); return nil }); err != nil {
		return h, err
	}
	for _, kv := range values {
		p, err := s.Prove(kv[0])
		if err != nil {
			return h, err
		}
		if err := Verify(s.Root(), kv[0], kv[1], p); err != nil {
			return h, fmt.Errorf("%w: key %s: %v", errWrong, kv[0], err)
		}
	}
	if err := s.Verify(); err != nil {
		return h, fmt.Errorf("%w: %v", errWrong, err)
	}
	return h, nil
}

func flip(t *testing.T, file string, at int64, mask byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	b[0] ^= mask
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
}

// TestFailedSyncStops: after an error of the disk a commit is never said to be
// done.
func TestFailedSyncStops(t *testing.T) {
	for at := 1; at < 12; at++ {
		disk := vfs.NewCrashableMem()
		syncs, armed := 0, false
		var mu sync.Mutex
		hook := errorfs.InjectorFunc(func(op errorfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if k := op.Kind; armed && (k == errorfs.OpFileSync || k == errorfs.OpFileSyncData || k == errorfs.OpFileSyncTo) {
				if syncs++; syncs >= at {
					return errorfs.ErrInjected
				}
			}
			return nil
		})
		said := make(chan error, 1)
		db, err := Open("chain", Config{fs: errorfs.Wrap(disk, hook), Fatal: func(err error) {
			select {
			case said <- err:
			default:
			}
			select {} // the node would end here
		}})
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		armed = true
		mu.Unlock()
		done := make(chan uint64, 100)
		failed := make(chan error, 1)
		go func() {
			for h := uint64(0); ; h++ {
				s, err := db.Stage(h, blockOf(h))
				if err == nil {
					err = s.Commit()
				}
				if err != nil {
					failed <- err
					return
				}
				done <- h
			}
		}()
		select {
		case <-said:
		case <-failed:
		}
		last := int64(-1)
		for len(done) > 0 {
			last = int64(<-done)
		}
		after, err := Open("chain", Config{fs: disk.CrashClone(vfs.CrashCloneCfg{})})
		if err != nil {
			t.Fatal(err)
		}
		if after.Fresh() && last >= 0 || !after.Fresh() && int64(after.Height()) < last {
			t.Fatalf("height %d was acknowledged, the disk has %d", last, after.Height())
		}
		after.Close()
	}
}

// TestNamespaces drives a namespace and a map with the same random operations,
// with neighbours on both sides that must not be touched.
func TestNamespaces(t *testing.T) {
	db := mem(t)
	commit(t, db, 0, put("k", "state"))
	for _, n := range []string{"a", "bb", "c", "b0"} {
		for i := range 50 {
			if err := db.Namespace(n).Set([]byte{byte(i), 1}, []byte(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	ns := db.Namespace("b")
	model := map[string]string{}
	r := rand.New(rand.NewSource(1))
	key := func() []byte {
		k := make([]byte, 1+r.Intn(3))
		for i := range k {
			k[i] = []byte{0, 1, 0x7f, 0xfe, 0xff}[r.Intn(5)]
		}
		return k
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 6000 {
		k, v := key(), make([]byte, r.Intn(4))
		r.Read(v)
		switch r.Intn(6) {
		case 0:
			ok(ns.Set(k, v))
			model[string(k)] = string(v)
		case 1:
			ok(ns.SetSync(k, v))
			model[string(k)] = string(v)
		case 2:
			ok(ns.Delete(k))
			delete(model, string(k))
		case 3:
			b := ns.NewBatch()
			k2 := append(bytes.Clone(k), 1)
			ok(b.Set(k, v))
			ok(b.Delete(k2))
			if r.Intn(4) == 0 {
				ok(b.Close())
			} else {
				ok(b.WriteSync())
				model[string(k)] = string(v)
				delete(model, string(k2))
			}
			if b.Set(k, v) != ErrDiscarded || b.Delete(k) != ErrDiscarded || b.Write() != ErrDiscarded || b.Size() != 0 {
				t.Fatal("a finished batch takes more")
			}
			ok(b.Close())
		case 4:
			got, err := ns.Get(k)
			ok(err)
			want, there := model[string(k)]
			if has, _ := ns.Has(k); has != there || (got != nil) != there || string(got) != want {
				t.Fatalf("get %x: %x, want %x %v", k, got, want, there)
			}
		case 5:
			var start, end []byte
			if r.Intn(3) > 0 {
				start = key()
			}
			if r.Intn(3) > 0 {
				end = key()
			}
			reverse := r.Intn(2) == 0
			it, err := ns.Iterator(start, end, reverse)
			ok(err)
			last, seen := []byte(nil), 0
			for ; it.Valid(); it.Next() {
				k, v := it.Key(), it.Value()
				if want, there := model[string(k)]; !there || want != string(v) {
					t.Fatalf("iterator has %x=%x, want %x", k, v, want)
				}
				if last != nil && (bytes.Compare(last, k) < 0) == reverse {
					t.Fatal("out of order")
				}
				last = k
				seen++
			}
			ok(it.Error())
			ok(it.Close())
			ok(it.Close())
			want := 0
			for k := range model {
				if (start == nil || k >= string(start)) && (end == nil || k < string(end)) {
					want++
				}
			}
			if seen != want {
				t.Fatalf("iterator %x..%x has %d keys, want %d", start, end, seen, want)
			}
		}
	}
	for _, err := range []error{ns.Set(nil, []byte{1}), ns.Set([]byte{}, []byte{1}), ns.Delete(nil), ns.DeleteSync(nil), ns.NewBatch().Set(nil, nil), ns.NewBatch().Delete(nil)} {
		if err != ErrKeyEmpty {
			t.Fatal(err)
		}
	}
	if _, err := ns.Iterator([]byte{}, nil, false); err != ErrKeyEmpty {
		t.Fatal(err)
	}
	if err := ns.Set([]byte{1}, nil); err != ErrValueNil {
		t.Fatal(err)
	}
	if got := dump(t, db, ""); got != "k=state " {
		t.Fatalf("the state has %q", got)
	}
	for _, n := range []string{"", "a/b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("namespace %q is accepted", n)
				}
			}()
			db.Namespace(n)
		}()
	}
}
