package proof

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/abi/cbor"
)

func TestHeaderEncoding(t *testing.T) {
	h := Header{Root: [32]byte{1}, Path: [4][32]byte{{2}, {3}, {4}, {5}}}
	b := h.Append(nil)
	var got Header
	d := cbor.NewDecoder(b)
	got.Read(d)
	if err := d.End(); err != nil || got != h {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range b {
		d := cbor.NewDecoder(b[:i])
		if got.Read(d); d.End() == nil {
			t.Fatalf("the first %d bytes were accepted", i)
		}
	}
	seen := map[[32]byte]bool{h.Hash(): true}
	for i := range 5 {
		other := h
		if i == 4 {
			other.Root[31]++
		} else {
			other.Path[i][31]++
		}
		if seen[other.Hash()] {
			t.Errorf("part %d is not bound", i)
		}
		seen[other.Hash()] = true
	}
}

func FuzzDecode(f *testing.F) {
	f.Add((&Proof{Path: [][32]byte{{1}, {}}}).Append(nil))
	f.Add((&Proof{Absent: true, Left: &Neighbour{Key: []byte("a"), Value: []byte("b")}}).Append(nil))
	f.Add((&Header{Root: [32]byte{7}}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := Decode(b); err == nil && !bytes.Equal(p.Append(nil), b) {
			t.Fatalf("%x re-encodes to %x", b, p.Append(nil))
		}
		var h Header
		d := cbor.NewDecoder(b)
		if h.Read(d); d.End() == nil && !bytes.Equal(h.Append(nil), b) {
			t.Fatalf("%x is no header", b)
		}
	})
}
