package dataset

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/plexus-network/plexus/ledger"
)

func bytesOf(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	data := bytesOf(1000)
	set, err := New(data, 64)
	if err != nil {
		t.Fatal(err)
	}
	want := set.Named()
	if want.Slices != 15 || want.Slice != 64 {
		t.Fatalf("%+v", want)
	}
	other := bytes.Clone(data)
	other[500] ^= 1
	for _, c := range []struct {
		name string
		path string
		want error
	}{
		{"right", file("right", data), nil},
		{"right, with another rest behind the last slice", file("rest", append(bytes.Clone(data[:960]), 1, 2, 3)), nil},
		{"one bit", file("bit", other), ErrRoot},
		{"a slice short", file("short", data[:959]), ErrRoot},
		{"a slice more", file("more", bytesOf(1024)), ErrRoot},
		{"less than a slice", file("stub", data[:63]), ErrTooShort},
		{"empty", file("empty", nil), ErrTooShort},
		{"missing", filepath.Join(dir, "none"), os.ErrNotExist},
	} {
		s, err := Open(c.path, want)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || err == nil && s.Named() != want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, n := range []ledger.DataSet{{Root: want.Root, Slices: 15, Slice: 32}, {Root: want.Root, Slices: 14, Slice: 64}, {Root: [32]byte{1}, Slices: 15, Slice: 64}} {
		if _, err := Open(file("right", data), n); !errors.Is(err, ErrRoot) {
			t.Errorf("%+v: %v", n, err)
		}
	}
	for _, n := range []uint64{0, 1 << 63, 1<<64 - 1} {
		if _, err := Open(file("right", data), ledger.DataSet{Root: want.Root, Slices: 15, Slice: n}); !errors.Is(err, ErrTooShort) {
			t.Errorf("slices of %d bytes: %v", n, err)
		}
	}
	big := file("big", nil)
	if err := os.Truncate(big, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(big, want); err == nil {
		t.Error("a file above the bound is read")
	}
}

func TestVerify(t *testing.T) {
	for _, slices := range []int{1, 2, 3, 5, 8, 13} {
		set, err := New(bytesOf(slices*16), 16)
		if err != nil {
			t.Fatal(err)
		}
		named := set.Named()
		for i := range uint64(slices) {
			b, proof, err := set.Slice(i)
			if err != nil {
				t.Fatal(err)
			}
			if err := Verify(named, i, b, proof); err != nil {
				t.Fatalf("%d of %d: %v", i, slices, err)
			}
			refuse := func(name string, named ledger.DataSet, i uint64, b []byte, proof [][32]byte) {
				t.Helper()
				if err := Verify(named, i, b, proof); !errors.Is(err, ErrProof) {
					t.Errorf("%d of %d: %s: %v", i, slices, name, err)
				}
			}
			bad := bytes.Clone(b)
			bad[3] ^= 1
			refuse("another bit", named, i, bad, proof)
			refuse("too short", named, i, b[:15], proof)
			refuse("too long", named, i, append(bytes.Clone(b), 0), proof)
			refuse("another place", named, i+1, b, proof)
			refuse("a place far away", named, 1<<63+i, b, proof)
			refuse("a longer proof", named, i, b, append(proof[:len(proof):len(proof)], [32]byte{}))
			refuse("a very long proof", named, i, b, make([][32]byte, 65))
			root := named
			root.Root[0] ^= 1
			refuse("another root", root, i, b, proof)
			for j := range proof {
				cut := append([][32]byte(nil), proof...)
				cut[j][9] ^= 1
				refuse("another sibling", named, i, b, cut)
			}
			if len(proof) > 0 {
				refuse("a shorter proof", named, i, b, proof[1:])
			}
		}
	}
}
