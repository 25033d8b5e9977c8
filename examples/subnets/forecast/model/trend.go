package model

import (
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// tradeEvery is how many blocks' changes of a price are looked at as one: prices
// move by trades, which are rarer than blocks.
const tradeEvery = 3

const (
	// decayDrift and decayNoise are the weights of older changes, for drift and for
	// noise, in 1024ths of the weight of the next.
	decayDrift, decayNoise = 750, 850
	// persist is for how many changes a drift goes on, as far as one can know.
	persist = 8

	unit = 1024
)

// trend expects what a series did of late to go on for a while: the weighted mean of
// its last changes, as far as it stands out from their noise, and as much noise. All
// is of the values' logarithms, in millionths.
func trend(history []uint64, lag int, steps uint64) forecast.Forecast {
	var changes []int64 // the newest first
	for i := len(history) - 1; i-lag >= 0; i -= lag {
		changes = append(changes, logarithm(history[i])-logarithm(history[i-lag]))
	}
	if len(changes) < 4 {
		return walk(history, lag == 1, steps)
	}
	drift, weight, squares := mean(clipped(changes, 16, 3))
	noise := variance(clipped(changes, 32, 10), drift)
	// The mean's own variance is the noise over the number of changes behind it:
	// what of the drift is not explained by that is believed.
	own := noise * unit / weight * squares / max(1, weight-squares*unit/weight)
	believed := int64(0)
	if s := drift * drift; s > 0 {
		believed = drift * max(0, s-own) / s
	}
	// A drift fades: it lasts persist changes on average.
	n := int64(steps) * unit / int64(lag) // changes to come, in 1024ths
	lasts := persist * unit * n / (n + persist*unit)
	middle := believed * lasts / unit
	spread := noise*n/unit + own*lasts/unit*lasts/unit + believed*believed*n/unit
	deviation := int64(sdk.Isqrt(uint64(max(spread, 1))))
	return around(history[len(history)-1], middle, deviation)
}

// clipped returns the newest changes with none larger than so many times what the
// others of late are on average: one leap, as when somebody opens a position in a
// young pool, is neither a drift nor what is to be expected of each change from then on.
func clipped(changes []int64, newest int, times int64) []int64 {
	changes = changes[:min(len(changes), newest)]
	var sum int64
	for _, c := range changes {
		sum += max(c, -c)
	}
	out := make([]int64, len(changes))
	for i, c := range changes {
		most := times * (sum - max(c, -c)) / int64(len(changes)-1)
		out[i] = min(max(c, -most), most)
	}
	return out
}

// mean is the mean of the changes with decaying weights, the weights' sum in 1024ths
// and the sum of their squares, too.
func mean(changes []int64) (m, weight, squares int64) {
	w, sum := int64(unit), int64(0)
	for _, c := range changes {
		sum += w * c
		weight += w
		squares += w * w / unit
		if w = w * decayDrift / unit; w == 0 {
			break
		}
	}
	return sum / weight, weight, squares
}

// variance is the mean square of the changes' distance from their drift, with
// decaying weights.
func variance(changes []int64, drift int64) int64 {
	w, sum, weight := int64(unit), int64(0), int64(0)
	for _, c := range changes {
		sum += w * ((c - drift) * (c - drift) / unit)
		weight += w
		if w = w * decayNoise / unit; w == 0 {
			break
		}
	}
	return max(1, sum/weight*unit)
}

// around are the deciles of a value whose logarithm is normal.
func around(value uint64, middle, deviation int64) (f forecast.Forecast) {
	var last uint64
	for k, z := range forecast.Deciles() {
		f[k] = max(last, forecast.Times(value, sdk.Exp((middle+z*deviation/1_000_000)*(1<<32)/1_000_000)))
		last = f[k]
	}
	return f
}

// logarithm is the natural logarithm of a number in Q32.32, in millionths.
func logarithm(v uint64) int64 {
	const ln2 = 693_147
	return (int64(sdk.Log2(v)>>12) - 32<<20) * ln2 >> 20
}
