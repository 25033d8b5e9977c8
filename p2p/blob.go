package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/plexus-network/plexus/abi/cbor"
)

const (
	blobName  = "blob"
	blobChunk = 256 << 10
	blobStall = 10 * time.Second // without a chunk the next peer is asked
	blobTries = 3                // rounds over the peers without progress
	blobHead  = 64               // bytes of a request or answer at most
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

// ServeBlobs answers requests for blobs. open returns the blob of an id and its
// length in bytes, or an error when it is not there; what it returns is closed
// after use.
func (h *Host) ServeBlobs(open func(id [32]byte) (io.ReadSeekCloser, int64, error)) {
	h.Handle(blobName, func(_ context.Context, s *Stream) {
		b, err := s.Recv(blobHead)
		if err != nil {
			return
		}
		id, offset, err := decodeBlobRequest(b)
		if err != nil {
			return
		}
		if err := sendBlob(s, id, offset, open); err != nil {
			h.log.Debug("serving a blob", "peer", s.Remote(), "err", err)
		}
	})
}

func sendBlob(s *Stream, id [32]byte, offset uint64, open func([32]byte) (io.ReadSeekCloser, int64, error)) error {
	r, size, err := open(id)
	if err != nil || size < 0 || offset > uint64(size) {
		if err == nil {
			r.Close()
		}
		return s.Send(encodeBlobAnswer(false, 0))
	}
	defer r.Close()
	if _, err := r.Seek(int64(offset), io.SeekStart); err != nil {
		return err
	}
	if err := s.Send(encodeBlobAnswer(true, uint64(size))); err != nil {
		return err
	}
	buf := make([]byte, blobChunk)
	for left := size - int64(offset); left > 0; {
		n := min(left, blobChunk)
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return err
		}
		if err := s.Send(buf[:n]); err != nil {
			return err
		}
		left -= n
	}
	return s.CloseWrite()
}

// Fetch gets the blob of an id from the given peers, one at a time, continuing
// with the next one at the offset reached when a peer fails or stalls. It reads
// at most max bytes (ErrBlobSize). The result is not verified: parts of it may
// come from different peers, and any of them may lie; FetchVerified deals with
// that. progress, if not nil, is told of the bytes so far and in all.
func (h *Host) Fetch(ctx context.Context, peers []peer.ID, id [32]byte, max int64, progress func(done, total int64)) ([]byte, error) {
	f := fetch{h: h, id: id, max: max, total: -1, progress: progress}
	errs := []error{fmt.Errorf("%w: %x", ErrNoBlob, id[:8])}
	for idle := 0; idle < blobTries; idle++ {
		for _, p := range peers {
			before := len(f.data)
			err := f.from(ctx, p)
			if err == nil {
				return f.data, nil
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			errs = append(errs, err)
			if len(f.data) > before {
				idle = 0
			}
		}
		if f.total < 0 {
			break // nobody has it: asking again at once will not help
		}
	}
	return nil, errors.Join(errs[:min(len(errs), 8)]...)
}

// fetch is one transfer under way.
type fetch struct {
	h        *Host
	id       [32]byte
	max      int64
	total    int64 // as the first answering peer said; -1 before
	data     []byte
	progress func(done, total int64)
}

// from continues the transfer with one peer; nil when it is complete.
func (f *fetch) from(ctx context.Context, p peer.ID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stall := time.AfterFunc(blobStall, cancel)
	defer stall.Stop()
	s, err := f.h.Open(ctx, p, blobName)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Send(encodeBlobRequest(f.id, uint64(len(f.data)))); err != nil {
		return err
	}
	b, err := s.Recv(blobHead)
	if err != nil {
		return err
	}
	found, size, err := decodeBlobAnswer(b)
	switch {
	case err != nil:
		return fmt.Errorf("p2p: peer %s: blob answer: %w", p, err)
	case !found:
		return fmt.Errorf("%w at peer %s", ErrNoBlob, p)
	case size > uint64(f.max):
		return fmt.Errorf("%w: peer %s says %d bytes, at most %d", ErrBlobSize, p, size, f.max)
	case f.total >= 0 && int64(size) != f.total:
		return fmt.Errorf("%w: peer %s says %d bytes, another said %d", ErrBlobHash, p, size, f.total)
	}
	f.total = int64(size)
	for int64(len(f.data)) < f.total {
		stall.Reset(blobStall)
		b, err := s.Recv(int(min(blobChunk, f.total-int64(len(f.data)))))
		if err != nil {
			return err
		}
		if len(b) == 0 {
			return fmt.Errorf("p2p: peer %s: empty chunk", p)
		}
		f.data = append(f.data, b...)
		if f.progress != nil {
			f.progress(int64(len(f.data)), f.total)
		}
	}
	return nil
}

// FetchVerified is Fetch with a check of the whole. When the check fails, a
// peer lied: each is then asked alone, and the first result that passes is
// returned, else an error that is ErrBlobHash and the last check's.
func (h *Host) FetchVerified(ctx context.Context, peers []peer.ID, id [32]byte, max int64, check func([]byte) error, progress func(done, total int64)) ([]byte, error) {
	data, err := h.Fetch(ctx, peers, id, max, progress)
	var bad error
	if err == nil {
		if bad = check(data); bad == nil {
			return data, nil
		}
		err = fmt.Errorf("%w: %x: %w", ErrBlobHash, id[:8], bad)
	}
	if len(peers) < 2 || ctx.Err() != nil {
		return nil, err
	}
	for _, p := range peers {
		data, e := h.Fetch(ctx, []peer.ID{p}, id, max, progress)
		if e != nil {
			continue
		}
		if bad = check(data); bad == nil {
			return data, nil
		}
		err = fmt.Errorf("%w: %x from %s: %w", ErrBlobHash, id[:8], p, bad)
	}
	return nil, err
}

// FetchSHA256 is FetchVerified of a blob whose id is its SHA-256.
func (h *Host) FetchSHA256(ctx context.Context, peers []peer.ID, id [32]byte, max int64, progress func(done, total int64)) ([]byte, error) {
	return h.FetchVerified(ctx, peers, id, max, func(b []byte) error {
		if got := sha256.Sum256(b); got != id {
			return fmt.Errorf("sha-256 is %x", got[:8])
		}
		return nil
	}, progress)
}

// The request is [1, id, offset] and the answer [1, found, size], followed by
// chunks of raw bytes.

func encodeBlobRequest(id [32]byte, offset uint64) []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	return cbor.AppendUint(cbor.AppendBytes(b, id[:]), offset)
}

func decodeBlobRequest(b []byte) (id [32]byte, offset uint64, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	id, offset = d.Hash(), d.UintMax(1<<62)
	return id, offset, d.End()
}

func encodeBlobAnswer(found bool, size uint64) []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	return cbor.AppendUint(cbor.AppendBool(b, found), size)
}

func decodeBlobAnswer(b []byte) (found bool, size uint64, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	found, size = d.Bool(), d.UintMax(1<<62)
	return found, size, d.End()
}
