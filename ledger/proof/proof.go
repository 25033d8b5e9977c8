package proof

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Bounds of what a state holds; those of the store.
const (
	MaxKey   = 512     // bytes of a key
	MaxValue = 1 << 20 // bytes of a value
)

// ErrProof: a proof does not show what it is said to show.
var ErrProof = errors.New("proof does not hold")

// MaxPath is the greatest number of steps from a leaf to the root.
const MaxPath = 256

// MaxProof bounds the bytes of an encoded proof: two neighbours with the
// largest keys and values, and the longest paths.
const MaxProof = 2*(MaxKey+MaxValue+MaxPath*34) + 64

// Proof shows that a key has a value under a root, or that it has none. It is
// an ICS-23 proof of ics23.SmtSpec in a shorter form: of each step it keeps the
// sibling, the side being given by the key.
//
// A key is shown absent by the leaves next to where it would be, and by these
// two being neighbours. At the tree's border one of them is missing; in an
// empty tree both are.
type Proof struct {
	// Path has the siblings from the leaf to the root, zeros for an empty one.
	// It is used when the key is present.
	Path [][32]byte
	// Absent says that the key has no value.
	Absent bool
	// Left and Right are the leaves with the next smaller and the next larger
	// hash of the key; used when Absent.
	Left, Right *Neighbour
}

// Neighbour is a leaf beside an absent key, with its proof of presence.
type Neighbour struct {
	Key, Value []byte
	Path       [][32]byte
}

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

// bit returns the side of the step at depth d, counted from the root: 1 when
// the node is the right child.
func bit(path *[32]byte, d int) byte { return path[d/8] >> (7 - d%8) & 1 }

// climb computes the root from a leaf and its path.
func climb(keyHash [32]byte, value []byte, path [][32]byte) [32]byte {
	h := hashLeaf(keyHash, sha256.Sum256(value))
	for i, sibling := range path {
		if bit(&keyHash, len(path)-1-i) == 0 {
			h = hashInner(h, sibling)
		} else {
			h = hashInner(sibling, h)
		}
	}
	return h
}

// Verify checks that under root the key has the value or, when value is nil,
// none. Any failure is ErrProof.
func Verify(root [32]byte, key, value []byte, p Proof) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: key of %d bytes, want 1..%d", ErrProof, len(key), MaxKey)
	}
	if value == nil {
		return verifyAbsent(root, hashKey(key), p)
	}
	if p.Absent || p.Left != nil || p.Right != nil {
		return fmt.Errorf("%w: it shows absence, a value was expected", ErrProof)
	}
	return verifyPresent(root, key, value, p.Path)
}

func verifyPresent(root [32]byte, key, value []byte, path [][32]byte) error {
	switch {
	case len(key) == 0 || len(key) > MaxKey:
		return fmt.Errorf("%w: key of %d bytes, want 1..%d", ErrProof, len(key), MaxKey)
	case len(value) == 0 || len(value) > MaxValue:
		return fmt.Errorf("%w: value of %d bytes, want 1..%d", ErrProof, len(value), MaxValue)
	case len(path) > MaxPath:
		return fmt.Errorf("%w: %d steps, want at most %d", ErrProof, len(path), MaxPath)
	}
	if got := climb(hashKey(key), value, path); got != root {
		return fmt.Errorf("%w: it leads to root %x, want %x", ErrProof, got, root)
	}
	return nil
}

func verifyAbsent(root, target [32]byte, p Proof) error {
	if !p.Absent || len(p.Path) != 0 {
		return fmt.Errorf("%w: it shows a value, absence was expected", ErrProof)
	}
	var l, r [32]byte
	if p.Left != nil {
		if err := verifyPresent(root, p.Left.Key, p.Left.Value, p.Left.Path); err != nil {
			return fmt.Errorf("left neighbour: %w", err)
		}
		if l = hashKey(p.Left.Key); bytes.Compare(l[:], target[:]) >= 0 {
			return fmt.Errorf("%w: the left neighbour is not left of the key", ErrProof)
		}
	}
	if p.Right != nil {
		if err := verifyPresent(root, p.Right.Key, p.Right.Value, p.Right.Path); err != nil {
			return fmt.Errorf("right neighbour: %w", err)
		}
		if r = hashKey(p.Right.Key); bytes.Compare(r[:], target[:]) <= 0 {
			return fmt.Errorf("%w: the right neighbour is not right of the key", ErrProof)
		}
	}
	fork := -1 // the depth at which the neighbours part
	switch {
	case p.Left == nil && p.Right == nil:
		if root != ([32]byte{}) {
			return fmt.Errorf("%w: no neighbours, and the tree is not empty", ErrProof)
		}
		return nil
	case p.Left != nil && p.Right != nil:
		for fork = 0; bit(&l, fork) == bit(&r, fork); fork++ {
		}
		if fork >= len(p.Left.Path) || fork >= len(p.Right.Path) {
			return fmt.Errorf("%w: a neighbour hangs above the point where they part", ErrProof)
		}
	}
	if p.Left != nil && !border(&l, p.Left.Path, fork, 0) {
		return fmt.Errorf("%w: there may be leaves between the left neighbour and the key", ErrProof)
	}
	if p.Right != nil && !border(&r, p.Right.Path, fork, 1) {
		return fmt.Errorf("%w: there may be leaves between the key and the right neighbour", ErrProof)
	}
	return nil
}

