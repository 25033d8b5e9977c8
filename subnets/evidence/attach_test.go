package evidence

import (
	"bytes"
	"testing"
)

// What is attached to a file leaves its bundle as it was, and comes back whole.
func TestAttach(t *testing.T) {
	b := &Bundle{ChainID: "test-1", NetUID: 1, Epoch: 2, Rounds: []Round{{Skipped: true}}}
	plain, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if x, err := Attached(plain); x != nil || err != nil {
		t.Error(x, err)
	}
	file := plain
	for _, extra := range [][]byte{[]byte("proofs"), bytes.Repeat([]byte{7}, 1<<20), {}, []byte("other")} {
		if file, err = Attach(file, extra); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(file, plain) {
			t.Fatal("the bundle's bytes have changed")
		}
		if got, err := Attached(file); err != nil || !bytes.Equal(got, extra) {
			t.Errorf("%d bytes of %d, %v", len(got), len(extra), err)
		}
		if back, err := Decode(file, b.Root()); err != nil || back.Epoch != 2 {
			t.Error(err)
		}
	}
	if len(file) > len(plain)+200 {
		t.Errorf("%d bytes of which %d are the bundle: something that was replaced is there", len(file), len(plain))
	}
	for i := len(plain); i < len(file); i++ {
		for _, bad := range [][]byte{file[:i], append(append(bytes.Clone(file[:i]), file[i]^1), file[i+1:]...)} {
			if got, err := Attached(bad); err == nil && got != nil && string(got) != "other" {
				t.Errorf("damaged at %d it gives %q", i, got)
			}
		}
	}
	if _, err := Attach(plain, make([]byte, MaxAttached+1)); err == nil {
		t.Error("too much is attached")
	}
}

func FuzzAttached(f *testing.F) {
	file, err := Attach([]byte("bundle"), []byte("proofs"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(append([]byte{0x5b, 0x2a, 0x4d, 0x18}, mark...))
	f.Fuzz(func(t *testing.T, b []byte) {
		extra, err := Attached(b)
		if err != nil || extra == nil {
			return
		}
		if len(extra) > MaxAttached {
			t.Fatalf("%d bytes", len(extra))
		}
		again, err := Attach(b, extra)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Attached(again); err != nil || !bytes.Equal(got, extra) {
			t.Error(err)
		}
	})
}
