package sdk

import (
	"math/bits"
	"math/rand/v2"
)

// Rand is a deterministic generator: the same seed and stream give the same
// numbers in every language and version.
//
// The algorithm is chacha8rand (https://c2sp.org/chacha8rand) over the 32-byte
// seed whose last 8 bytes are XORed with the stream in little-endian order.
// Its output does not reveal its state, so a task may be drawn from the same
// generator as its hidden truth. It is not safe for concurrent use.
type Rand struct{ src *rand.ChaCha8 }

// NewRand returns the generator of one stream of a seed, which is usually a
// round's Beta. Take another stream for each independent use, so that drawing
// more for one does not shift the others.
func NewRand(seed [32]byte, stream uint64) *Rand {
	for i := range 8 {
		seed[24+i] ^= byte(stream >> (8 * i))
	}
	return &Rand{src: rand.NewChaCha8(seed)}
}

// Uint64 returns the next 64 bits.
func (r *Rand) Uint64() uint64 { return r.src.Uint64() }

// Uint64n returns a number from 0 to n-1, each equally likely; 0 for n = 0.
//
// It multiplies the next 64 bits by n, takes the upper half of the 128-bit
// product, and draws again while the lower half is below 2^64 mod n.
func (r *Rand) Uint64n(n uint64) uint64 {
	hi, lo := bits.Mul64(r.Uint64(), n)
	if lo < n {
		for least := -n % max(n, 1); lo < least; {
			hi, lo = bits.Mul64(r.Uint64(), n)
		}
	}
	return hi
}

// Intn returns a number from 0 to n-1, each equally likely; 0 for n < 1.
func (r *Rand) Intn(n int) int { return int(r.Uint64n(uint64(max(n, 0)))) }

// Shuffle puts n things in random order by calling swap: for i from n-1 down to
// 1, with a number of Intn(i+1).
func (r *Rand) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, r.Intn(i+1))
	}
}
