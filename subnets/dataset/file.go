package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Format says what the slices of a set are made of.
type Format uint8

// The formats, numbered as in files.
const (
	Raw   Format = iota // equal parts of a file
	Lines               // lines of a text, without what ends them
	TSV                 // rows, their columns divided by tabs
	CSV                 // likewise, read from comma-separated values
	Files               // files of a folder, each as its path, a line feed and its bytes
)

var formatNames = [...]string{"raw", "lines", "tsv", "csv", "files"}

// String is the format's name.
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// ParseFormat reads a format's name.
func ParseFormat(s string) (Format, error) {
	for i, n := range formatNames {
		if n == s {
			return Format(i), nil
		}
	}
	return 0, fmt.Errorf("format %q: must be raw, lines, tsv, csv or files", s)
}

// ErrFormat is returned for a file of a set that does not decode.
var ErrFormat = errors.New("dataset: broken file of a data set")

const (
	magic     = "PLXDATA\x01"
	maxHeader = 64
)

// Encode appends the set's file: of a sealed set, the public one.
func (s *Set) Encode(b []byte) []byte {
	if s.sealed != nil {
		return s.sealed.Encode(b)
	}
	h := cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(nil, 4), 1), uint64(s.kind))
	h = cbor.AppendUint(cbor.AppendUint(h, uint64(s.Len())), uint64(s.slice))
	b = append(binary.BigEndian.AppendUint32(append(b, magic...), uint32(len(h))), h...)
	from := uint32(0)
	for _, end := range s.ends {
		b = binary.BigEndian.AppendUint32(b, end-from)
		from = end
	}
	if s.ends == nil {
		return append(b, s.data[:s.Len()*s.slice]...)
	}
	return append(b, s.data...)
}

// header splits a file after its header.
func header(b []byte, magic string) (head, rest []byte, err error) {
	if len(b) < len(magic)+4 || string(b[:len(magic)]) != magic {
		return nil, nil, fmt.Errorf("%w: it does not begin as one of this version", ErrFormat)
	}
	b = b[len(magic):]
	n := binary.BigEndian.Uint32(b)
	if n > maxHeader || len(b)-4 < int(n) {
		return nil, nil, fmt.Errorf("%w: a header of %d bytes", ErrFormat, n)
	}
	return b[4 : 4+n], b[4+n:], nil
}

// Decode reads what Encode wrote; the set keeps b. What does not decode is
// ErrFormat.
func Decode(b []byte) (*Set, error) {
	head, rest, err := header(b, magic)
	if err != nil {
		return nil, err
	}
	d := cbor.NewDecoder(head)
	d.Version(4, 1)
	kind, slices, most := Format(d.UintMax(uint64(Files))), d.UintMax(MaxFile), d.UintMax(MaxSlice)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrFormat, err)
	}
	if slices == 0 || most == 0 {
		return nil, fmt.Errorf("%w: %d slices of %d bytes", ErrFormat, slices, most)
	}
	if kind == Raw {
		if slices*most != uint64(len(rest)) {
			return nil, fmt.Errorf("%w: %d slices of %d bytes in %d bytes", ErrFormat, slices, most, len(rest))
		}
		return New(rest, int(most))
	}
	if slices > MaxSlices || uint64(len(rest)) < 4*slices {
		return nil, fmt.Errorf("%w: %d slices in %d bytes", ErrFormat, slices, len(rest))
	}
	ends, longest, err := readEnds(rest[:4*slices], uint64(len(rest))-4*slices, most)
	if err != nil {
		return nil, err
	}
	if longest != most {
		return nil, fmt.Errorf("%w: the longest slice has %d bytes, the header says %d", ErrFormat, longest, most)
	}
	return newRecords(rest[4*slices:], ends, kind), nil
}

// readEnds turns the lengths of slices into their ends, which fill size bytes.
func readEnds(lengths []byte, size, most uint64) (ends []uint32, longest uint64, err error) {
	ends = make([]uint32, len(lengths)/4)
	at := uint64(0)
	for i := range ends {
		n := uint64(binary.BigEndian.Uint32(lengths[4*i:]))
		if n == 0 || n > most {
			return nil, 0, fmt.Errorf("%w: slice %d has %d bytes, at most %d", ErrFormat, i, n, most)
		}
		at, longest = at+n, max(longest, n)
		ends[i] = uint32(at)
	}
	if at != size || at > MaxFile {
		return nil, 0, fmt.Errorf("%w: slices of %d bytes in %d bytes", ErrFormat, at, size)
	}
	return ends, longest, nil
}

// Load reads a file that Encode or Sealed.Encode wrote, whatever its root.
func Load(file string) (*Set, error) {
	b, err := readFile(file)
	if err != nil {
		return nil, err
	}
	s, err := decodeAny(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

func decodeAny(b []byte) (*Set, error) {
	if bytes.HasPrefix(b, []byte(sealedMagic)) {
		x, err := DecodeSealed(b)
		if err != nil {
			return nil, err
		}
		return x.Set(), nil
	}
	return Decode(b)
}

// Check reads a file of either kind and reports ErrRoot unless its root is id: it
// judges what peers send.
func Check(id [32]byte) func(io.ReaderAt, int64) error {
	return func(r io.ReaderAt, size int64) error {
		if size > MaxFile {
			return fmt.Errorf("%w: %d bytes", ErrFormat, size)
		}
		b := make([]byte, size)
		if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		s, err := decodeAny(b)
		if err != nil {
			return err
		}
		if s.root != id {
			return fmt.Errorf("%w: it has root %x", ErrRoot, s.root[:6])
		}
		return nil
	}
}

// Save writes a file whole or not at all, of mode 0600.
func Save(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		os.Remove(tmp.Name())
	}
	return err
}
