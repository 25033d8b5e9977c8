package store

import (
	"bytes"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// MaxChunk bounds a chunk of a snapshot in bytes.
const MaxChunk = 1 << 20

// A chunk is [1, [[kind, key, more, bytes], …]]: the state's keys in rising
// order, then the blobs in rising order of their hashes. What does not fit into
// the rest of a chunk is cut, and more says that its next part opens the next
// chunk; so the chunks depend on the content alone.
type part struct {
	kind partKind
	key  []byte
	more bool
	data []byte
}

type partKind uint64

const (
	partValue partKind = iota
	partBlob
)

const (
	chunkFrame = 16             // bytes of a chunk beside its parts, at most
	partFrame  = 1 + 1 + 1 + 10 // and of a part beside key and data
	maxParts   = MaxChunk / 4
	minPart    = 64 // a smaller rest of a chunk is left empty
)

// cutter fills chunks with values and blobs and hands over each full one.
type cutter struct {
	parts []byte // encoded
	count int
	emit  func(chunk []byte) error
}

func (c *cutter) add(kind partKind, key, data []byte) error {
	for {
		room := MaxChunk - chunkFrame - len(c.parts) - partFrame - len(key)
		if room < min(minPart, len(data)) {
			if err := c.flush(); err != nil {
				return err
			}
			continue
		}
		n := min(room, len(data))
		p := part{kind, key, n < len(data), data[:n]}
		c.parts = p.append(c.parts)
		c.count++
		if data = data[n:]; !p.more {
			return nil
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
}

func (c *cutter) flush() error {
	if c.count == 0 {
		return nil
	}
	b := cbor.AppendUint(cbor.AppendArray(make([]byte, 0, chunkFrame+len(c.parts)), 2), 1)
	b = append(cbor.AppendArray(b, c.count), c.parts...)
	c.parts, c.count = c.parts[:0], 0
	return c.emit(b)
}

func (p part) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), uint64(p.kind))
	b = cbor.AppendBool(cbor.AppendBytes(b, p.key), p.more)
	return cbor.AppendBytes(b, p.data)
}

// decodeChunk reads the parts of one chunk; they alias b. What holds between
// chunks is for joiner to see.
func decodeChunk(b []byte) ([]part, error) {
	if len(b) > MaxChunk {
		return nil, fmt.Errorf("%w: chunk of %d bytes, at most %d", ErrSnapshot, len(b), MaxChunk)
	}
	d := cbor.NewDecoder(b)
	d.Version(2, 1)
	n := d.ArrayMax(maxParts)
	var out []part
	for i := range n {
		d.Array(4)
		p := part{kind: partKind(d.UintMax(uint64(partBlob))), key: d.Bytes(MaxKey), more: d.Bool(), data: d.Bytes(MaxChunk)}
		if len(p.key) == 0 || len(p.data) == 0 || p.kind == partBlob && len(p.key) != 32 || p.more && i < n-1 {
			d.Fail(cbor.ErrLength)
		}
		if d.Err() != nil {
			break
		}
		out = append(out, p)
	}
	if len(out) == 0 {
		d.Fail(cbor.ErrLength)
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: chunk: %w", ErrSnapshot, err)
	}
	return out, nil
}

// joiner puts the parts of successive chunks together again and sees to the
// order that makes their form the only one.
type joiner struct {
	last  part   // the key before, of any kind
	open  []byte // collected so far of a cut item
	begun bool
	cut   bool
	item  func(kind partKind, key, data []byte) error
}

func (j *joiner) chunk(parts []part) error {
	for i, p := range parts {
		same := p.kind == j.last.kind && bytes.Equal(p.key, j.last.key)
		rising := !j.begun || p.kind > j.last.kind || p.kind == j.last.kind && bytes.Compare(p.key, j.last.key) > 0
		switch {
		case j.cut && (!same || i > 0):
			return fmt.Errorf("%w: the rest of key %x is missing", ErrSnapshot, j.last.key)
		case !j.cut && !rising:
			return fmt.Errorf("%w: key %x is out of order", ErrSnapshot, p.key)
		}
		limit := MaxValue
		if p.kind == partBlob {
			limit = MaxBlob
		}
		if len(j.open)+len(p.data) > limit {
			return fmt.Errorf("%w: key %x has more than %d bytes", ErrSnapshot, p.key, limit)
		}
		data := p.data
		if j.cut || p.more {
			j.open = append(j.open, p.data...)
			data = j.open
		}
		j.begun, j.cut = true, p.more
		j.last = part{kind: p.kind, key: bytes.Clone(p.key)}
		if p.more {
			continue
		}
		if err := j.item(p.kind, j.last.key, data); err != nil {
			return err
		}
		j.open = j.open[:0]
	}
	return nil
}

// end reports an item whose rest never came.
func (j *joiner) end() error {
	if j.cut {
		return fmt.Errorf("%w: the rest of key %x is missing", ErrSnapshot, j.last.key)
	}
	return nil
}
