package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/cockroachdb/pebble/v2"
)

// The tree is a sparse Merkle tree over SHA-256 of the keys, kept as pages of
// 16 children: page (d, path) holds the nodes whose paths begin with the first
// d nibbles of path. A subtree with one leaf is that leaf, at whatever height
// it stands alone, so that depth grows with the logarithm of the number of
// keys. A page hashes as four binary levels, so proofs are those of a binary
// tree while the disk sees a quarter of its depth.
//
//	leaf  = SHA-256(0x00 ‖ SHA-256(key) ‖ SHA-256(value))
//	inner = SHA-256(0x01 ‖ left ‖ right)
//	empty = 32 zero bytes

type kind byte

const (
	empty kind = iota
	leaf
	inner
)

// node is a child of a page. A leaf carries its key, because ICS-23 proofs of
// absence show the neighbours' keys and values.
type node struct {
	kind kind
	hash [32]byte
	path [32]byte // leaf: SHA-256 of key
	key  []byte   // leaf
}

type page [16]node

func hashKey(key []byte) [32]byte { return sha256.Sum256(key) }

func hashLeaf(path, value [32]byte) [32]byte {
	var in [65]byte
	copy(in[1:], path[:])
	copy(in[33:], value[:])
	return sha256.Sum256(in[:])
}

func hashInner(left, right [32]byte) [32]byte {
	var in [65]byte
	in[0] = 1
	copy(in[1:], left[:])
	copy(in[33:], right[:])
	return sha256.Sum256(in[:])
}

// nibble returns the d-th group of four bits of path, which picks the child at
// depth d.
func nibble(path *[32]byte, d int) int {
	if d&1 == 0 {
		return int(path[d/2] >> 4)
	}
	return int(path[d/2] & 15)
}

// branch is a node of the binary levels inside a page.
type branch struct {
	kind kind
	hash [32]byte
}

func join(l, r *branch) branch {
	switch {
	case l.kind == empty && r.kind == empty:
		return branch{}
	case l.kind == leaf && r.kind == empty:
		return *l
	case l.kind == empty && r.kind == leaf:
		return *r
	}
	return branch{inner, hashInner(l.hash, r.hash)}
}

// part returns the binary node over wide children of p from low on; wide is a
// power of two, 16 for the whole page.
func (p *page) part(low, wide int) branch {
	var at [16]branch
	for i := range wide {
		at[i] = branch{p[low+i].kind, p[low+i].hash}
	}
	for ; wide > 1; wide /= 2 {
		for i := range wide / 2 {
			at[i] = join(&at[2*i], &at[2*i+1])
		}
	}
	return at[0]
}

func (p *page) hash() [32]byte { return p.part(0, 16).hash }

// pageKey is the Pebble key of a page: depth, then the first depth nibbles.
func pageKey(path [32]byte, depth int) []byte {
	n := (depth + 1) / 2
	out := make([]byte, 2+n)
	out[0], out[1] = spaceTree, byte(depth)
	copy(out[2:], path[:n])
	if depth&1 == 1 {
		out[1+n] &= 0xf0
	}
	return out
}

// append encodes p: two masks of 16 bits that say which children are leaves
// and which inner, then the children in order; a leaf as path, hash, length of
// the key and key, an inner one as its hash.
func (p *page) append(b []byte) []byte {
	var leaves, inners uint16
	for i := range p {
		switch p[i].kind {
		case leaf:
			leaves |= 1 << i
		case inner:
			inners |= 1 << i
		}
	}
	b = binary.BigEndian.AppendUint16(b, leaves)
	b = binary.BigEndian.AppendUint16(b, inners)
	for i := range p {
		switch n := &p[i]; n.kind {
		case leaf:
			b = append(append(b, n.path[:]...), n.hash[:]...)
			b = binary.BigEndian.AppendUint16(b, uint16(len(n.key)))
			b = append(b, n.key...)
		case inner:
			b = append(b, n.hash[:]...)
		}
	}
	return b
}

// decodePage reads what append wrote. The keys alias b.
func decodePage(b []byte) (p page, ok bool) {
	if len(b) < 4 {
		return p, false
	}
	leaves, inners := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if leaves&inners != 0 {
		return p, false
	}
	b = b[4:]
	take := func(dst []byte) {
		if ok = ok && len(b) >= len(dst); ok {
			b = b[copy(dst, b):]
		}
	}
	ok = true
	for i := range p {
		n := &p[i]
		switch {
		case leaves>>i&1 == 1:
			n.kind = leaf
			var size [2]byte
			take(n.path[:])
			take(n.hash[:])
			take(size[:])
			k := int(binary.BigEndian.Uint16(size[:]))
			if ok = ok && k > 0 && k <= MaxKey && len(b) >= k; ok {
				n.key, b = b[:k:k], b[k:]
			}
		case inners>>i&1 == 1:
			n.kind = inner
			take(n.hash[:])
		}
	}
	return p, ok && len(b) == 0
}

