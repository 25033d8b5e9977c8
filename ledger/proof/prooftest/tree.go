// Package prooftest builds the state's tree in memory, the plain way, for tests
// that need proofs and no store.
package prooftest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"sort"

	"github.com/plexus-network/plexus/ledger/proof"
)

// Tree is the tree of one state.
type Tree struct {
	leaves []leaf // by the hash of the key
}

type leaf struct {
	path, hash [32]byte
}

// New builds the tree of a state's keys and values.
func New(state map[string][]byte) *Tree {
	t := &Tree{}
	for k, v := range state { // sorted below
		path, value := sha256.Sum256([]byte(k)), sha256.Sum256(v)
		t.leaves = append(t.leaves, leaf{path, hash(0, path, value)})
	}
	sort.Slice(t.leaves, func(i, j int) bool { return bytes.Compare(t.leaves[i].path[:], t.leaves[j].path[:]) < 0 })
	return t
}

func hash(tag byte, l, r [32]byte) [32]byte {
	return sha256.Sum256(append(append([]byte{tag}, l[:]...), r[:]...))
}

func bit(path *[32]byte, d int) bool { return path[d/8]>>(7-d%8)&1 == 1 }

// under is the hash of the leaves that share their first d bits: nothing, the leaf
// that stands alone, or the hash of two halves.
func under(l []leaf, d int) [32]byte {
	switch len(l) {
	case 0:
		return [32]byte{}
	case 1:
		return l[0].hash
	}
	i := split(l, d)
	return hash(1, under(l[:i], d+1), under(l[i:], d+1))
}

func split(l []leaf, d int) int {
	return sort.Search(len(l), func(i int) bool { return bit(&l[i].path, d) })
}

// Root is the root of the state.
func (t *Tree) Root() [32]byte { return under(t.leaves, 0) }

// Prove proves a key that is present.
func (t *Tree) Prove(key []byte) (proof.Proof, error) {
	path := sha256.Sum256(key)
	var siblings [][32]byte
	l := t.leaves
	for d := 0; len(l) > 1; d++ {
		i := split(l, d)
		if bit(&path, d) {
			siblings, l = append(siblings, under(l[:i], d+1)), l[i:]
		} else {
			siblings, l = append(siblings, under(l[i:], d+1)), l[:i]
		}
	}
	if len(l) == 0 || l[0].path != path {
		return proof.Proof{}, fmt.Errorf("prooftest: %q is not in the state", key)
	}
	for i, j := 0, len(siblings)-1; i < j; i, j = i+1, j-1 {
		siblings[i], siblings[j] = siblings[j], siblings[i]
	}
	return proof.Proof{Path: siblings}, nil
}
