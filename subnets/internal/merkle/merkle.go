// Package merkle hashes a list of 32-byte leaves into one root, in the shape of
// RFC 6962: the left subtree of n leaves holds the largest power of two below
// n. Leaves are hashed by their owner; inner nodes have their own domain.
package merkle

import (
	"math/bits"

	"github.com/plexus-network/plexus/ledger/key"
)

// Root returns the root of the leaves, zero for none.
func Root(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return [32]byte{}
	case 1:
		return leaves[0]
	}
	k := split(len(leaves))
	return node(Root(leaves[:k]), Root(leaves[k:]))
}

// Proof returns the siblings of leaf i, from the leaf up.
func Proof(leaves [][32]byte, i int) [][32]byte {
	if len(leaves) <= 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(Proof(leaves[:k], i), Root(leaves[k:]))
	}
	return append(Proof(leaves[k:], i-k), Root(leaves[:k]))
}

// Tree holds every node over its leaves, for many proofs of one list.
type Tree struct {
	levels [][][32]byte // the leaves first; a lone last node stands unchanged one level up
}

// NewTree hashes the leaves, which it keeps.
func NewTree(leaves [][32]byte) *Tree {
	t := &Tree{levels: [][][32]byte{leaves}}
	for l := leaves; len(l) > 1; {
		up := make([][32]byte, 0, (len(l)+1)/2)
		for i := 0; i+1 < len(l); i += 2 {
			up = append(up, node(l[i], l[i+1]))
		}
		if len(l)%2 == 1 {
			up = append(up, l[len(l)-1])
		}
		t.levels = append(t.levels, up)
		l = up
	}
	return t
}

// Root returns the root of the leaves, zero for none.
func (t *Tree) Root() (root [32]byte) {
	if top := t.levels[len(t.levels)-1]; len(top) > 0 {
		root = top[0]
	}
	return root
}

// Proof returns the siblings of leaf i, from the leaf up.
func (t *Tree) Proof(i int) (out [][32]byte) {
	for _, l := range t.levels[:len(t.levels)-1] {
		if i^1 < len(l) {
			out = append(out, l[i^1])
		}
		i /= 2
	}
	return out
}

// Verify reports whether leaf is number i of n leaves under root.
func Verify(root [32]byte, n, i uint64, leaf [32]byte, proof [][32]byte) bool {
	got, ok := Climb(n, i, leaf, proof)
	return ok && got == root
}

// Climb returns the root that leaf as number i of n leaves has with these
// siblings; false when they cannot be the siblings of that place.
func Climb(n, i uint64, leaf [32]byte, proof [][32]byte) (root [32]byte, ok bool) {
	if i >= n || len(proof) > 64 {
		return root, false
	}
	// Which side each sibling stands on follows from i and n, from the root down.
	var right []bool // whether the leaf lies in the right subtree, per level
	for n > 1 {
		k := uint64(1) << (bits.Len64(n-1) - 1)
		if i < k {
			right, n = append(right, false), k
		} else {
			right, i, n = append(right, true), i-k, n-k
		}
	}
	if len(proof) != len(right) {
		return root, false
	}
	h := leaf
	for j, sib := range proof {
		if right[len(right)-1-j] {
			h = node(sib, h)
		} else {
			h = node(h, sib)
		}
	}
	return h, true
}

func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

func node(l, r [32]byte) [32]byte { return key.Hash("merkle-node", l[:], r[:]) }
