package kv

import (
	"errors"
	"testing"
)

func TestSurvivesReopenAndIsLocked(t *testing.T) {
	dir := t.TempDir()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Put([]byte("a"), []byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrLocked) {
		t.Fatal("a second node opened the same home:", err)
	}
	d.Put([]byte("b"), []byte("2"))
	d.Delete([]byte("b"))
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if v, err := d.Get([]byte("a")); err != nil || string(v) != "1" {
		t.Fatal(v, err)
	}
	if v, err := d.Get([]byte("b")); err != nil || v != nil {
		t.Fatal(v, err)
	}
}
