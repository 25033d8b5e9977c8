package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
)

// A snapshot file is
//
//	opening ‖ chunk … ‖ manifest ‖ extra ‖ trailer
//
// and can be written to a pipe. The trailer has the sizes of manifest and extra,
// SHA-256 of both and the closing; from it everything is found again, and no
// byte of the file is outside of a hash or of this frame.
const (
	opening     = "plexus state\r\n\x1a\x01" // the last byte is the version
	closing     = "plxstend"
	trailerSize = 8 + 8 + 32 + len(closing)
	// MaxExtra bounds what travels beside a snapshot.
	MaxExtra = 4 << 20
)

// ExportOptions of Snapshot.Export.
type ExportOptions struct {
	// Chain names the chain in the manifest.
	Chain [32]byte
	// Extra goes into the file beside the state, covered by its checks and not
	// by the manifest, since it may differ between nodes; at most MaxExtra bytes.
	Extra []byte
	// Progress is told now and then how many keys of how many are written; nil
	// tells nobody.
	Progress func(done, total uint64)
}

// Export writes the state and the blobs of the view to w as a snapshot file and
// returns its manifest. The file depends on the content, the height, Chain and
// Extra alone. It reads everything twice: keys first, to know their number.
func (s *Snapshot) Export(ctx context.Context, w io.Writer, o ExportOptions) (Manifest, error) {
	m := Manifest{Chain: o.Chain, Height: s.head.height, Root: s.head.root.hash}
	switch {
	case !s.head.written:
		return m, fmt.Errorf("store: export: nothing was committed yet")
	case len(o.Extra) > MaxExtra:
		return m, fmt.Errorf("store: export: %w: extra of %d bytes, at most %d", ErrBounds, len(o.Extra), MaxExtra)
	}
	total, err := s.count(ctx)
	if err != nil {
		return m, err
	}
	if _, err := io.WriteString(w, opening); err != nil {
		return m, err
	}
	c := cutter{emit: func(chunk []byte) error {
		if len(m.Chunks) == MaxChunks {
			return fmt.Errorf("store: export: %w: more than %d chunks", ErrBounds, MaxChunks)
		}
		m.Chunks = append(m.Chunks, ChunkInfo{uint32(len(chunk)), hashChunk(chunk)})
		if o.Progress != nil {
			o.Progress(m.Keys, total)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := w.Write(chunk)
		return err
	}}
	err = s.Range(nil, func(k, v []byte) error {
		m.Keys++
		m.Bytes += uint64(len(k) + len(v))
		return c.add(partValue, k, v)
	})
	if err != nil {
		return m, err
	}
	err = s.RangeBlobs(func(hash [32]byte, blob []byte) error {
		m.Blobs++
		m.Bytes += uint64(len(blob))
		return c.add(partBlob, hash[:], blob)
	})
	if err != nil {
		return m, err
	}
	if err := c.flush(); err != nil {
		return m, err
	}
	tail := m.Encode()
	sizes := binary.BigEndian.AppendUint64(nil, uint64(len(tail)))
	sizes = binary.BigEndian.AppendUint64(sizes, uint64(len(o.Extra)))
	tail = append(tail, o.Extra...)
	sum := sha256.Sum256(tail)
	tail = append(append(append(tail, sizes...), sum[:]...), closing...)
	if _, err := w.Write(tail); err != nil {
		return m, err
	}
	if o.Progress != nil {
		o.Progress(total, total)
	}
	return m, nil
}

// count returns the number of keys without reading their values.
func (s *Snapshot) count(ctx context.Context) (n uint64, err error) {
	it, err := s.p.NewIter(spaceOnly(spaceState))
	if err != nil {
		return 0, wrap(err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n%100_000 == 0 && ctx.Err() != nil {
			it.Close()
			return 0, ctx.Err()
		}
	}
	return n, finish(it)
}

// File is an open snapshot file.
type File struct {
	Manifest Manifest
	Extra    []byte
	r        io.ReaderAt
	at       []int64 // where each chunk begins
	close    func() error
}

// Close closes a file that OpenPath or a Shelf opened.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// OpenFile reads and checks the frame of a snapshot file of size bytes. The
// errors are ErrFormat for another version, and ErrSnapshot for a file that is
// damaged, cut off, or none. The chunks are checked when they are read.
func OpenFile(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, len(opening))
	if size < int64(len(opening)+trailerSize) {
		return nil, fmt.Errorf("%w: %d bytes: cut off, or no snapshot", ErrSnapshot, size)
	}
	if _, err := r.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("store: reading a snapshot: %w", err)
	}
	if last := len(opening) - 1; string(head) != opening {
		if string(head[:last]) == opening[:last] {
			return nil, fmt.Errorf("%w: snapshot file of version %d, this program reads %d", ErrFormat, head[last], opening[last])
		}
		return nil, fmt.Errorf("%w: it does not begin like a snapshot", ErrSnapshot)
	}
	trailer := make([]byte, trailerSize)
	if _, err := r.ReadAt(trailer, size-trailerSize64); err != nil {
		return nil, fmt.Errorf("store: reading a snapshot: %w", err)
	}
	if string(trailer[48:]) != closing {
		return nil, fmt.Errorf("%w: its end is missing: it was cut off", ErrSnapshot)
	}
	nm, nx := binary.BigEndian.Uint64(trailer), binary.BigEndian.Uint64(trailer[8:])
	if nm > MaxManifest || nx > MaxExtra || int64(nm+nx) > size-int64(len(opening)+trailerSize) {
		return nil, fmt.Errorf("%w: manifest of %d bytes and extra of %d in a file of %d", ErrSnapshot, nm, nx, size)
	}
	tail := make([]byte, nm+nx)
	if _, err := r.ReadAt(tail, size-trailerSize64-int64(len(tail))); err != nil {
		return nil, fmt.Errorf("store: reading a snapshot: %w", err)
	}
	if sha256.Sum256(tail) != [32]byte(trailer[16:48]) {
		return nil, fmt.Errorf("%w: the manifest has other bytes than were written", ErrSnapshot)
	}
	m, err := DecodeManifest(tail[:nm])
	if err != nil {
		return nil, err
	}
	if want := int64(len(opening)) + m.size() + int64(len(tail)) + trailerSize64; want != size {
		return nil, fmt.Errorf("%w: the file has %d bytes, its manifest says %d", ErrSnapshot, size, want)
	}
	f := &File{Manifest: m, Extra: tail[nm:], r: r, at: make([]int64, len(m.Chunks))}
	at := int64(len(opening))
	for i, c := range m.Chunks {
		f.at[i] = at
		at += int64(c.Size)
	}
	return f, nil
}

const trailerSize64 = int64(trailerSize)

// Chunk reads and checks the chunk with the index i.
func (f *File) Chunk(i int) ([]byte, error) {
	if i < 0 || i >= len(f.at) {
		return nil, fmt.Errorf("%w: chunk %d of %d", ErrSnapshot, i, len(f.at))
	}
	b := make([]byte, f.Manifest.Chunks[i].Size)
	if _, err := f.r.ReadAt(b, f.at[i]); err != nil {
		return nil, fmt.Errorf("store: reading chunk %d of a snapshot: %w", i, err)
	}
	return b, f.Manifest.Check(i, b)
}

// Verify reads all chunks and checks them against the manifest and against each
// other; the root is left to a restore.
func (f *File) Verify(ctx context.Context, progress func(done, total uint64)) error {
	j := joiner{item: func(partKind, []byte, []byte) error { return nil }}
	for i := range f.at {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := f.Chunk(i)
		if err != nil {
			return err
		}
		parts, err := decodeChunk(b)
		if err == nil {
			err = j.chunk(parts)
		}
		if err != nil {
			return fmt.Errorf("chunk %d: %w", i, err)
		}
		if progress != nil {
			progress(uint64(i+1), uint64(len(f.at)))
		}
	}
	return j.end()
}
