package speech

import "math/bits"

// A task carries samples as µ-law bytes (ITU-T G.711), which give half of the bits to
// loudness: 8 bits sound like 13.

const muBias = 0x84

// MuLaw packs a sample into a byte.
func MuLaw(x int16) byte {
	v, sign := int(x), byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, 32635) + muBias
	exponent := bits.Len(uint(v)) - 8 // 0 to 7, as v has 8 to 15 bits
	return ^(sign | byte(exponent)<<4 | byte(v>>(exponent+3)&15))
}

// FromMuLaw unpacks a byte.
func FromMuLaw(b byte) int16 {
	b = ^b
	v := (int(b&15)<<3+muBias)<<(b>>4&7) - muBias
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

// Pack packs samples.
func Pack(samples []int16) []byte {
	b := make([]byte, len(samples))
	for i, x := range samples {
		b[i] = MuLaw(x)
	}
	return b
}

// Unpack unpacks a clip.
func Unpack(clip []byte) []int16 {
	samples := make([]int16, len(clip))
	for i, b := range clip {
		samples[i] = FromMuLaw(b)
	}
	return samples
}
