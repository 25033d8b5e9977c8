package wire

import (
	"crypto/sha256"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

const (
	// BlobChunk is the length in bytes of all chunks of a blob but the last.
	BlobChunk = 256 << 10
	// BlobHead bounds a request and an answer, in bytes.
	BlobHead = 80
	// MaxBlob is the longest blob in bytes: its list of chunk hashes is 2 MiB.
	MaxBlob = 65536 * BlobChunk
	// MaxRun is how many chunks one request may ask for.
	MaxRun = 8
)

// BlobRequest asks for the chunk list of a blob (Count 0) or for the Count
// chunks that begin with number From. On the wire: [1, id, from, count].
type BlobRequest struct {
	ID    [32]byte
	From  uint32
	Count uint32 // at most MaxRun
}

// Append appends the request's encoding.
func (r BlobRequest) Append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 4), 1), r.ID[:])
	return cbor.AppendUint(cbor.AppendUint(b, uint64(r.From)), uint64(r.Count))
}

// DecodeBlobRequest reads what Append wrote.
func DecodeBlobRequest(b []byte) (r BlobRequest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	r.ID, r.From, r.Count = d.Hash(), uint32(d.UintMax(MaxBlob/BlobChunk)), uint32(d.UintMax(MaxRun))
	return r, d.End()
}

// BlobAnswer precedes a chunk list or chunks. On the wire: [1, found, size].
type BlobAnswer struct {
	Found bool
	Size  uint64 // of the whole blob in bytes, at most MaxBlob
}

// Append appends the answer's encoding.
func (a BlobAnswer) Append(b []byte) []byte {
	b = cbor.AppendBool(cbor.AppendUint(cbor.AppendArray(b, 3), 1), a.Found)
	return cbor.AppendUint(b, a.Size)
}

// DecodeBlobAnswer reads what Append wrote.
func DecodeBlobAnswer(b []byte) (a BlobAnswer, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	a.Found, a.Size = d.Bool(), d.UintMax(MaxBlob)
	return a, d.End()
}

// ChunkList holds the SHA-256 of each chunk of a blob. On the wire it is the
// hashes one after another, whose number the size gives.
type ChunkList [][32]byte

// Chunks is the number of chunks of a blob of size bytes.
func Chunks(size uint64) int { return int((size + BlobChunk - 1) / BlobChunk) }

// ChunkLen is the length of chunk i of a blob of size bytes.
func ChunkLen(size uint64, i int) int {
	return int(min(BlobChunk, size-uint64(i)*BlobChunk))
}

// Append appends the list's encoding.
func (l ChunkList) Append(b []byte) []byte {
	for _, h := range l {
		b = append(b, h[:]...)
	}
	return b
}

// DecodeChunkList reads the list of a blob of size bytes.
func DecodeChunkList(b []byte, size uint64) (ChunkList, error) {
	if n := Chunks(size); size > MaxBlob || len(b) != n*sha256.Size {
		return nil, fmt.Errorf("chunk list of %d bytes: a blob of %d bytes has %d hashes of 32 bytes", len(b), size, n)
	}
	l := make(ChunkList, len(b)/sha256.Size)
	for i := range l {
		copy(l[i][:], b[i*sha256.Size:])
	}
	return l, nil
}
