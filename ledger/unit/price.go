package unit

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Price is TAO per alpha as fixed point with 64 integer and 64 fraction bits:
// the value is (Hi·2^64 + Lo) / 2^64.
type Price U128

// OnePrice is one TAO per alpha.
var OnePrice = Price{Hi: 1}

// PriceOf returns tao/alpha rounded down, and 0 when there is no alpha.
func PriceOf(tao TAO, alpha Alpha) Price {
	if alpha == 0 {
		return Price{}
	}
	hi, rem := uint64(tao)/uint64(alpha), uint64(tao)%uint64(alpha)
	lo, _ := bits.Div64(rem, 0, uint64(alpha))
	return Price{hi, lo}
}

// PriceFromNano returns v·1e-9 rounded down: the form of limit prices in
// transactions, in rao per whole alpha.
func PriceFromNano(v uint64) Price { return PriceOf(TAO(v), Coin) }

// Nano returns ⌊p·1e9⌋, rao per whole alpha, saturating.
func (p Price) Nano() uint64 { return uint64(p.TAO(Coin)) }

// Cmp is -1, 0 or 1 as p is below, equal to or above q.
func (p Price) Cmp(q Price) int { return U128(p).Cmp(U128(q)) }

// IsZero reports whether p is 0.
func (p Price) IsZero() bool { return U128(p).IsZero() }

// TAO returns what a is worth at p, ⌊a·p⌋, saturating.
func (p Price) TAO(a Alpha) TAO {
	hi, whole := bits.Mul64(p.Hi, uint64(a))
	part, _ := bits.Mul64(p.Lo, uint64(a))
	sum, carry := bits.Add64(whole, part, 0)
	if hi != 0 || carry != 0 {
		return math.MaxUint64
	}
	return TAO(sum)
}

// Alpha returns how much alpha t buys at p without moving it, ⌊t/p⌋,
// saturating, and 0 at price 0.
func (p Price) Alpha(t TAO) Alpha {
	if p.IsZero() {
		return 0
	}
	q, _, ok := MulDiv128(U128{Hi: uint64(t)}, U128{Lo: 1}, U128(p))
	if !ok || q.Hi != 0 {
		return math.MaxUint64
	}
	return Alpha(q.Lo)
}

// I32F32 returns p with 32 fraction bits, rounded down, saturating.
func (p Price) I32F32() I32F32 {
	if p.Hi > math.MaxInt32 {
		return MaxI32F32
	}
	return I32F32(p.Hi<<32 | p.Lo>>32)
}

// String writes p with nine decimals, rounded down, without trailing zeros.
func (p Price) String() string {
	part, _ := bits.Mul64(p.Lo, Coin)
	s := strconv.FormatUint(p.Hi, 10)
	if part == 0 {
		return s
	}
	return s + "." + strings.TrimRight(strconv.FormatUint(Coin+part, 10)[1:], "0")
}

// ParsePrice reads a decimal price with at most nine decimals, as "0.025".
func ParsePrice(s string) (Price, error) {
	v, err := parseCoins(s, "TAO")
	if err != nil {
		return Price{}, fmt.Errorf("price: %w", err)
	}
	return PriceFromNano(v), nil
}