func readPage(r reader, path [32]byte, depth int) (page, error) {
	b, err := get(r, pageKey(path, depth))
	if err != nil {
		return page{}, err
	}
	return checkPage(b, path, depth)
}

func checkPage(b []byte, path [32]byte, depth int) (page, error) {
	p, ok := decodePage(b)
	if !ok {
		return page{}, fmt.Errorf("%w: tree page at depth %d of %x: %d bytes", ErrCorrupt, depth, path, len(b))
	}
	return p, nil
}

// change is one write of a block as the tree sees it. A nil key of a deleted
// leaf is never needed.
type change struct {
	path  [32]byte
	value [32]byte // SHA-256 of the value
	key   []byte
	gone  bool
	seq   int // place among the block's writes: a later one of a key wins
}

// update applies changes, sorted by path and without doubles, to the subtree
// cur at depth, reading and writing each page at most once.
type update struct {
	r    reader
	save func(pageKey, page []byte) error // must not keep its arguments
	drop func(pageKey []byte) error
	buf  []byte // of the page being saved

	// Many pages are read in rising order at each depth, where stepping is cheaper
	// than looking each up.
	steps bool
	its   [65]*pebble.Iterator // by depth, made when needed
}

// manyChanges is from how many writes of a block on pages are read by steps.
const manyChanges = 512

func (u *update) read(path [32]byte, depth int) (page, error) {
	if !u.steps || depth < 2 || depth >= len(u.its) {
		return readPage(u.r, path, depth)
	}
	it, k := u.its[depth], pageKey(path, depth)
	if it == nil {
		var err error
		if it, err = u.r.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceTree, byte(depth)}, UpperBound: []byte{spaceTree, byte(depth + 1)}}); err != nil {
			return page{}, wrap(err)
		}
		u.its[depth] = it
	}
	if !it.SeekGE(k) || !bytes.Equal(it.Key(), k) {
		if err := it.Error(); err != nil {
			return page{}, wrap(err)
		}
		return checkPage(nil, path, depth)
	}
	v, err := it.ValueAndErr()
	if err != nil {
		return page{}, wrap(err)
	}
	return checkPage(bytes.Clone(v), path, depth)
}

// close ends the reading; it may be called when nothing was read.
func (u *update) close() (err error) {
	for _, it := range u.its {
		if it != nil {
			err = errors.Join(err, finish(it))
		}
	}
	return err
}

func (u *update) apply(cur node, depth int, changes []change) (node, error) {
	if len(changes) == 0 {
		return cur, nil
	}
	switch cur.kind {
	case leaf:
		for i := range changes {
			if changes[i].path == cur.path {
				return u.build(depth, changes, nil)
			}
		}
		return u.build(depth, changes, &cur)
	case inner:
		p, err := u.read(changes[0].path, depth)
		if err != nil {
			return node{}, err
		}
		return u.finish(&p, depth, changes)
	}
	return u.build(depth, changes, nil)
}

// build makes the subtree of what changes leave, and of keep, where nothing
// but keep was before.
func (u *update) build(depth int, changes []change, keep *node) (node, error) {
	live := make([]change, 0, len(changes))
	for _, c := range changes {
		if !c.gone {
			live = append(live, c)
		}
	}
	switch {
	case len(live) == 0 && keep == nil:
		return node{}, nil
	case len(live) == 0:
		return *keep, nil
	case len(live) == 1 && keep == nil:
		c := live[0]
		return node{leaf, hashLeaf(c.path, c.value), c.path, c.key}, nil
	}
	var p page
	if keep != nil {
		p[nibble(&keep.path, depth)] = *keep
	}
	return u.finish(&p, depth, live)
}

// finish applies changes to the children of p and stores p, unless one leaf or
// nothing is left of it.
func (u *update) finish(p *page, depth int, changes []change) (node, error) {
	at := changes[0].path
	for i := 0; i < len(changes); {
		x, j := nibble(&changes[i].path, depth), i
		for j < len(changes) && nibble(&changes[j].path, depth) == x {
			j++
		}
		child, err := u.apply(p[x], depth+1, changes[i:j])
		if err != nil {
			return node{}, err
		}
		p[x] = child
		i = j
	}
	return u.settle(p, at, depth)
}

// settle stores p, the page at depth on the way to at, and returns the node
// that it is; of one leaf or nothing no page is left.
func (u *update) settle(p *page, at [32]byte, depth int) (node, error) {
	var used uint16
	for i := range p {
		if p[i].kind != empty {
			used |= 1 << i
		}
	}
	if used == 0 {
		return node{}, u.drop(pageKey(at, depth))
	}
	if only := p[bits.TrailingZeros16(used)]; bits.OnesCount16(used) == 1 && only.kind == leaf {
		return only, u.drop(pageKey(at, depth))
	}
	u.buf = p.append(u.buf[:0])
	return node{kind: inner, hash: p.hash()}, u.save(pageKey(at, depth), u.buf)
}
