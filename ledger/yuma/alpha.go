package yuma

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Errors of CheckAlpha.
var (
	ErrAlphaOff  = errors.New("liquid alpha is off: switch it on before setting its bounds")
	ErrAlphaHigh = errors.New("the upper bound of alpha is too low")
	ErrAlphaLow  = errors.New("the lower bound of alpha is out of range")
)

// MinAlpha is the least that both bounds of alpha may be, over 65,535: a 40th.
const MinAlpha = 1638

// CheckAlpha checks bounds of alpha before they become a subnet's parameters:
// liquid alpha is on, both are MinAlpha or more, and low is not above high.
// Epoch itself takes any.
func CheckAlpha(on bool, low, high uint16) error {
	switch {
	case !on:
		return ErrAlphaOff
	case high < MinAlpha:
		return fmt.Errorf("%w: %d: want %d or more", ErrAlphaHigh, high, MinAlpha)
	case low < MinAlpha || low > high:
		return fmt.Errorf("%w: %d: want %d to %d", ErrAlphaLow, low, MinAlpha, high)
	}
	return nil
}

// liquid is what alpha depends on beside a pair's numbers.
type liquid struct {
	low, high, slope unit.I32F32
	level            unit.I32F32 // alpha of no difference, that of most pairs
}

func newLiquid(low, high uint16, steepness int16) liquid {
	hundred := unit.I32F32From(100)
	l := liquid{low: unit.U16Ratio(low), high: unit.U16Ratio(high), slope: (unit.I32F32(steepness) << 32).Div(-hundred)}
	l.level = l.of(0)
	return l
}

// The weight of a pair is that for bonds, clipped as far as BondsPenalty asks:
// the one the reference hands to its sigmoid.

// alpha returns the part of the new weight that a bond takes over: near high
// when the weight is far above consensus, or the bond far above the weight.
func (l *liquid) alpha(weight, bond, consensus unit.I32F32) unit.I32F32 {
	diff := bond.Sub(weight)
	if weight >= bond {
		diff = weight.Sub(consensus)
	}
	if diff <= 0 {
		return l.level
	}
	return l.of(min(diff, unit.OneI32F32))
}

// of returns the alpha of a difference.
func (l *liquid) of(diff unit.I32F32) unit.I32F32 {
	a := l.low.Add(sigmoid(diff, l.slope, unit.OneI32F32/2).Mul(l.high.Sub(l.low)))
	return min(max(a, l.low), l.high)
}

// sigmoid returns 1/(1 + e^(slope·(x−middle))), which rises with x for a
// negative slope.
func sigmoid(x, slope, middle unit.I32F32) unit.I32F32 {
	e := slope.Mul(x.Sub(middle)).Exp()
	return share(unit.OneI32F32, unit.OneI32F32.Add(e))
}

// averageBy returns (1−alpha)·bonds + alpha·weights with an alpha of 0 to 1 for
// each pair, at most 1, keeping what is above 0.
func averageBy(weights, bonds *matrix, n int, alpha func(i int, j uint16, weight, bond unit.I32F32) unit.I32F32) matrix {
	return mix(weights, bonds, n, func(i int, p pairsOf) {
		for k, w := range p.a {
			a := alpha(i, p.col[k], w, p.b[k])
			p.out[k] = min(unit.OneI32F32, times(unit.OneI32F32-a, p.b[k])+times(a, w))
		}
	})
}
