package unit

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrAmount says that a text is not an amount; it is wrapped with the reason.
var ErrAmount = errors.New("not an amount")

const decimals = 9

func formatCoins(v uint64) string {
	whole, part := v/Coin, v%Coin
	s := strconv.FormatUint(whole, 10)
	if part == 0 {
		return s
	}
	frac := strconv.FormatUint(Coin+part, 10)[1:]
	return s + "." + strings.TrimRight(frac, "0")
}

// parseCoins reads digits, optionally a point and one to nine more digits, and
// optionally a space and the unit. It takes no sign, exponent or grouping: an
// amount that could be read in two ways must not be spent in either.
func parseCoins(s, unit string) (uint64, error) {
	text := strings.TrimSpace(s)
	number := text
	if i := strings.IndexByte(text, ' '); i >= 0 {
		number = text[:i]
		if got := strings.TrimSpace(text[i:]); got != unit {
			return 0, fmt.Errorf("%w: %q: unit is %q, want %q", ErrAmount, s, got, unit)
		}
	}
	whole, part, point := strings.Cut(number, ".")
	if whole == "" || (point && part == "") {
		return 0, fmt.Errorf("%w: %q: want digits, such as 12.5 %s", ErrAmount, s, unit)
	}
	if len(part) > decimals {
		return 0, fmt.Errorf("%w: %q: at most %d decimals", ErrAmount, s, decimals)
	}
	var v uint64
	for _, c := range []byte(whole + part + strings.Repeat("0", decimals-len(part))) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%w: %q: want digits, such as 12.5 %s", ErrAmount, s, unit)
		}
		d := uint64(c - '0')
		if v > (math.MaxUint64-d)/10 {
			return 0, fmt.Errorf("%w: %q: larger than %s %s", ErrAmount, s, formatCoins(math.MaxUint64), unit)
		}
		v = v*10 + d
	}
	return v, nil
}
