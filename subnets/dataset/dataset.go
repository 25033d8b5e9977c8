package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/internal/merkle"
)

// Bounds of a data set.
const (
	MaxFile   = 256 << 20 // bytes of a file
	MaxSlice  = 4 << 20   // bytes of a slice; the ledger holds it too
	MaxSlices = 1 << 22   // slices, since their hashes are held in memory
)

// Errors of a data file.
var (
	ErrTooShort = errors.New("dataset: shorter than one slice")
	ErrRoot     = errors.New("dataset: not the data that the subnet names")
	ErrProof    = errors.New("dataset: slice does not belong to the data set")
	ErrLocked   = errors.New("dataset: sealed, and no key opens it")
)

// Set is a data set in memory.
type Set struct {
	data  []byte
	slice int      // most bytes of a slice, of a raw set exactly
	ends  []uint32 // where each slice ends; nil for a raw set, whose slices are equal
	kind  Format
	tree  *merkle.Tree
	root  [32]byte

	sealed *Sealed // whose keys open the slices, nil for a set that is open
}

// New cuts raw data into slices of the given size; what remains at the end is
// left out. The set keeps data.
func New(data []byte, slice int) (*Set, error) {
	if slice <= 0 || len(data) < slice {
		return nil, fmt.Errorf("%w: %d bytes, a slice has %d", ErrTooShort, len(data), slice)
	}
	if len(data)/slice > MaxSlices {
		return nil, fmt.Errorf("dataset: %d slices of %d bytes: at most %d slices", len(data)/slice, slice, MaxSlices)
	}
	leaves := make([][32]byte, len(data)/slice)
	for i := range leaves {
		leaves[i] = rawLeaf(uint64(i), data[i*slice:(i+1)*slice])
	}
	s := &Set{data: data, slice: slice, kind: Raw, tree: merkle.NewTree(leaves)}
	s.root = s.tree.Root()
	return s, nil
}

// newRecords makes a set of slices of different lengths, laid end to end in data.
func newRecords(data []byte, ends []uint32, kind Format) *Set {
	s := &Set{data: data, ends: ends, kind: kind}
	leaves := make([][32]byte, len(ends))
	from := uint32(0)
	for i, end := range ends {
		leaves[i] = recordLeaf(uint64(i), data[from:end])
		s.slice = max(s.slice, int(end-from))
		from = end
	}
	s.tree = merkle.NewTree(leaves)
	s.root = s.tree.Root()
	return s
}

// Open reads the data set that a subnet names from a file: ErrRoot when it is
// another. A file that Encode did not write is raw data; one of a sealed set opens
// without its keys.
func Open(file string, want ledger.DataSet) (*Set, error) {
	b, err := readFile(file)
	if err != nil {
		return nil, err
	}
	var s *Set
	switch {
	case bytes.HasPrefix(b, []byte(magic)):
		s, err = Decode(b)
	case bytes.HasPrefix(b, []byte(sealedMagic)):
		var x *Sealed
		if x, err = DecodeSealed(b); err == nil {
			s = x.Set()
		}
	default:
		if want.Slice > MaxSlice {
			return nil, fmt.Errorf("%w: %s: a slice has %d bytes, at most %d", ErrTooShort, file, want.Slice, MaxSlice)
		}
		s, err = New(b, int(want.Slice))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if s.sealed != nil && s.root == want.Root && s.sealed.window != want.Window {
		return nil, fmt.Errorf("%w: %s is sealed in windows of %d slices, the chain says %d: its owner must name it with --window %d",
			ErrRoot, file, s.sealed.window, want.Window, s.sealed.window)
	}
	if !s.Is(want) {
		return nil, fmt.Errorf("%w: %s has root %x, the subnet names %x", ErrRoot, file, s.root[:6], want.Root[:6])
	}
	return s, nil
}

func readFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFile {
		return nil, fmt.Errorf("dataset: %s has %d bytes, at most %d", file, info.Size(), MaxFile)
	}
	return os.ReadFile(file)
}

// Named is how the ledger names the set.
func (s *Set) Named() ledger.DataSet {
	n := ledger.DataSet{Root: s.root, Slices: uint64(s.Len()), Slice: uint64(s.slice)}
	if s.sealed != nil {
		n.Window = s.sealed.window
	}
	return n
}

// Is reports whether the set is the one that the ledger names. How an open one is
// divided into windows is the chain's matter; a sealed one is by itself.
func (s *Set) Is(named ledger.DataSet) bool {
	n := s.Named()
	if s.sealed != nil && n.Window != named.Window {
		return false
	}
	return n.Root == named.Root && n.Slices == named.Slices && n.Slice == named.Slice
}

// Len is the number of slices.
func (s *Set) Len() int {
	switch {
	case s.sealed != nil:
		return len(s.sealed.leaves)
	case s.ends != nil:
		return len(s.ends)
	}
	return len(s.data) / s.slice
}

// Format says what the slices are.
func (s *Set) Format() Format { return s.kind }

// Sealed is the sealed set that this one reads, nil for an open one.
func (s *Set) Sealed() *Sealed { return s.sealed }

// bytes are those of slice i of an open set.
func (s *Set) bytes(i int) []byte {
	if s.ends == nil {
		return s.data[i*s.slice : (i+1)*s.slice]
	}
	from := uint32(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	return s.data[from:s.ends[i]]
}

// Slice returns slice i and its proof. Of a sealed set it fails with ErrLocked
// where there is no key, and with ErrSealed where the ciphertext is not the
// data.
func (s *Set) Slice(i uint64) ([]byte, [][32]byte, error) {
	if i >= uint64(s.Len()) {
		return nil, nil, fmt.Errorf("dataset: slice %d: there are %d", i, s.Len())
	}
	if s.sealed != nil {
		return s.sealed.slice(i)
	}
	return s.bytes(int(i)), s.tree.Proof(int(i)), nil
}

// Verify reports ErrProof unless data is slice i of the named set. The three
// kinds of leaves have domains of their own, so that none passes for another; of
// a sealed set the proof begins with the salt of the slice and ends with the hash
// of the sealed file, which the root covers.
func Verify(named ledger.DataSet, i uint64, data []byte, proof [][32]byte) error {
	ok := uint64(len(data)) <= named.Slice &&
		(uint64(len(data)) == named.Slice && merkle.Verify(named.Root, named.Slices, i, rawLeaf(i, data), proof) ||
			merkle.Verify(named.Root, named.Slices, i, recordLeaf(i, data), proof) ||
			verifySealed(named, i, data, proof))
	if !ok {
		return fmt.Errorf("%w: slice %d", ErrProof, i)
	}
	return nil
}

func rawLeaf(i uint64, data []byte) [32]byte {
	return key.Hash("slice", binary.BigEndian.AppendUint64(nil, i), data)
}

func recordLeaf(i uint64, data []byte) [32]byte {
	return key.Hash("record", binary.BigEndian.AppendUint64(nil, i), data)
}
