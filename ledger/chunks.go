package ledger

import (
	"crypto/sha256"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// NamedChunks calls fn with the hash of each chunk that the state needs: those of
// complete modules, and those that are there of modules under way. A hash may come
// more than once.
func NamedChunks(r Ranger, fn func(hash [32]byte) error) error {
	return namedChunks(r, func([]byte) bool { return true }, fn)
}

func namedChunks(r Ranger, counts func(k []byte) bool, fn func([32]byte) error) error {
	each := func(hashes [][32]byte) error {
		for _, h := range hashes {
			if err := fn(h); err != nil {
				return err
			}
		}
		return nil
	}
	err := r.Range([]byte(prefixModule), func(k, v []byte) error {
		var m StoredModule
		d := cbor.NewDecoder(v)
		if m.decode(d); d.End() != nil {
			return broken("state under %q: %v", k, d.End())
		}
		return each(m.Chunks)
	})
	if err != nil {
		return err
	}
	return r.Range([]byte(prefixUpload), func(k, v []byte) error {
		var u Upload
		d := cbor.NewDecoder(v)
		if u.decode(d); d.End() != nil {
			return broken("state under %q: %v", k, d.End())
		}
		if !counts(k) {
			return nil
		}
		return each(u.Chunks[:min(u.Have, uint64(len(u.Chunks)))])
	})
}

// ExpiredChunks returns the chunks that nothing names any more once the block at a
// height has expired uploads: those of the uploads, without those that another
// upload or a module shares. The view is that before the block. Chunks that the
// block itself brings are to be kept after these are forgotten.
func ExpiredChunks(r Ranger, h Height) ([][32]byte, error) {
	list, err := ptr[expiring](r, expiryKey(h))
	if err != nil || list == nil {
		return nil, err
	}
	gone, lost := map[string]bool{}, map[[32]byte]bool{} // lookups alone
	var order [][32]byte
	for _, k := range list.keys {
		u, err := ptr[Upload](r, k)
		if err != nil {
			return nil, err
		}
		if u == nil {
			continue // complete
		}
		gone[string(k)] = true
		for _, c := range u.Chunks[:min(u.Have, uint64(len(u.Chunks)))] {
			if !lost[c] {
				lost[c] = true
				order = append(order, c)
			}
		}
	}
	if len(order) == 0 {
		return nil, nil
	}
	if err := namedChunks(r, func(k []byte) bool { return !gone[string(k)] }, func(c [32]byte) error { delete(lost, c); return nil }); err != nil {
		return nil, err
	}
	out := order[:0]
	for _, c := range order {
		if lost[c] {
			out = append(out, c)
		}
	}
	return out, nil
}

// ReadModule puts a module together from its chunks, which chunk returns by their
// hashes, and checks it. It returns nil when the chain has no such module or one of
// the chunks is not to be had.
func ReadModule(v View, hash [32]byte, chunk func(hash [32]byte) ([]byte, error)) ([]byte, error) {
	m, err := LoadModule(v, hash)
	if err != nil || m == nil {
		return nil, err
	}
	out := make([]byte, 0, m.Size)
	for i, h := range m.Chunks {
		packed, err := chunk(h)
		if err != nil || packed == nil {
			return nil, err
		}
		part, err := UnpackChunk(packed, m.Size-uint64(len(out)))
		if err != nil {
			return nil, fmt.Errorf("module %x: chunk %d of %d: %w", hash[:4], i, len(m.Chunks), err)
		}
		out = append(out, part...)
	}
	if uint64(len(out)) != m.Size || sha256.Sum256(out) != hash {
		return nil, fmt.Errorf("%w: module %x: its chunks give %d bytes with another hash", ErrModule, hash[:4], len(out))
	}
	return out, nil
}
