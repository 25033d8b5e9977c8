package text

import (
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	// Total is what the masses of a distribution and its escape add up to.
	Total = 1 << 16
	// MaxNamed is how many bytes a distribution may name.
	MaxNamed = 16
	// MaxBits is the cost of a byte that a distribution gave no probability at
	// all, in Q32.32: as much as the smallest probability that can be stated,
	// an escape of 1 spread over 256 bytes.
	MaxBits = 24 << 32
)

// Distribution says how likely each byte is to follow a context. Byte
// Symbols[i] has the probability Masses[i]/Total; each of the 256-k bytes not
// named has Escape/(256-k)/Total, a fraction that is never rounded.
type Distribution struct {
	Escape  uint32   // 0 to Total
	Symbols []byte   // k of at most MaxNamed bytes, in rising order
	Masses  []uint16 // k masses, none 0
}

// Errors of an answer.
var (
	ErrSymbols = errors.New("text: named bytes do not rise")
	ErrMass    = errors.New("text: mass of 0 for a named byte")
	ErrSum     = errors.New("text: escape and masses do not add up to 65536")
)

// Check reports ErrSymbols, ErrMass, ErrSum or a length that is not allowed.
func (d *Distribution) Check() error {
	if len(d.Symbols) > MaxNamed || len(d.Symbols) != len(d.Masses) {
		return cbor.ErrLength
	}
	sum := uint64(d.Escape)
	for i, m := range d.Masses {
		if i > 0 && d.Symbols[i] <= d.Symbols[i-1] {
			return ErrSymbols
		}
		if m == 0 {
			return ErrMass
		}
		sum += uint64(m)
	}
	if sum != Total {
		return ErrSum
	}
	return nil
}

// Bits returns the cost of the true byte in Q32.32, from above 0 to MaxBits.
// It rounds up by less than 2^-28.
func (d *Distribution) Bits(truth byte) uint64 {
	const whole = 16 << 32 // log2 of Total
	for i, s := range d.Symbols {
		if s == truth {
			return whole - sdk.Log2(uint64(d.Masses[i]))
		}
	}
	if d.Escape == 0 {
		return MaxBits
	}
	return whole + sdk.Log2(uint64(256-len(d.Symbols))) - sdk.Log2(uint64(d.Escape))
}

// Answer holds one distribution for each context of a task.
type Answer []Distribution

// Append appends the canonical encoding [1, [[escape, bytes, [mass, …]], …]].
func (a Answer) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(a))
	for i := range a {
		d := &a[i]
		b = cbor.AppendArray(b, 3)
		b = cbor.AppendUint(b, uint64(d.Escape))
		b = cbor.AppendBytes(b, d.Symbols)
		b = cbor.AppendArray(b, len(d.Masses))
		for _, m := range d.Masses {
			b = cbor.AppendUint(b, uint64(m))
		}
	}
	return b
}

// DecodeAnswer reads an answer to a task of n contexts; its symbols alias b.
func DecodeAnswer(b []byte, n int) (Answer, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	d.Array(n)
	if d.Err() != nil {
		return nil, d.Err()
	}
	a := make(Answer, n)
	for i := range a {
		p := &a[i]
		d.Array(3)
		p.Escape = uint32(d.UintMax(Total))
		p.Symbols = d.Bytes(MaxNamed)
		p.Masses = make([]uint16, d.ArrayMax(MaxNamed))
		for j := range p.Masses {
			p.Masses[j] = uint16(d.UintMax(1<<16 - 1))
		}
		if d.Err() != nil {
			return nil, d.Err()
		}
		if err := p.Check(); err != nil {
			return nil, err
		}
	}
	return a, d.End()
}
