package model

import (
	"errors"
	"strconv"
	"strings"
)

// window is how many blocks of the past the models look at.
const window = 160

// ErrPrices is returned for a list of prices that is none.
var ErrPrices = errors.New("model: prices must be lines of height,netuid,price, heights not falling")

// point is a price at a height.
type point struct{ height, price uint64 }

// Prices are the pools' known prices by netuid, oldest first.
type Prices map[uint16][]point

// ParsePrices reads lines of "height,netuid,price", the price a decimal in TAO per
// alpha. The last line may be cut off, as it is while a file is written.
func ParsePrices(b []byte) (Prices, error) {
	out := Prices{}
	for line := range strings.Lines(string(b)) {
		whole := strings.HasSuffix(line, "\n")
		f := strings.Split(strings.TrimSpace(line), ",")
		if len(f) == 1 && f[0] == "" || !whole {
			continue
		}
		if len(f) != 3 {
			return nil, ErrPrices
		}
		h, err := strconv.ParseUint(f[0], 10, 64)
		n, err2 := strconv.ParseUint(f[1], 10, 16)
		v, ok := parseDecimal(f[2])
		if err != nil || err2 != nil || !ok {
			return nil, ErrPrices
		}
		list := out[uint16(n)]
		if k := len(list); k > 0 && h < list[k-1].height {
			return nil, ErrPrices
		}
		out[uint16(n)] = append(list, point{h, v})
	}
	return out, nil
}

// parseDecimal reads a number of at most nine decimals into Q32.32.
func parseDecimal(s string) (uint64, bool) {
	whole, part, _ := strings.Cut(s, ".")
	if len(part) > 9 {
		return 0, false
	}
	w, err := strconv.ParseUint(whole, 10, 24)
	p, err2 := strconv.ParseUint((part + "000000000")[:9], 10, 32)
	if err != nil || err2 != nil {
		return 0, false
	}
	return w<<32 | p<<32/1e9, true
}

// until returns the prices of a subnet block by block, of the last window blocks
// that are known up to a height, and how many blocks before it they end. A block
// that is not known has the price of the one before.
func (p Prices) until(netuid uint16, height uint64) (history []uint64, behind uint64) {
	list := p[netuid]
	for len(list) > 0 && list[len(list)-1].height > height {
		list = list[:len(list)-1]
	}
	if len(list) == 0 {
		return nil, 0
	}
	last := list[len(list)-1].height
	first := max(list[0].height, last-min(last, window-1))
	k := 0
	for h := first; h <= last; h++ {
		for k+1 < len(list) && list[k+1].height <= h {
			k++
		}
		if list[k].price > 0 {
			history = append(history, list[k].price)
		}
	}
	return history, min(height-last, window)
}
