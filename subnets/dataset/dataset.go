// Package dataset holds the data that a subnet's tasks draw from: one file cut
// into slices of equal size, under one Merkle root that the subnet names on
// chain. A round opens a few slices; each travels with its proof, so that a
// stranger needs the root alone.
package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/internal/merkle"
)

// MaxFile bounds a data file.
const MaxFile = 256 << 20

// Errors of a data file.
var (
	ErrTooShort = errors.New("dataset: shorter than one slice")
	ErrRoot     = errors.New("dataset: not the data that the subnet names")
	ErrProof    = errors.New("dataset: slice does not belong to the data set")
)

// Set is a data set in memory.
type Set struct {
	data   []byte
	slice  int
	leaves [][32]byte
	root   [32]byte
}

// New cuts data into slices of the given size; what remains at the end is left
// out. The set keeps data.
func New(data []byte, slice int) (*Set, error) {
	if slice <= 0 || len(data) < slice {
		return nil, fmt.Errorf("%w: %d bytes, a slice has %d", ErrTooShort, len(data), slice)
	}
	s := &Set{data: data, slice: slice}
	for i := 0; i < len(data)/slice; i++ {
		s.leaves = append(s.leaves, leaf(uint64(i), data[i*slice:(i+1)*slice]))
	}
	s.root = merkle.Root(s.leaves)
	return s, nil
}

// Open reads the data set that a subnet names from a file: ErrRoot when it is
// another.
func Open(file string, want ledger.DataSet) (*Set, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxFile {
		return nil, fmt.Errorf("dataset: %s has %d bytes, at most %d", file, info.Size(), MaxFile)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := New(b, int(want.Slice))
	if err != nil {
		return nil, err
	}
	if !s.Is(want) {
		return nil, fmt.Errorf("%w: %s has root %x, the subnet names %x", ErrRoot, file, s.root[:6], want.Root[:6])
	}
	return s, nil
}

// Named is how the ledger names the set.
func (s *Set) Named() ledger.DataSet {
	return ledger.DataSet{Root: s.root, Slices: uint64(len(s.leaves)), Slice: uint64(s.slice)}
}

// Is reports whether the set is the one that the ledger names, however its
// slices are divided into windows.
func (s *Set) Is(named ledger.DataSet) bool {
	n := s.Named()
	return n.Root == named.Root && n.Slices == named.Slices && n.Slice == named.Slice
}

// Slice returns slice i and its proof.
func (s *Set) Slice(i uint64) ([]byte, [][32]byte) {
	return s.data[int(i)*s.slice : (int(i)+1)*s.slice], merkle.Proof(s.leaves, int(i))
}

// Verify reports ErrProof unless data is slice i of the named set.
func Verify(named ledger.DataSet, i uint64, data []byte, proof [][32]byte) error {
	if uint64(len(data)) != named.Slice || !merkle.Verify(named.Root, named.Slices, i, leaf(i, data), proof) {
		return fmt.Errorf("%w: slice %d", ErrProof, i)
	}
	return nil
}

func leaf(i uint64, data []byte) [32]byte {
	return key.Hash("slice", binary.BigEndian.AppendUint64(nil, i), data)
}
