package cbor

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"
)

// The expected bytes are those of RFC 8949, appendix A.
func TestVectors(t *testing.T) {
	for _, c := range []struct {
		hex string
		enc []byte
	}{
		{"00", AppendUint(nil, 0)}, {"17", AppendUint(nil, 23)}, {"1818", AppendUint(nil, 24)},
		{"1903e8", AppendUint(nil, 1000)}, {"1a000f4240", AppendUint(nil, 1000000)},
		{"1bffffffffffffffff", AppendUint(nil, math.MaxUint64)},
		{"20", AppendInt(nil, -1)}, {"3863", AppendInt(nil, -100)}, {"3b7fffffffffffffff", AppendInt(nil, math.MinInt64)},
		{"4401020304", AppendBytes(nil, []byte{1, 2, 3, 4})}, {"62c3bc", AppendText(nil, "ü")[:3]},
		{"f4", AppendBool(nil, false)}, {"f5", AppendBool(nil, true)}, {"80", AppendArray(nil, 0)},
		{"8301820203820405", nest()},
	} {
		if got := hex.EncodeToString(c.enc); got != c.hex {
			t.Errorf("got %s, want %s", got, c.hex)
		}
	}
}

func nest() []byte {
	b := AppendUint(AppendArray(nil, 3), 1)
	b = AppendUint(AppendUint(AppendArray(b, 2), 2), 3)
	return AppendUint(AppendUint(AppendArray(b, 2), 4), 5)
}

// walk decodes one item of any shape and encodes it again.
func walk(d *Decoder, out []byte) []byte {
	if d.Err() != nil || d.p >= len(d.b) {
		d.Fail(ErrTruncated)
		return out
	}
	switch c := d.b[d.p]; {
	case c&0xe0 == majorUint:
		return AppendUint(out, d.Uint())
	case c&0xe0 == majorNeg:
		return AppendInt(out, d.Int())
	case c&0xe0 == majorBytes:
		return AppendBytes(out, d.Bytes(1<<20))
	case c&0xe0 == majorText:
		return AppendText(out, d.Text(1<<20))
	case c&0xe0 == majorArray:
		n := d.ArrayMax(1 << 20)
		out = AppendArray(out, n)
		for i := 0; i < n && d.Err() == nil; i++ {
			out = walk(d, out)
		}
		return out
	}
	return AppendBool(out, d.Bool())
}

func TestRefused(t *testing.T) {
	deep := bytes.Repeat([]byte{0x81}, MaxDepth+1)
	for _, c := range []struct {
		name, hex string
		want      error
	}{
		{"long uint", "1817", ErrShortest}, {"long length", "580101", ErrShortest},
		{"trailing", "0000", ErrTrailing}, {"truncated head", "19ff", ErrTruncated},
		{"truncated string", "4401", ErrTruncated}, {"float", "f90000", ErrType}, {"null", "f6", ErrType},
		{"tag", "c000", ErrType}, {"map", "a0", ErrType}, {"indefinite", "9fff", ErrType},
		{"huge array", "9bffffffffffffffff", ErrLength}, {"claimed array", "9a000fffff00", ErrTruncated},
		{"bad utf8", "61ff", ErrUTF8}, {"neg below int64", "3bffffffffffffffff", ErrRange},
		{"deep", hex.EncodeToString(append(deep, 0)), ErrDepth}, {"open array", "8201", ErrTruncated},
	} {
		b, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		d := NewDecoder(b)
		walk(d, nil)
		if err := d.End(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	d := NewDecoder([]byte{0x82, 1, 2})
	d.Array(2)
	d.Uint()
	if !errors.Is(d.End(), ErrTruncated) {
		t.Error("an array left half read was accepted")
	}
	d = NewDecoder([]byte{0x81, 1})
	d.Array(1)
	d.Uint()
	d.Uint()
	if d.Err() == nil {
		t.Error("read past the end of an array")
	}
}

func FuzzCanonical(f *testing.F) {
	f.Add(nest())
	f.Add([]byte{0x61, 0x41})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder(b)
		out := walk(d, nil)
		if d.End() == nil && !bytes.Equal(out, b) {
			t.Fatalf("%x re-encodes to %x", b, out)
		}
	})
}
