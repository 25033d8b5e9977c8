package learn

import (
	"encoding/binary"
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
)

const (
	// MaxChanges is the most weights that an update changes.
	MaxChanges = 2048
	// MaxScale is the greatest scale, in 1/16 of a weight's unit: a change is at most
	// 127·256/16 = 2032/256 in log-odds, about 8.
	MaxScale = 256
)

// ErrUpdate is returned for an update that breaks a rule.
var ErrUpdate = errors.New("learn: an update has places that rise, as many changes, none of them 0, and a scale of 1 to 256")

// Update is a sparse change of a model: weight At[i] changes by By[i]·Scale/16, in
// 1/Unit, rounded toward zero.
type Update struct {
	Scale int // 1 to MaxScale
	At    []uint16
	By    []int8
}

// Append appends the canonical encoding: [1, scale, places, changes], the places byte
// pairs, big-endian and rising, the changes one byte each.
func (u *Update) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 4)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendUint(b, uint64(u.Scale))
	at, by := make([]byte, 0, 2*len(u.At)), make([]byte, 0, len(u.By))
	for i := range u.At {
		at, by = binary.BigEndian.AppendUint16(at, u.At[i]), append(by, byte(u.By[i]))
	}
	return cbor.AppendBytes(cbor.AppendBytes(b, at), by)
}

// DecodeUpdate reads an update. One without changes is a valid one.
func DecodeUpdate(b []byte) (u Update, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, version)
	u.Scale = int(d.UintMax(MaxScale))
	at, by := d.Bytes(2*MaxChanges), d.Bytes(MaxChanges)
	if err := d.End(); err != nil {
		return Update{}, err
	}
	if u.Scale == 0 || len(at) != 2*len(by) {
		return Update{}, ErrUpdate
	}
	for i, c := range by {
		p := binary.BigEndian.Uint16(at[2*i:])
		if p >= Weights || c == 0 || i > 0 && p <= u.At[i-1] {
			return Update{}, ErrUpdate
		}
		u.At, u.By = append(u.At, p), append(u.By, int8(c))
	}
	return u, nil
}

// change is what the update does to its i-th weight.
func (u *Update) change(i int) int32 { return int32(u.By[i]) * int32(u.Scale) / 16 }

// add is a sum of two weights, kept within what one can hold.
func add(w int16, by int32) int16 { return int16(min(max(int32(w)+by, -1<<15), 1<<15-1)) }

// Apply changes the model by one update alone.
func (u *Update) Apply(m Model) {
	for i, p := range u.At {
		m[p] = add(m[p], u.change(i))
	}
}

// sums are updates put together: of each weight the sum of its changes and how many
// updates change it.
type sums struct {
	by    [Weights]int32 // at most 4096·2032
	count [Weights]int32
}

func (s *sums) add(u *Update, sign int32) {
	for i, p := range u.At {
		s.by[p] += sign * u.change(i)
		s.count[p] += sign
	}
}

// mean is what the updates together do to a weight: the mean of those that change it.
func (s *sums) mean(p uint16) int32 {
	if s.count[p] == 0 {
		return 0
	}
	return s.by[p] / s.count[p]
}

// apply returns the model with all updates.
func (s *sums) apply(m Model) Model {
	out := make(Model, Weights)
	for p, w := range m {
		out[p] = add(w, s.mean(uint16(p)))
	}
	return out
}
