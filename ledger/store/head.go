package store

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// head is the record that names a committed state: its height and the tree's
// topmost node. It is the last thing a commit writes and the first one read.
type head struct {
	written bool // false in a store that never committed
	height  uint64
	root    node
}

func (h head) append(b []byte) []byte {
	b = cbor.AppendArray(b, 5)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendUint(b, h.height)
	b = cbor.AppendUint(b, uint64(h.root.kind))
	b = cbor.AppendBytes(b, h.root.hash[:])
	return cbor.AppendBytes(b, h.root.key)
}

// readHead returns the zero head when none was written.
func readHead(r reader) (head, error) {
	b, err := get(r, keyHead)
	if err != nil || b == nil {
		return head{}, err
	}
	h := head{written: true}
	d := cbor.NewDecoder(b)
	d.Version(5, 1)
	h.height = d.Uint()
	h.root.kind = kind(d.UintMax(uint64(inner)))
	h.root.hash = d.Hash()
	h.root.key = d.Bytes(MaxKey)
	if err := d.End(); err != nil {
		return head{}, fmt.Errorf("%w: head record: %v", ErrCorrupt, err)
	}
	if h.root.kind == leaf {
		h.root.path = hashKey(h.root.key)
	}
	return h, nil
}

// check compares the root with the first page's hash.
func (h head) check(r reader) error {
	if h.root.kind != inner {
		return nil
	}
	p, err := readPage(r, [32]byte{}, 0)
	if err != nil {
		return err
	}
	if got := p.hash(); got != h.root.hash {
		return fmt.Errorf("%w: height %d: root is %x, its page hashes to %x", ErrCorrupt, h.height, h.root.hash, got)
	}
	return nil
}