// border reports that below depth fork every step on the given side has an
// empty sibling: that no leaf hangs between this one and the border.
func border(keyHash *[32]byte, path [][32]byte, fork int, side byte) bool {
	for d := fork + 1; d < len(path); d++ {
		if bit(keyHash, d) == side && path[len(path)-1-d] != ([32]byte{}) {
			return false
		}
	}
	return true
}

// Append appends the canonical encoding of p: the array [1, form, …] with form
// 0 and the path for presence; for absence bit 0 of form-1 says that a left
// neighbour follows and bit 1 a right one, each as [key, value, path]. A path
// is an array of byte strings, an empty sibling being an empty string.
func (p Proof) Append(b []byte) []byte {
	form, n := uint64(0), 3
	if p.Absent {
		form, n = 1, 2
		if p.Left != nil {
			form, n = form+1, n+1
		}
		if p.Right != nil {
			form, n = form+2, n+1
		}
	}
	b = cbor.AppendArray(b, n)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendUint(b, form)
	if !p.Absent {
		return appendPath(b, p.Path)
	}
	for _, n := range []*Neighbour{p.Left, p.Right} {
		if n != nil {
			b = cbor.AppendArray(b, 3)
			b = cbor.AppendBytes(b, n.Key)
			b = cbor.AppendBytes(b, n.Value)
			b = appendPath(b, n.Path)
		}
	}
	return b
}

func appendPath(b []byte, path [][32]byte) []byte {
	b = cbor.AppendArray(b, len(path))
	for _, s := range path {
		if s == ([32]byte{}) {
			b = cbor.AppendBytes(b, nil)
		} else {
			b = cbor.AppendBytes(b, s[:])
		}
	}
	return b
}

// Decode reads what Append wrote and nothing else. The proof does not
// alias b. Any failure is ErrProof.
func Decode(b []byte) (Proof, error) {
	if len(b) > MaxProof {
		return Proof{}, fmt.Errorf("%w: %d bytes, want at most %d", ErrProof, len(b), MaxProof)
	}
	d := cbor.NewDecoder(b)
	n := d.ArrayMax(4)
	if d.UintMax(1) != 1 {
		d.Fail(cbor.ErrRange)
	}
	form := d.UintMax(4)
	var p Proof
	if form == 0 {
		p.Path = decodePath(d)
	} else {
		p.Absent = true
		if (form-1)&1 != 0 {
			p.Left = decodeNeighbour(d)
		}
		if (form-1)&2 != 0 {
			p.Right = decodeNeighbour(d)
		}
	}
	if want := []int{3, 2, 3, 3, 4}[form]; d.Err() == nil && n != want {
		d.Fail(cbor.ErrLength)
	}
	if err := d.End(); err != nil {
		return Proof{}, fmt.Errorf("%w: %v", ErrProof, err)
	}
	return p, nil
}

func decodeNeighbour(d *cbor.Decoder) *Neighbour {
	d.Array(3)
	n := &Neighbour{Key: bytes.Clone(d.Bytes(MaxKey)), Value: bytes.Clone(d.Bytes(MaxValue))}
	n.Path = decodePath(d)
	return n
}

func decodePath(d *cbor.Decoder) [][32]byte {
	n := d.ArrayMax(MaxPath)
	path := make([][32]byte, 0, n)
	for i := 0; i < n && d.Err() == nil; i++ {
		s := d.Bytes(32)
		if len(s) != 0 && (len(s) != 32 || bytes.Equal(s, make([]byte, 32))) {
			d.Fail(cbor.ErrLength)
			return nil
		}
		var h [32]byte
		copy(h[:], s)
		path = append(path, h)
	}
	return path
}
