package kv

import (
	"errors"
	"strings"
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

// A database of another format is named with both numbers; one without a number is
// of the first.
func TestFormat(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		was  []byte
		want string // in the error
	}{
		{nil, ""}, {[]byte{1}, ""}, {[]byte{0}, "written in format 0 and this program reads format 1: use"},
		{[]byte{9}, "written in format 9 and this program reads format 1: install"}, {[]byte{1, 1}, "2 bytes"},
	} {
		p, err := open(dir)
		if err != nil {
			t.Fatal(err)
		}
		d := &DB{p}
		if c.was == nil {
			err = errors.Join(d.Put([]byte("a"), []byte("1")), d.Delete(keyFormat))
		} else {
			err = d.Put(keyFormat, c.was)
		}
		if err := errors.Join(err, d.Close()); err != nil {
			t.Fatal(err)
		}
		d, err = Open(dir)
		if c.want == "" {
			if err != nil {
				t.Fatal(err)
			}
			if b, err := d.Get(keyFormat); err != nil || len(b) != 1 || b[0] != formatVersion {
				t.Errorf("%v: the number is %v, %v", c.was, b, err)
			}
			d.Close()
			continue
		}
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v: %v", c.was, err)
		}
	}
}
