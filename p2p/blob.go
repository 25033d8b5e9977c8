package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/p2p/internal/wire"
)

// MaxBlob is the longest blob in bytes.
const MaxBlob = wire.MaxBlob

const (
	blobName = "blob"
	// blobLists is how many chunk lists a host remembers of the blobs that it
	// serves, so that asking for one again and again does not make it read the
	// blob each time.
	blobLists = 64
)

// Errors of blob transfer.
var (
	// ErrNoBlob: no asked peer has the blob.
	ErrNoBlob = errors.New("p2p: blob not found")
	// ErrBlobSize: the blob is larger than the caller allows.
	ErrBlobSize = errors.New("p2p: blob too large")
	// ErrBlobHash: what the peers sent is not what the id names.
	ErrBlobHash = errors.New("p2p: blob does not match its id")
)

// Streams opens and serves streams: a Host, or a host in memory.
type Streams interface {
	Opener
	Handle(name string, fn func(ctx context.Context, s *Stream))
}

// OpenBlob returns a blob and its length in bytes, or an error when it is not
// there. What it returns is closed after use. A blob never changes.
type OpenBlob func(id [32]byte) (io.ReadSeekCloser, int64, error)

// ServeBlobs answers requests for blobs.
func (h *Host) ServeBlobs(open OpenBlob) { ServeBlobs(h, open) }

// ServeBlobs answers requests for blobs with any kind of host.
func ServeBlobs(h Streams, open OpenBlob) {
	b := &blobs{open: open, lists: map[[32]byte]wire.ChunkList{}}
	h.Handle(blobName, func(_ context.Context, s *Stream) {
		for { // who fetches asks many times on one stream
			raw, err := s.Recv(wire.BlobHead)
			if err != nil {
				return
			}
			r, err := wire.DecodeBlobRequest(raw)
			if err != nil || b.serve(s, r) != nil {
				s.s.Reset() // the other side asks elsewhere
				return
			}
		}
	})
}

// blobs serves blobs.
type blobs struct {
	open OpenBlob

	mu    sync.Mutex
	lists map[[32]byte]wire.ChunkList
	order [][32]byte // of lists, oldest first
}

func (b *blobs) serve(s *Stream, r wire.BlobRequest) error {
	f, size, err := b.open(r.ID)
	if err != nil {
		return s.Send(wire.BlobAnswer{}.Append(nil))
	}
	defer f.Close()
	if size < 0 || size > MaxBlob {
		return s.Send(wire.BlobAnswer{}.Append(nil))
	}
	if r.Count == 0 {
		list, err := b.list(r.ID, f, uint64(size))
		if err != nil {
			return err
		}
		if err := s.Send(wire.BlobAnswer{Found: true, Size: uint64(size)}.Append(nil)); err != nil {
			return err
		}
		return s.Send(list.Append(nil))
	}
	if int(r.From)+int(r.Count) > wire.Chunks(uint64(size)) {
		return s.Send(wire.BlobAnswer{}.Append(nil))
	}
	if _, err := f.Seek(int64(r.From)*wire.BlobChunk, io.SeekStart); err != nil {
		return err
	}
	if err := s.Send(wire.BlobAnswer{Found: true, Size: uint64(size)}.Append(nil)); err != nil {
		return err
	}
	buf := make([]byte, wire.BlobChunk)
	for i := range int(r.Count) {
		part := buf[:wire.ChunkLen(uint64(size), int(r.From)+i)]
		if _, err := io.ReadFull(f, part); err != nil {
			return err
		}
		if err := s.Send(part); err != nil {
			return err
		}
	}
	return nil
}

// list returns the hashes of a blob's chunks.
func (b *blobs) list(id [32]byte, f io.Reader, size uint64) (wire.ChunkList, error) {
	b.mu.Lock()
	l, ok := b.lists[id]
	b.mu.Unlock()
	if ok && len(l) == wire.Chunks(size) {
		return l, nil
	}
	l = make(wire.ChunkList, wire.Chunks(size))
	buf := make([]byte, wire.BlobChunk)
	for i := range l {
		part := buf[:wire.ChunkLen(size, i)]
		if _, err := io.ReadFull(f, part); err != nil {
			return nil, err
		}
		l[i] = sha256.Sum256(part)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.lists[id]; !ok {
		b.order = append(b.order, id)
	}
	b.lists[id] = l
	if len(b.order) > blobLists {
		delete(b.lists, b.order[0])
		b.order = b.order[1:]
	}
	return l, nil
}

// FetchSHA256 gets the blob whose id is its SHA-256 into memory; see Fetch.
func (h *Host) FetchSHA256(ctx context.Context, peers []peer.ID, id [32]byte, max int64, progress func(done, total int64)) ([]byte, error) {
	return h.FetchVerified(ctx, peers, id, max, func(b []byte) error {
		if got := sha256.Sum256(b); got != id {
			return fmt.Errorf("sha-256 is %x", got[:8])
		}
		return nil
	}, progress)
}

// FetchVerified gets a blob into memory and has check say whether the whole is
// what the id names; see Fetch.
func (h *Host) FetchVerified(ctx context.Context, peers []peer.ID, id [32]byte, max int64, check func([]byte) error, progress func(done, total int64)) ([]byte, error) {
	m := &inMemory{}
	f := Fetch{ID: id, Peers: peers, Max: max, Progress: progress, Check: func(io.ReaderAt, int64) error { return check(m.b) }}
	if err := f.into(ctx, h, m); err != nil {
		return nil, err
	}
	return m.b, nil
}
