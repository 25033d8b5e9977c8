package ledger

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// MaxRoster is the most neurons that a roster can hold.
const MaxRoster = 4096

// ErrRow is returned for a row whose bitmap and weights do not agree.
var ErrRow = errors.New("ledger: row is not canonical")

// Row is a validator's weights over an epoch's roster: a bitmap with one bit
// per roster index, least significant first, and a weight per bit set, in
// rising order. A weight is above 0, and the largest is 65,535. The bitmap has
// no zero byte at its end.
type Row struct {
	Bitmap  []byte
	Weights []uint16
}

// NewRow makes the row of dense weights over a roster: the values are scaled so
// that the largest becomes 65,535, rounding down, and zeros are left out. All
// zero weights make an empty row.
func NewRow(dense []uint64) Row {
	var top uint64
	for _, w := range dense {
		top = max(top, w)
	}
	var r Row
	if top == 0 {
		return r
	}
	for i, w := range dense {
		hi, lo := bits.Mul64(w, 65535)
		q, _ := bits.Div64(hi, lo, top) // w ≤ top, so the quotient is at most 65,535
		if q == 0 {
			continue
		}
		for len(r.Bitmap) <= i/8 {
			r.Bitmap = append(r.Bitmap, 0)
		}
		r.Bitmap[i/8] |= 1 << (i % 8)
		r.Weights = append(r.Weights, uint16(q))
	}
	return r
}

// Dense returns the weights over a roster of n, or ErrRow.
func (r Row) Dense(n int) ([]uint16, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	out := make([]uint16, n)
	k := 0
	for i := range len(r.Bitmap) * 8 {
		if r.Bitmap[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if i >= n {
			return nil, ErrRow
		}
		out[i] = r.Weights[k]
		k++
	}
	return out, nil
}

func (r Row) validate() error {
	set := 0
	for _, c := range r.Bitmap {
		set += bits.OnesCount8(c)
	}
	if set != len(r.Weights) || len(r.Bitmap) > 0 && r.Bitmap[len(r.Bitmap)-1] == 0 {
		return ErrRow
	}
	var top uint16
	for _, w := range r.Weights {
		if w == 0 {
			return ErrRow
		}
		top = max(top, w)
	}
	if len(r.Weights) > 0 && top != 65535 {
		return ErrRow
	}
	return nil
}

func (r Row) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendArray(b, 2), r.Bitmap)
	w := make([]byte, 0, 2*len(r.Weights))
	for _, v := range r.Weights {
		w = binary.BigEndian.AppendUint16(w, v)
	}
	return cbor.AppendBytes(b, w)
}

func decodeRow(d *cbor.Decoder) (r Row) {
	d.Array(2)
	if b := d.Bytes(MaxRoster / 8); len(b) > 0 {
		r.Bitmap = append([]byte(nil), b...)
	}
	w := d.Bytes(MaxRoster * 2)
	if len(w)%2 != 0 {
		d.Fail(ErrRow)
		return Row{}
	}
	for i := 0; i < len(w); i += 2 {
		r.Weights = append(r.Weights, binary.BigEndian.Uint16(w[i:]))
	}
	if err := r.validate(); err != nil {
		d.Fail(err)
	}
	return r
}

// Opening is what a commitment hides until the reveal.
type Opening struct {
	Row      Row
	CarryIn  [32]byte // hash of the carries the ranking started from, zero for none
	CarryOut [32]byte // hash of the carries it left
	Artifact [32]byte // that the epoch's answers make of the one in force, zero for no change
	Salt     [32]byte
}

// Append appends [1, row, carry in, carry out, artifact, salt].
func (o *Opening) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 1)
	b = o.Row.append(b)
	for _, h := range [][32]byte{o.CarryIn, o.CarryOut, o.Artifact, o.Salt} {
		b = cbor.AppendBytes(b, h[:])
	}
	return b
}

// DecodeOpening reads an Opening and checks that its row is canonical.
func DecodeOpening(b []byte) (o Opening, err error) {
	d := cbor.NewDecoder(b)
	d.Version(6, 1)
	o.Row = decodeRow(d)
	for _, h := range []*[32]byte{&o.CarryIn, &o.CarryOut, &o.Artifact, &o.Salt} {
		*h = d.Hash()
	}
	return o, d.End()
}

// Commitment is the hash that goes on chain first: H(chain id, netuid, epoch,
// hotkey, evidence root, row, carry in, carry out, artifact, salt). The hotkey
// in it makes a copied commitment worthless: its copier cannot open it.
func (o *Opening) Commitment(chainID string, netuid NetUID, e Epoch, hot Hotkey, evidence [32]byte) [32]byte {
	b := cbor.AppendText(cbor.AppendArray(nil, 3), chainID)
	b = cbor.AppendUint(b, uint64(netuid))
	b = cbor.AppendUint(b, e)
	return key.Hash("commitment", b, hot[:], evidence[:], o.Append(nil))
}
