package pool

import (
	"errors"
	"fmt"
	"math"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Guards of a trade (economics, pool, trades).
const (
	// MinReserve is the least the reserve that is paid from must hold, in its
	// smallest unit.
	MinReserve = 1_000_000
	// MaxInput is how many times the reserve it joins an input may be.
	MaxInput = 1000
	// FeeUnit is the denominator of a fee.
	FeeUnit = math.MaxUint16
)

// Bounds of the price of a whole market, TAO per alpha.
var (
	MinPrice = unit.PriceOf(1, 1_000_000)
	MaxPrice = unit.PriceOf(1_000_000, 1)
)

// Errors of a trade. All are the trader's to solve.
var (
	ErrReserve = errors.New("the pool is too small")
	ErrInput   = errors.New("the amount does not fit the pool")
	ErrPrice   = errors.New("the price would leave its bounds")
	ErrLimit   = errors.New("the price would pass the limit")
)

// Buy returns how much alpha the TAO in buys from a market with the reserves
// tao and alpha. The fee, in of FeeUnit, is taken from the input first and
// stays in the reserve, like the rest of it: afterwards the reserves are
// tao+in and alpha-out, and their product is not smaller.
//
//	Δα = ⌊α·Δτ/(τ+Δτ)⌋ with Δτ = in − ⌊in·fee/65535⌋
//
// (economics, pool, trades; the constant product).
func Buy(tao unit.TAO, alpha unit.Alpha, in unit.TAO, fee uint16) (unit.Alpha, error) {
	out, err := trade(uint64(tao), uint64(alpha), uint64(in), fee)
	if err != nil {
		return 0, err
	}
	after, _ := tao.Add(in) // trade has checked the sum
	if err := checkPrice(unit.PriceOf(after, alpha-unit.Alpha(out))); err != nil {
		return 0, err
	}
	return unit.Alpha(out), nil
}

// Sell returns how much TAO the alpha in brings. Afterwards the reserves are
// tao-out and alpha+in, and their product is not smaller.
//
//	Δτ = ⌊τ·Δα/(α+Δα)⌋ with Δα = in − ⌊in·fee/65535⌋
func Sell(tao unit.TAO, alpha unit.Alpha, in unit.Alpha, fee uint16) (unit.TAO, error) {
	out, err := trade(uint64(alpha), uint64(tao), uint64(in), fee)
	if err != nil {
		return 0, err
	}
	after, _ := alpha.Add(in)
	if err := checkPrice(unit.PriceOf(tao-unit.TAO(out), after)); err != nil {
		return 0, err
	}
	return unit.TAO(out), nil
}

// CheckBuy returns ErrLimit when a Buy of in for out would leave the market at
// a price above limit.
func CheckBuy(tao unit.TAO, alpha unit.Alpha, in unit.TAO, out unit.Alpha, limit unit.Price) error {
	if p := unit.PriceOf(tao+in, alpha-out); p.Cmp(limit) > 0 {
		return fmt.Errorf("%w: %s after the trade, limit %s", ErrLimit, p, limit)
	}
	return nil
}

// CheckSell returns ErrLimit when a Sell of in for out would leave the market
// at a price below limit.
func CheckSell(tao unit.TAO, alpha unit.Alpha, in unit.Alpha, out unit.TAO, limit unit.Price) error {
	if p := unit.PriceOf(tao-out, alpha+in); p.Cmp(limit) < 0 {
		return fmt.Errorf("%w: %s after the trade, limit %s", ErrLimit, p, limit)
	}
	return nil
}

// trade is either direction: it pays from the reserve to for an input that
// joins the reserve from.
func trade(from, to, in uint64, fee uint16) (uint64, error) {
	switch {
	case from == 0 || to < MinReserve:
		return 0, fmt.Errorf("%w: %d would be paid from a reserve of %d, at least %d must be there", ErrReserve, in, to, uint64(MinReserve))
	case in/MaxInput > from || in/MaxInput == from && in%MaxInput != 0:
		return 0, fmt.Errorf("%w: %d is over %d times the reserve of %d", ErrInput, in, uint64(MaxInput), from)
	case from > math.MaxUint64-in:
		return 0, fmt.Errorf("%w: %d and the reserve of %d exceed 64 bits", ErrInput, in, from)
	}
	net := in - unit.MulDiv(in, uint64(fee), FeeUnit)
	out := unit.MulDiv(to, net, from+net)
	if out == 0 {
		return 0, fmt.Errorf("%w: %d brings nothing", ErrInput, in)
	}
	return out, nil
}

func checkPrice(p unit.Price) error {
	if p.Cmp(MinPrice) < 0 || p.Cmp(MaxPrice) > 0 {
		return fmt.Errorf("%w: %s, bounds are %s to %s", ErrPrice, p, MinPrice, MaxPrice)
	}
	return nil
}
