package dataset

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

// One folder serves every subnet: what a file is called does not matter.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, b []byte) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var sets []ledger.DataSet
	for i, n := range []int{640, 1000, 1200} {
		b := bytesOf(n)
		b[0] = byte(100 + i)
		s, err := New(b, 64)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, s.Named())
		if i == 1 {
			put(fmt.Sprintf("%x.bin", s.Named().Root), b)
		} else {
			put(fmt.Sprint("any-", i), b)
		}
	}
	put("notes.txt", []byte("no set at all"))
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling")); err != nil {
		t.Skip(err)
	}
	var f Finder
	for range 2 {
		for i, want := range sets {
			want.Window, want.From = 3, 9 // how epochs use it is not the file's matter
			s, err := f.Find(dir, want)
			if err != nil || !s.Is(want) {
				t.Errorf("set %d: %v", i, err)
			}
		}
		other := sets[0]
		other.Root[5]++
		if _, err := f.Find(dir, other); !errors.Is(err, ErrMissing) {
			t.Errorf("a set that is not there: %v", err)
		}
		if _, err := f.Find(filepath.Join(dir, "any-0"), other); !errors.Is(err, ErrRoot) {
			t.Errorf("a file of another set: %v", err)
		}
		if _, err := f.Find(filepath.Join(dir, "none"), sets[0]); !errors.Is(err, ErrMissing) || !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no such place: %v", err)
		}
	}
}

// A file that was the wrong one is not hashed again until it changes.
func TestFindRemembers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	right, wrong := bytesOf(640), bytesOf(640)
	wrong[7]++
	s, err := New(right, 64)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1e9, 0)
	write := func(b []byte, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(file, b, 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	var f Finder
	write(wrong, at)
	if _, err := f.Find(file, s.Named()); !errors.Is(err, ErrRoot) {
		t.Fatal(err)
	}
	write(right, at) // by its size and time the same file: it is not looked into
	if _, err := f.Find(file, s.Named()); !errors.Is(err, ErrRoot) {
		t.Errorf("it was read again: %v", err)
	}
	write(right, at.Add(time.Second))
	if _, err := f.Find(file, s.Named()); err != nil {
		t.Errorf("it has changed and is not read: %v", err)
	}
}
