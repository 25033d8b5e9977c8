package unit

import "math/bits"

// expLimit bounds the argument of Exp on both sides.
const expLimit = 20 * OneI32F32

// ln2/64 in units of 2^-128, rounded down, and 64/ln2 in units of 2^-16.
const (
	ln2By64Hi, ln2By64Lo = 0x2c5c85fdf473de6, 0xaf278ece600fcbda
	inverseLn2By64       = 6051102
)

// Exp returns e to the power a, where an a outside of -20..20 counts as the
// nearer of the two: the reference's exp_safe. The result is less than
// 2^-32, one unit of its last place, away from the power.
//
// With a = n·ln2/64 + r and 0 <= r < ln2/64, the power is
// 2^⌊n/64⌋ · 2^((n mod 64)/64) · e^r: a shift, an entry of a table and eight
// terms of a series whose ninth is below 2^-77.
func (a I32F32) Exp() I32F32 {
	a = min(max(a, -expLimit), expLimit)
	// r in units of 2^-128, modulo 2^128: a's integer part falls out. The
	// estimate of n is off by one at most, which shows as an r outside.
	n := int64(a) * inverseLn2By64 >> 48
	hi, lo := bits.Mul64(uint64(n), ln2By64Lo)
	hi += uint64(n) * ln2By64Hi
	if n < 0 {
		hi -= ln2By64Lo
	}
	lo, borrow := bits.Sub64(0, lo, 0)
	r, _ := bits.Sub64(uint64(a)<<32, hi, borrow)
	if int64(r) < 0 {
		n--
		_, borrow = bits.Add64(lo, ln2By64Lo, 0)
		r += ln2By64Hi + borrow
	} else if r > ln2By64Hi || r == ln2By64Hi && lo >= ln2By64Lo {
		n++
		_, borrow = bits.Sub64(lo, ln2By64Lo, 0)
		r -= ln2By64Hi + borrow
	}

	// e^r - 1 of r in units of 2^-64, the rest of which is let go, in units of 2^-64; the constants are 2^64/k!.
	p := uint64(0x1a01a01a01a01)
	p = 0xd00d00d00d00d + mulHi(p, r)
	p = 0x5b05b05b05b05b + mulHi(p, r)
	p = 0x222222222222222 + mulHi(p, r)
	p = 0xaaaaaaaaaaaaaaa + mulHi(p, r)
	p = 0x2aaaaaaaaaaaaaaa + mulHi(p, r)
	p = 0x8000000000000000 + mulHi(p, r)
	p = r + mulHi(mulHi(p, r), r)

	t := twoPow64ths[n&63]
	y := t + mulHi(t, p) // in units of 2^-63, below 2
	shift := uint(31 - n>>6)
	return I32F32((y>>(shift-1) + 1) >> 1)
}

func mulHi(a, b uint64) uint64 {
	hi, _ := bits.Mul64(a, b)
	return hi
}

// twoPow64ths holds 2^(i/64) in units of 2^-63, rounded to the nearest.
var twoPow64ths = [64]uint64{
	0x8000000000000000, 0x8164d1f3bc030773, 0x82cd8698ac2ba1d7, 0x843a28c3acde4046,
	0x85aac367cc487b15, 0x871f61969e8d1010, 0x88980e8092da8527, 0x8a14d575496efd9a,
	0x8b95c1e3ea8bd6e7, 0x8d1adf5b7e5ba9e6, 0x8ea4398b45cd53c0, 0x9031dc431466b1dc,
	0x91c3d373ab11c336, 0x935a2b2f13e6e92c, 0x94f4efa8fef70961, 0x96942d3720185a00,
	0x9837f0518db8a96f, 0x99e0459320b7fa65, 0x9b8d39b9d54e5539, 0x9d3ed9a72cffb751,
	0x9ef5326091a111ae, 0xa0b0510fb9714fc2, 0xa27043030c496819, 0xa43515ae09e6809e,
	0xa5fed6a9b15138ea, 0xa7cd93b4e965356a, 0xa9a15ab4ea7c0ef8, 0xab7a39b5a93ed337,
	0xad583eea42a14ac6, 0xaf3b78ad690a4375, 0xb123f581d2ac2590, 0xb311c412a9112489,
	0xb504f333f9de6484, 0xb6fd91e328d17791, 0xb8fbaf4762fb9ee9, 0xbaff5ab2133e45fb,
	0xbd08a39f580c36bf, 0xbf1799b67a731083, 0xc12c4cca66709456, 0xc346ccda24976407,
	0xc5672a115506dadd, 0xc78d74c8abb9b15d, 0xc9b9bd866e2f27a3, 0xcbec14fef2727c5d,
	0xce248c151f8480e4, 0xd06333daef2b2595, 0xd2a81d91f12ae45a, 0xd4f35aabcfedfa1f,
	0xd744fccad69d6af4, 0xd99d15c278afd7b6, 0xdbfbb797daf23755, 0xde60f4825e0e9124,
	0xe0ccdeec2a94e111, 0xe33f8972be8a5a51, 0xe5b906e77c8348a8, 0xe8396a503c4bdc68,
	0xeac0c6e7dd24392f, 0xed4f301ed9942b84, 0xefe4b99bdcdaf5cb, 0xf281773c59ffb13a,
	0xf5257d152486cc2c, 0xf7d0df730ad13bb9, 0xfa83b2db722a033a, 0xfd3e0c0cf486c175,
}
