package evidence

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

func put(t *testing.T, f *Folder, n ledger.NetUID, e ledger.Epoch) [32]byte {
	t.Helper()
	want := key.Hash("file", []byte{byte(n), byte(e)})
	root, size, err := f.Put(n, e, func(w io.Writer) ([32]byte, error) {
		_, err := w.Write([]byte("evidence"))
		return want, err
	})
	if err != nil || root != want || size != 8 {
		t.Fatal(root, size, err)
	}
	return root
}

func always(ledger.NetUID, ledger.Epoch) bool { return true }

// A folder keeps as many epochs of each subnet as it should, and an archive all.
func TestFolderRetention(t *testing.T) {
	for name, c := range map[string]struct {
		keep ledger.Epoch
		want int // of 30 epochs
	}{"archive": {0, 30}, "the duty": {LeastKeep, LeastKeep + 1}, "less than the duty": {1, LeastKeep + 1}, "more": {12, 13}} {
		f, err := OpenFolder(t.TempDir(), c.keep)
		if err != nil {
			t.Fatal(err)
		}
		other := put(t, f, 2, 0)
		var roots [][32]byte
		for e := range ledger.Epoch(30) {
			roots = append(roots, put(t, f, 1, e))
		}
		all, err := f.List()
		if err != nil || len(all) != c.want+1 || all[len(all)-1].Root != other {
			t.Errorf("%s: %d kept, %v", name, len(all), err)
		}
		for e, root := range roots {
			file, _, err := f.Open(root, always)
			if kept := e >= 30-c.want; kept != (err == nil) {
				t.Errorf("%s: epoch %d: %v", name, e, err)
			}
			if err == nil {
				file.Close()
			}
		}
		f.SetKeep(LeastKeep)
		put(t, f, 1, 30)
		if all, err = f.List(); err != nil || len(all) != LeastKeep+2 {
			t.Errorf("%s, then less: %d kept, %v", name, len(all), err)
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"new-123", "1-2-zz.bundle", "x.bundle", "1-2.bundle", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := OpenFolder(dir, 8)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new-*")); len(left) != 0 {
		t.Errorf("left over from a crash: %v", left)
	}
	root := put(t, f, 1, 5)
	if all, err := f.List(); err != nil || len(all) != 1 || all[0] != (Kept{1, 5, root}) {
		t.Errorf("%v %v", all, err)
	}
	if _, _, err := f.Open([32]byte{9}, always); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// Nothing is served while others may still commit.
	if _, _, err := f.Open(root, func(n ledger.NetUID, e ledger.Epoch) bool { return n != 1 || e != 5 }); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	// What fails leaves nothing.
	broken := errors.New("disk full")
	if _, _, err := f.Put(1, 6, func(w io.Writer) ([32]byte, error) { return [32]byte{1}, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new-*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	if all, _ := f.List(); len(all) != 1 {
		t.Errorf("%v", all)
	}
}
