package plugins

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "modules")
	s, err := OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	module := []byte("any bytes: the store does not look inside")
	id, err := s.Put(module)
	if err != nil || id != Digest(module) {
		t.Fatal(id, err)
	}
	if got, err := s.Get(id); err != nil || !bytes.Equal(got, module) {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := s.Get(ID{1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown module: %v", err)
	}
	if _, err := s.Put(make([]byte, MaxModule+1)); err == nil {
		t.Error("too large a module was kept")
	}
	parsed, err := ParseID(id.String())
	if err != nil || parsed != id {
		t.Errorf("%v %v", parsed, err)
	}
	if _, err := ParseID("abc"); err == nil {
		t.Error("short id accepted")
	}

	// A damaged file is noticed, and mended by the next Put.
	if err := os.WriteFile(s.path(id), module[:10], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(id); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged module: %v", err)
	}
	if _, err := s.Put(module); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(id); err != nil || !bytes.Equal(got, module) {
		t.Fatalf("after mending: %q %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
