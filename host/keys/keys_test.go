package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRing(t *testing.T) {
	r := Ring{filepath.Join(t.TempDir(), "k")}
	if l, err := r.List(); err != nil || len(l) != 0 {
		t.Fatal(l, err)
	}
	id, err := r.New("alice")
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Load("alice")
	if err != nil || s.Public() != id {
		t.Fatal(err)
	}
	if _, err := r.New("alice"); !errors.Is(err, ErrExists) {
		t.Fatal(err)
	}
	if again, _ := r.Load("alice"); again != s {
		t.Fatal("a second key new changed the key")
	}
	for _, bad := range []string{"", "../x", "a b", strings.Repeat("x", 65), "a/b"} {
		if _, err := r.New(bad); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	file := filepath.Join(r.Dir, "alice.key")
	if info, _ := os.Stat(file); info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode())
	}
	os.Chmod(file, 0o644)
	if _, err := r.Load("alice"); !errors.Is(err, ErrMode) {
		t.Fatal(err)
	}
	os.Chmod(file, 0o600)
	b, _ := os.ReadFile(file)
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] = '!'
		os.WriteFile(file, bad, 0o600)
		_, err := r.Load("alice")
		if i < len(b)-1 && !errors.Is(err, ErrFile) {
			t.Fatalf("byte %d damaged: %v", i, err)
		}
		if err != nil && strings.Contains(err.Error(), string(b[20:40])) {
			t.Fatal("an error quotes the secret")
		}
	}
	if l, _ := r.List(); len(l) != 1 || l[0].Err == nil {
		t.Fatal("a damaged key is not listed as damaged")
	}
	if _, err := r.Load("bob"); err == nil || !strings.Contains(err.Error(), "plexus key new bob") {
		t.Fatal(err)
	}
}
