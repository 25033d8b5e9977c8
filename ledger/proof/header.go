package proof

import (
	"crypto/sha256"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Header shows which root the header of a block names. A header names the state
// after the block before it, so the state after height h is proved by the header
// of h+1. Its hash is the Merkle root of RFC 6962 over the 14 fields of CometBFT's
// header, the eleventh being the root of the state.
type Header struct {
	Root [32]byte
	Path [4][32]byte // siblings of the field, from it to the top
}

// Hash is the hash of the block whose header it is.
func (h *Header) Hash() [32]byte {
	// The field is protobuf's BytesValue: field 1, of 32 bytes.
	at := sha256.Sum256(append([]byte{0, 0x0a, 32}, h.Root[:]...))
	for i, beside := range h.Path {
		// Fields 10 and 11 are a pair, which lies right of 8 and 9, left of 12 and
		// 13, and all these right of the first eight.
		if left := i%2 == 0; left {
			at = hashInner(at, beside)
		} else {
			at = hashInner(beside, at)
		}
	}
	return at
}

// Append appends [root, four siblings].
func (h *Header) Append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendArray(b, 1+len(h.Path)), h.Root[:])
	for i := range h.Path {
		b = cbor.AppendBytes(b, h.Path[i][:])
	}
	return b
}

// Read reads what Append wrote; an error stays with d.
func (h *Header) Read(d *cbor.Decoder) {
	d.Array(1 + len(h.Path))
	h.Root = d.Hash()
	for i := range h.Path {
		h.Path[i] = d.Hash()
	}
}

// State is a part of the state after a height, with what proves it.
type State struct {
	Height uint64
	Header Header // of the block at Height+1
	Values []Value
}

// Value is a key of the state with its value, nil for none, and the proof of it.
type Value struct {
	Key, Value []byte
	Proof      Proof
}
