package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestShelf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "snapshots")
	s, err := OpenShelf(dir, 2)
	if err != nil {
		t.Fatal(err)
	}
	db := mem(t)
	for h := uint64(0); h < 4; h++ {
		commit(t, db, h, blockOf(h)...)
		v := db.Snapshot()
		m, err := s.Put(t.Context(), v, ExportOptions{Chain: testChain, Extra: []byte{byte(h)}})
		v.Close()
		if err != nil || m.Height != h {
			t.Fatalf("%+v, %v", m, err)
		}
	}
	heights := func(s *Shelf) (out string, err error) {
		all, err := s.List()
		for _, m := range all {
			out += fmt.Sprint(m.Height, " ")
		}
		return out, err
	}
	if got, err := heights(s); got != "3 2 " || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	for _, name := range []string{"new-1", "x.snapshot", "03.snapshot", "9.snapshot"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = OpenShelf(dir, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "new-1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what an interrupted Put left is there: %v", err)
	}
	if got, err := heights(s); got != "3 2 " || !errors.Is(err, ErrSnapshot) {
		t.Fatalf("with a damaged file: %q, %v", got, err)
	}
	f, err := s.Open(2)
	if err != nil {
		t.Fatal(err)
	}
	if f.Manifest.Height != 2 || string(f.Extra) != "\x02" {
		t.Errorf("%+v", f.Manifest)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
	if err := os.Rename(s.Path(2), s.Path(7)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open(7); !errors.Is(err, ErrSnapshot) {
		t.Errorf("a file of another height: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := db.Snapshot()
	defer v.Close()
	if _, err := s.Put(ctx, v, ExportOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "new-*")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	if info, err := os.Stat(s.Path(3)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := OpenShelf(dir, -1); err == nil {
		t.Error("keep -1 is taken")
	}
}

// What somebody fetches stays for a while, and no more than a few files do.
func TestShelfHold(t *testing.T) {
	s, err := OpenShelf(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_000_000, 0)
	s.now = func() time.Time { return at }
	for _, h := range []uint64{3, 4, 5, 6, 7, 8} {
		s.Hold(h)
	}
	all := []uint64{12, 11, 8, 7, 6, 5, 4, 3}
	if got := fmt.Sprint(s.surplus(all)); got != "[11 4 3]" {
		t.Errorf("while held, %s go", got)
	}
	at = at.Add(holdFor)
	s.Hold(5)
	if got := fmt.Sprint(s.surplus(all)); got != "[11 8 7 6 4 3]" {
		t.Errorf("later, %s go", got)
	}
	at = at.Add(holdFor + time.Second)
	s.Hold(1)
	if len(s.held) != 1 {
		t.Errorf("%d files that are gone are held", len(s.held))
	}
	s.keep = 0
	if got := s.surplus(all); got != nil {
		t.Errorf("%v go where all are kept", got)
	}
}
