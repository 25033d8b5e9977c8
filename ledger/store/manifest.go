package store

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// SnapshotFormat is the version of snapshots that this program writes and reads.
const SnapshotFormat = 1

// Bounds of a snapshot.
const (
	MaxChunks   = 1 << 16             // chunks: 64 GiB
	MaxManifest = MaxChunks*38 + 1024 // bytes of an encoded manifest
)

// Manifest describes a snapshot: what it is of, and the size and hash of each
// chunk, by which a chunk is checked before it is used. Two nodes at the same
// height of the same chain make the same manifest.
type Manifest struct {
	Chain  [32]byte // names the chain; given by whoever makes the snapshot
	Height uint64
	Root   [32]byte // of the state at Height
	Keys   uint64   // of the state
	Blobs  uint64
	Bytes  uint64 // of keys, values and blobs
	Chunks []ChunkInfo
}

// ChunkInfo is the size in bytes and the hash of a chunk.
type ChunkInfo struct {
	Size uint32
	Hash [32]byte
}

func hashChunk(b []byte) [32]byte { return key.Hash("snapshot-chunk", b) }

// Encode returns the manifest's canonical bytes.
func (m *Manifest) Encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 8), SnapshotFormat)
	b = cbor.AppendUint(cbor.AppendBytes(b, m.Chain[:]), m.Height)
	b = cbor.AppendBytes(b, m.Root[:])
	for _, n := range []uint64{m.Keys, m.Blobs, m.Bytes} {
		b = cbor.AppendUint(b, n)
	}
	b = cbor.AppendArray(b, len(m.Chunks))
	for _, c := range m.Chunks {
		b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), uint64(c.Size)), c.Hash[:])
	}
	return b
}

// Hash names the snapshot: it covers every byte of its content.
func (m *Manifest) Hash() [32]byte { return key.Hash("snapshot", m.Encode()) }

// DecodeManifest reads what Encode wrote. The errors are ErrFormat for another
// version and ErrSnapshot.
func DecodeManifest(b []byte) (m Manifest, err error) {
	if len(b) > MaxManifest {
		return m, fmt.Errorf("%w: manifest of %d bytes, at most %d", ErrSnapshot, len(b), MaxManifest)
	}
	d := cbor.NewDecoder(b)
	d.Array(8)
	if v := d.Uint(); d.Err() == nil && v != SnapshotFormat {
		return m, fmt.Errorf("%w: snapshot of version %d, this program reads %d", ErrFormat, v, SnapshotFormat)
	}
	m.Chain, m.Height, m.Root = d.Hash(), d.UintMax(1<<62), d.Hash()
	m.Keys, m.Blobs, m.Bytes = d.UintMax(1<<48), d.UintMax(1<<48), d.UintMax(1<<48)
	for range d.ArrayMax(MaxChunks) {
		d.Array(2)
		c := ChunkInfo{Size: uint32(d.UintMax(MaxChunk)), Hash: d.Hash()}
		if c.Size == 0 {
			d.Fail(cbor.ErrLength)
		}
		if d.Err() != nil {
			break
		}
		m.Chunks = append(m.Chunks, c)
	}
	if err := d.End(); err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest: %w", ErrSnapshot, err)
	}
	return m, nil
}

// Check reports whether b is the chunk with the index i.
func (m *Manifest) Check(i int, b []byte) error {
	switch {
	case i < 0 || i >= len(m.Chunks):
		return fmt.Errorf("%w: chunk %d of %d", ErrSnapshot, i, len(m.Chunks))
	case len(b) != int(m.Chunks[i].Size) || hashChunk(b) != m.Chunks[i].Hash:
		return fmt.Errorf("%w: chunk %d of %d has other bytes than the manifest says", ErrSnapshot, i, len(m.Chunks))
	}
	return nil
}

// size is the sum of the chunks' sizes.
func (m *Manifest) size() (n int64) {
	for _, c := range m.Chunks {
		n += int64(c.Size)
	}
	return n
}
