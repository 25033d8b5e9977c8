package forecast

import (
	"strconv"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Module returns the subnet's operations.
func Module() sdk.Module {
	return sdk.Module{Describe: Describe, Task: DrawTask, Score: Score, Rank: reward.Rank, Check: Check, Render: Render}
}

// Describe says in words what the subnet asks for.
func Describe() abi.Description {
	return abi.Description{
		Title: "Forecast: quantiles of prices to come",
		Task: "up to 6 subnets whose alpha prices to forecast, in TAO, at 4 heights to come; or 4 series to go on with, 4 steps ahead of " +
			"those that are said",
		Answer: "for each price and height the nine deciles, in Q32.32, not falling",
		Score: "0.5 for the loss of a random walk, more for a smaller pinball loss; the height that counts is drawn after all " +
			"answers are in",
	}
}

// Render shows an answer for people: a line for each target and horizon with the
// first, the middle and the last decile.
func Render(payload []byte) (string, error) {
	var a Answer
	err := error(nil)
	for n := 1; n <= MaxTargets; n++ {
		if a, err = DecodeAnswer(payload, n); err == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	var b []byte
	for i := range a {
		for j := range a[i] {
			f := &a[i][j]
			b = strconv.AppendInt(b, int64(i+1), 10)
			b = strconv.AppendInt(append(b, '.'), int64(j+1), 10)
			b = appendDecimal(append(b, ": 10 % below "...), f[0])
			b = appendDecimal(append(b, ", median "...), f[Quantiles/2])
			b = appendDecimal(append(b, ", 10 % above "...), f[Quantiles-1])
			b = append(b, '\n')
		}
	}
	return string(b), nil
}

// appendDecimal appends a number in Q32.32 with six decimals, rounded down.
func appendDecimal(b []byte, v uint64) []byte {
	b = strconv.AppendUint(b, v>>32, 10)
	micro := v & (one - 1) * million >> 32
	b = append(b, '.')
	for d := uint64(million / 10); d > 0; d /= 10 {
		b = append(b, byte('0'+micro/d%10))
	}
	return b
}
