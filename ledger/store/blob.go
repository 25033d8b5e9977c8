package store

import (
	"bytes"
	"fmt"

	"github.com/plexus-network/plexus/ledger"
)

// MaxBlob bounds a blob in bytes.
const MaxBlob = 16 << 20

// Blobs are bytes that travel with the state and are not under its root: the
// state holds their ledger.ChunkHash, and whoever reads a blob by that hash needs no
// other proof. They are written with a block and are part of snapshots.

func blobKey(hash [32]byte) []byte { return append([]byte{spaceBlob}, hash[:]...) }

// Keep adds a blob of 1 to MaxBlob bytes to what Commit writes and returns its
// ledger.ChunkHash. One that is there already changes nothing.
func (s *Staged) Keep(blob []byte) ([32]byte, error) {
	hash := ledger.ChunkHash(blob)
	switch {
	case s.b == nil:
		return hash, fmt.Errorf("store: keep a blob: %w", ErrDiscarded)
	case len(blob) == 0 || len(blob) > MaxBlob:
		return hash, fmt.Errorf("store: keep a blob: %w: %d bytes, want 1..%d", ErrBounds, len(blob), MaxBlob)
	}
	return hash, wrap(s.b.Set(blobKey(hash), blob, nil))
}

// Forget adds the removal of a blob to what Commit writes; one that is not
// there changes nothing.
func (s *Staged) Forget(hash [32]byte) error {
	if s.b == nil {
		return fmt.Errorf("store: forget a blob: %w", ErrDiscarded)
	}
	return wrap(s.b.Delete(blobKey(hash), nil))
}

// Blob returns a copy of the blob with a ledger.ChunkHash, nil when it is not kept. The
// bytes are checked: ErrCorrupt says that they no longer have that hash.
func (db *DB) Blob(hash [32]byte) ([]byte, error) {
	if db.Fresh() {
		return nil, nil
	}
	return getBlob(db.p, hash)
}

// Blob is DB.Blob on this view.
func (s *Snapshot) Blob(hash [32]byte) ([]byte, error) {
	if !s.head.written {
		return nil, nil
	}
	return getBlob(s.p, hash)
}

func getBlob(r reader, hash [32]byte) ([]byte, error) {
	b, err := get(r, blobKey(hash))
	if err != nil || b == nil {
		return nil, err
	}
	if ledger.ChunkHash(b) != hash {
		return nil, fmt.Errorf("%w: blob %x has other bytes", ErrCorrupt, hash)
	}
	return b, nil
}

// RangeBlobs calls fn for each blob in rising order of its hash and stops at
// its first error, which it returns. The slice is fn's to keep.
func (s *Snapshot) RangeBlobs(fn func(hash [32]byte, blob []byte) error) error {
	if !s.head.written {
		return nil
	}
	it, err := s.p.NewIter(spaceOnly(spaceBlob))
	if err != nil {
		return wrap(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			break // it.Error reports it
		}
		if k := it.Key()[1:]; len(k) != 32 || ledger.ChunkHash(value) != [32]byte(k) {
			it.Close()
			return fmt.Errorf("%w: blob %x has other bytes", ErrCorrupt, k)
		}
		if err := fn([32]byte(it.Key()[1:]), bytes.Clone(value)); err != nil {
			it.Close()
			return err
		}
	}
	return finish(it)
}
