package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/plexus-network/plexus/ledger"
)

func mem(t testing.TB) *DB {
	t.Helper()
	db, err := Open("", Config{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func put(k, v string) ledger.Write { return ledger.Write{Key: []byte(k), Value: []byte(v)} }
func del(k string) ledger.Write    { return ledger.Write{Key: []byte(k)} }

func commit(t testing.TB, db *DB, height uint64, writes ...ledger.Write) [32]byte {
	t.Helper()
	s, err := db.Stage(height, writes)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(); err != nil {
		t.Fatal(err)
	}
	return s.Root()
}

func dump(t testing.TB, r ledger.Ranger, prefix string) string {
	t.Helper()
	var b bytes.Buffer
	err := r.Range([]byte(prefix), func(k, v []byte) error {
		fmt.Fprintf(&b, "%s=%s ", k, v)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCommitAndRead(t *testing.T) {
	db := mem(t)
	if !db.Fresh() || db.Height() != 0 || db.Root() != ([32]byte{}) {
		t.Fatal("a new store is not empty")
	}
	root := commit(t, db, 0, put("a/1", "x"), put("a/2", "y"), put("b", "z"))
	if db.Fresh() || db.Height() != 0 || db.Root() != root || root == ([32]byte{}) {
		t.Fatalf("after genesis: %d %x", db.Height(), db.Root())
	}
	commit(t, db, 1, put("a/2", "Y"), del("b"), put("a/3", "w"), del("absent"))
	if v, err := db.Get([]byte("a/2")); err != nil || string(v) != "Y" {
		t.Fatalf("a/2: %q %v", v, err)
	}
	if v, err := db.Get([]byte("b")); err != nil || v != nil {
		t.Fatalf("b: %q %v", v, err)
	}
	if got := dump(t, db, "a/"); got != "a/1=x a/2=Y a/3=w " {
		t.Fatal(got)
	}
	if got := dump(t, db, ""); got != "a/1=x a/2=Y a/3=w " {
		t.Fatal(got)
	}
	stop := errors.New("stop")
	if err := db.Range(nil, func(_, _ []byte) error { return stop }); err != stop {
		t.Fatal(err)
	}
	// Emptied, the root is that of an empty tree.
	if root := commit(t, db, 2, del("a/1"), del("a/2"), del("a/3")); root != ([32]byte{}) {
		t.Fatalf("%x", root)
	}
}

// TestRootIsOfTheContent: the root does not depend on how a state came about.
func TestRootIsOfTheContent(t *testing.T) {
	a, b := mem(t), mem(t)
	ra := commit(t, a, 0, put("k1", "1"), put("k2", "2"), put("k3", "3"))
	commit(t, b, 0, put("k3", "old"), put("k9", "9"), put("k1", "1"))
	rb := commit(t, b, 1, put("k2", "x"), del("k9"), put("k3", "3"), put("k2", "2"))
	if ra != rb {
		t.Fatalf("%x %x", ra, rb)
	}
}

func TestStageRules(t *testing.T) {
	db := mem(t)
	long := string(make([]byte, MaxKey+1))
	for _, c := range []struct {
		name   string
		height uint64
		w      []ledger.Write
		want   error
	}{
		{"a gap", 2, nil, ErrHeight},
		{"empty key", 0, []ledger.Write{{Value: []byte{1}}}, ErrBounds},
		{"long key", 0, []ledger.Write{put(long, "x")}, ErrBounds},
		{"empty value", 0, []ledger.Write{put("k", "")}, ErrBounds},
		{"long value", 0, []ledger.Write{put("k", string(make([]byte, MaxValue+1)))}, ErrBounds},
	} {
		if _, err := db.Stage(c.height, c.w); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	first := commit(t, db, 0, put("a", "1"), put("b", "2"))
	// The genesis may be staged again, and then it is the whole state.
	if again := commit(t, db, 0, put("b", "2"), put("a", "1")); again != first {
		t.Fatalf("%x, then %x", first, again)
	}
	other := commit(t, db, 0, put("c", "3"))
	if got := dump(t, db, ""); got != "c=3 " || other == first {
		t.Fatalf("%q %x", got, other)
	}
	one, err := db.Stage(1, []ledger.Write{put("d", "4")})
	if err != nil {
		t.Fatal(err)
	}
	two, err := db.Stage(1, []ledger.Write{put("d", "5")})
	if err != nil {
		t.Fatal(err)
	}
	if one.Root() == two.Root() || db.Height() != 0 {
		t.Fatal("staging changes the store")
	}
	if err := two.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := one.Commit(); !errors.Is(err, ErrHeight) {
		t.Fatalf("a stale commit: %v", err)
	}
	if err := two.Commit(); !errors.Is(err, ErrDiscarded) {
		t.Fatalf("a second commit: %v", err)
	}
	if _, err := db.Stage(0, nil); !errors.Is(err, ErrHeight) {
		t.Fatalf("genesis after block 1: %v", err)
	}
	if got := dump(t, db, ""); got != "c=3 d=5 " {
		t.Fatal(got)
	}
	three, err := db.Stage(2, []ledger.Write{put("e", "6")})
	if err != nil {
		t.Fatal(err)
	}
	three.Discard()
	three.Discard()
	if got := dump(t, db, "e"); got != "" || db.Height() != 1 {
		t.Fatal("a discarded state is there")
	}
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "chain")
	r := rand.New(rand.NewSource(1))
	var root [32]byte
	for height := uint64(0); height < 8; height++ {
		db, err := Open(dir, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if height > 0 && (db.Height() != height-1 || db.Root() != root || db.Fresh()) {
			t.Fatalf("height %d root %x, want %d %x", db.Height(), db.Root(), height-1, root)
		}
		var w []ledger.Write
		for range r.Intn(40) {
			k := fmt.Sprint("k", r.Intn(60))
			if r.Intn(4) == 0 {
				w = append(w, del(k))
			} else {
				w = append(w, put(k, fmt.Sprint("v", r.Intn(1000))))
			}
		}
		root = commit(t, db, height, w...)
		s := db.Snapshot()
		if err := s.Verify(); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLocked opens a store that another process has open: this test's binary
// started once more, which holds it until its standard input ends.
func TestLocked(t *testing.T) {
	if dir := os.Getenv("STORE_TEST_HOLD"); dir != "" {
		db, err := Open(dir, Config{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("open")
		os.Stdin.Read(make([]byte, 1))
		db.Close()
		os.Exit(0)
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestLocked$")
	cmd.Env = append(os.Environ(), "STORE_TEST_HOLD="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, _ := out.Read(line)
	if string(line[:n]) != "open\n" {
		t.Fatalf("the other process says %q", line[:n])
	}
	_, err = Open(dir, Config{})
	if !errors.Is(err, ErrLocked) || !bytes.Contains([]byte(fmt.Sprint(err)), []byte(dir)) {
		t.Errorf("locked by another process: %v", err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Config{}); !errors.Is(err, ErrLocked) {
		t.Errorf("locked by this process: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestFormat(t *testing.T) {
	write := func(t *testing.T, k, v []byte) string {
		dir := t.TempDir()
		p, err := pebble.Open(dir, &pebble.Options{FormatMajorVersion: pebble.FormatWALSyncChunks, Logger: logger{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.Set(k, v, pebble.Sync), p.Close()); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for _, version := range []byte{formatVersion - 1, formatVersion + 1} {
		_, err := Open(write(t, keyFormat, []byte{version}), Config{})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), fmt.Sprint("format ", version)) || !strings.Contains(err.Error(), fmt.Sprint("format ", formatVersion)) {
			t.Errorf("format %d: %v", version, err)
		}
	}
	if _, err := Open(write(t, keyFormat, []byte{formatVersion, 0}), Config{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a longer format record: %v", err)
	}
	if _, err := Open(write(t, []byte("x"), []byte("y")), Config{}); !errors.Is(err, ErrFormat) {
		t.Errorf("somebody else's database: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Config{}); err == nil {
		t.Error("a file is opened as a directory")
	}
	if _, err := Open(t.TempDir(), Config{CacheBytes: -1}); err == nil {
		t.Error("a negative cache is accepted")
	}
}

// TestSnapshotsStandStill reads old heights from several goroutines while new
// ones are committed.
func TestSnapshotsStandStill(t *testing.T) {
	db := mem(t)
	state := func(h uint64) (w []ledger.Write) {
		for i := range 30 {
			w = append(w, put(fmt.Sprint("k", i), fmt.Sprint(h, "-", i)))
		}
		return w
	}
	commit(t, db, 0, state(0)...)
	var wait sync.WaitGroup
	errs := make(chan error, 64)
	for h := uint64(1); h < 30; h++ {
		s := db.Snapshot()
		wait.Add(1)
		go func() {
			defer wait.Done()
			defer s.Close()
			for i := range 30 {
				k := []byte(fmt.Sprint("k", i))
				v, err := s.Get(k)
				if err == nil && string(v) != fmt.Sprint(s.Height(), "-", i) {
					err = fmt.Errorf("height %d reads %q", s.Height(), v)
				}
				p, perr := s.Prove(k)
				if err = errors.Join(err, perr); err == nil {
					err = Verify(s.Root(), k, v, p)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		}()
		commit(t, db, h, state(h)...)
	}
	wait.Wait()
	select {
	case err := <-errs:
		t.Fatal(err)
	default:
	}
}

func TestFatalIsReported(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("nothing is said")
		}
	}()
	logger{}.Fatalf("disk %s", "gone")
}
