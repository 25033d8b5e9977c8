package store

import (
	"bytes"
	"fmt"

	"github.com/plexus-network/plexus/ledger/proof"
)

// MaxPath and MaxProof are those of package proof.
const (
	MaxPath  = proof.MaxPath
	MaxProof = proof.MaxProof
)

// Proof and Neighbour are those of package proof, which verifies without a store.
type (
	Proof     = proof.Proof
	Neighbour = proof.Neighbour
)

// ErrProof is proof.ErrProof.
var ErrProof = proof.ErrProof

// Verify is proof.Verify.
func Verify(root [32]byte, key, value []byte, p Proof) error {
	return proof.Verify(root, key, value, p)
}

// DecodeProof is proof.Decode.
func DecodeProof(b []byte) (Proof, error) { return proof.Decode(b) }

// Prove returns the proof of key at the view's height: of presence when it has
// a value, of absence else.
func (s *Snapshot) Prove(key []byte) (Proof, error) {
	if len(key) == 0 || len(key) > MaxKey {
		return Proof{}, fmt.Errorf("store: prove: %w: key of %d bytes, want 1..%d", ErrBounds, len(key), MaxKey)
	}
	w, err := s.walk(hashKey(key))
	if err != nil {
		return Proof{}, err
	}
	if w.end.kind == leaf && w.end.path == w.target {
		return Proof{Path: w.siblings()}, nil
	}
	left, right, err := s.around(w)
	if err != nil {
		return Proof{}, err
	}
	p := Proof{Absent: true}
	if p.Left, err = s.neighbour(left); err != nil {
		return Proof{}, err
	}
	p.Right, err = s.neighbour(right)
	return p, err
}

// walk is the way from the root towards a target.
type walk struct {
	target [32]byte
	pages  []page // by depth
	end    node   // a leaf, or nothing
}

func (s *Snapshot) walk(target [32]byte) (*walk, error) {
	w := &walk{target: target, end: s.head.root, pages: make([]page, 0, 8)}
	for w.end.kind == inner {
		depth := len(w.pages)
		p, err := readPage(s.p, target, depth)
		if err != nil {
			return nil, err
		}
		w.pages = append(w.pages, p)
		w.end = p[nibble(&target, depth)]
	}
	return w, nil
}

// siblings returns those of the leaf at the end, from the leaf up.
func (w *walk) siblings() (out [][32]byte) {
	at := branch{kind: w.end.kind}
	for depth := len(w.pages) - 1; depth >= 0; depth-- {
		p, x := &w.pages[depth], nibble(&w.target, depth)
		for wide := 1; wide < 16; wide *= 2 {
			beside := p.part((x/wide^1)*wide, wide)
			if at.kind == leaf && beside.kind == empty {
				continue // the leaf stands alone: it is its own parent
			}
			at.kind = inner
			out = append(out, beside.hash)
		}
	}
	return out
}

// around returns the leaves nearest to the walk's target on either side. Where
// the walk ends in a leaf that is not the target, that leaf is one of them.
func (s *Snapshot) around(w *walk) (left, right node, err error) {
	if w.end.kind == leaf {
		if bytes.Compare(w.end.path[:], w.target[:]) < 0 {
			left = w.end
		} else {
			right = w.end
		}
	}
	for depth := len(w.pages) - 1; depth >= 0 && err == nil && (left.kind == empty || right.kind == empty); depth-- {
		p, x := &w.pages[depth], nibble(&w.target, depth)
		for y := x - 1; y >= 0 && err == nil && left.kind == empty; y-- {
			left, err = s.outermost(p[y], withNibble(w.target, depth, y), depth+1, true)
		}
		for y := x + 1; y < 16 && err == nil && right.kind == empty; y++ {
			right, err = s.outermost(p[y], withNibble(w.target, depth, y), depth+1, false)
		}
	}
	return left, right, err
}

// withNibble returns path with the nibble at depth set to x; what follows is
// of no use.
func withNibble(path [32]byte, depth, x int) [32]byte {
	if depth&1 == 0 {
		path[depth/2] = byte(x)<<4 | path[depth/2]&15
	} else {
		path[depth/2] = path[depth/2]&0xf0 | byte(x)
	}
	return path
}

// outermost returns the last leaf of the subtree n, or the first.
func (s *Snapshot) outermost(n node, path [32]byte, depth int, last bool) (node, error) {
	for ; n.kind == inner; depth++ {
		p, err := readPage(s.p, path, depth)
		if err != nil {
			return node{}, err
		}
		x := 0
		for i := range p {
			if p[i].kind != empty {
				if x = i; !last {
					break
				}
			}
		}
		n, path = p[x], withNibble(path, depth, x)
	}
	return n, nil
}

func (s *Snapshot) neighbour(n node) (*Neighbour, error) {
	if n.kind != leaf {
		return nil, nil
	}
	v, err := s.Get(n.key)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fmt.Errorf("%w: key %x is in the tree and has no value", ErrCorrupt, n.key)
	}
	w, err := s.walk(n.path)
	if err != nil {
		return nil, err
	}
	return &Neighbour{Key: bytes.Clone(n.key), Value: v, Path: w.siblings()}, nil
}
