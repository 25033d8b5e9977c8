package learn

import (
	"encoding/binary"
	"errors"
)

const (
	// Weights is the number of weights of a model.
	Weights = 1 << weightBits
	// ModelLen is the number of bytes of a model: weights of two bytes, big-endian.
	ModelLen = 2 * Weights
	// Unit is one in the logistic scale of the weights: a log-odds of 1.
	Unit = 256

	weightBits = 14
	// orders is how many weights a prediction adds up: those of the bits of the byte
	// so far, with none, one and two of the bytes before.
	orders = 3

	reach = 8 * Unit      // predictions are kept within ±reach
	steps = 2 * reach / 4 // of the tables
)

// ErrModel is returned for bytes that are no model.
var ErrModel = errors.New("learn: a model has 32768 bytes, or none for one that knows nothing")

// Model are the weights of a model, in 1/Unit.
type Model []int16

// DecodeModel reads a model; no bytes are one whose weights are all 0.
func DecodeModel(b []byte) (Model, error) {
	m := make(Model, Weights)
	if len(b) == 0 {
		return m, nil
	}
	if len(b) != ModelLen {
		return nil, ErrModel
	}
	for i := range m {
		m[i] = int16(binary.BigEndian.Uint16(b[2*i:]))
	}
	return m, nil
}

// Append appends the model's bytes.
func (m Model) Append(b []byte) []byte {
	for _, w := range m {
		b = binary.BigEndian.AppendUint16(b, uint16(w))
	}
	return b
}

// Bit is one bit of a text as a model sees it: the weights that predict it, and
// whether it is set.
type Bit struct {
	At  [orders]uint16
	Set bool
}

// Read appends the bits of a text that a model predicts: all but those of the first
// two bytes.
func Read(bits []Bit, text []byte) []Bit {
	for i := 2; i < len(text); i++ {
		one, two := uint32(text[i-1]), uint32(text[i-2])
		node := uint32(1)
		for k := 7; k >= 0; k-- {
			set := text[i]>>k&1 == 1
			bits = append(bits, Bit{At: [orders]uint16{place(0, 0, node), place(1, one, node), place(2, two<<8|one, node)}, Set: set})
			node <<= 1
			if set {
				node |= 1
			}
		}
	}
	return bits
}

// place is the weight for the bits of a byte so far, which node holds behind a
// leading one, after the bytes of a context. Contexts share weights by chance.
func place(order, context, node uint32) uint16 {
	h := (context<<8|node)*0x9e3779b1 + order*0x85ebca6b
	h ^= h >> 15
	h *= 0x2c1b3c6d
	return uint16(h >> (32 - weightBits))
}

// Predict is the log-odds that a bit is set, in 1/Unit, within ±reach.
func (m Model) Predict(b *Bit) int {
	sum := int(m[b.At[0]]) + int(m[b.At[1]]) + int(m[b.At[2]])
	return min(max(sum, -reach), reach-1)
}

// Loss is what the bits cost: the sum of -log2 of the probabilities that the model
// gave them, in 2^-24 bits.
func (m Model) Loss(bits []Bit) (sum uint64) {
	for i := range bits {
		b := &bits[i]
		x := m.Predict(b)
		if !b.Set {
			x = -1 - x // the middle of the next step down is that of the step mirrored
		}
		sum += uint64(cost[(x+reach)>>2])
	}
	return sum
}

// Chance is the probability that a log-odds stands for, in 2^-16.
func Chance(x int) int { return int(chance[(min(max(x, -reach), reach-1)+reach)>>2]) }
