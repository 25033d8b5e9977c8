package ledger

import (
	"bytes"
	"errors"
	"math/rand"
	"testing"
)

// Chunks of an upload that expired are named when nothing else needs them, and
// those of a module put it together again.
func TestChunks(t *testing.T) {
	w := newTownOf(t, func(g *Genesis) { g.Params.ModuleExpiry = 12 })
	code := make([]byte, 2*MaxChunk+100) // of random bytes, which do not pack
	rand.New(rand.NewSource(1)).Read(code)
	p, chunks, err := PackModule(code)
	if err != nil || len(chunks) < 3 {
		t.Fatal(len(chunks), err)
	}
	blobs := map[[32]byte][]byte{}
	lost := func(res *Result, before mapView, h Height) (out [][32]byte) {
		t.Helper()
		out, err := ExpiredChunks(before, h)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range out {
			delete(blobs, c)
		}
		for _, c := range res.Blobs {
			blobs[c.Hash] = c.Bytes
		}
		// What the state needs is there after each block, and nothing else.
		needed := map[[32]byte]bool{}
		if err := NamedChunks(w.v, func(c [32]byte) error { needed[c] = true; return nil }); err != nil {
			t.Fatal(err)
		}
		for c := range needed {
			if blobs[c] == nil {
				t.Fatalf("block %d: chunk %x is gone", h, c[:4])
			}
		}
		if len(blobs) != len(needed) {
			t.Fatalf("block %d: %d chunks are kept, %d are needed", h, len(blobs), len(needed))
		}
		return out
	}
	block := func(txs ...[]byte) (out [][32]byte) {
		t.Helper()
		before := w.twin().v
		return lost(w.block(txs...), before, w.height)
	}
	first, second, third := w.cold[3], w.cold[4], w.cold[5]
	block(w.sign(first, p))
	began := w.height
	block(w.sign(first, &chunks[0]))
	block(w.sign(first, &chunks[1]))
	block(w.sign(second, p))
	block(w.sign(second, &chunks[0]))
	for w.height < began+12 {
		got := block()
		if w.height < began+12 && len(got) > 0 {
			t.Fatalf("block %d: %x went early", w.height, got)
		}
		if w.height == began+12 && (len(got) != 1 || got[0] != p.Chunks[1]) {
			t.Fatalf("%x went, want the chunk that the second upload does not have", got)
		}
	}
	for w.height < began+14 {
		block()
	}
	// In the block in which the second upload expires, a third begins.
	block(w.sign(third, p))
	if len(blobs) != 0 {
		t.Fatalf("%d chunks are left", len(blobs))
	}
	read := func() ([]byte, error) {
		return ReadModule(w.v, p.Module, func(h [32]byte) ([]byte, error) { return blobs[h], nil })
	}
	for i := range chunks {
		if b, err := read(); b != nil || err != nil {
			t.Fatalf("%d chunks: %d bytes, %v", i, len(b), err)
		}
		block(w.sign(third, &chunks[i]))
	}
	if b, err := read(); err != nil || !bytes.Equal(b, code) {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	whole := blobs[p.Chunks[0]]
	delete(blobs, p.Chunks[0])
	if b, err := read(); b != nil || err != nil {
		t.Fatalf("without a chunk: %d bytes, %v", len(b), err)
	}
	other, parts, err := PackModule(bytes.Repeat([]byte{7}, 1000))
	if err != nil || len(other.Chunks) != 1 {
		t.Fatal(err)
	}
	blobs[p.Chunks[0]] = parts[0].Bytes
	if _, err := read(); !errors.Is(err, ErrModule) {
		t.Fatalf("with another chunk: %v", err)
	}
	blobs[p.Chunks[0]] = whole
	for range 14 {
		block()
	}
}
