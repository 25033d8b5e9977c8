package text

import (
	"slices"
	"strconv"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Module returns the subnet's operations.
func Module() sdk.Module {
	return sdk.Module{Describe: Describe, Task: DrawTask, Score: Score, Rank: reward.Rank, Check: Check, Solve: Solve, Render: Render}
}

// Describe says in words what the subnet asks for.
func Describe() abi.Description {
	return abi.Description{
		Title: "Text: predict the next byte",
		Task:  "32 passages of 512 bytes from hidden places of a text",
		Answer: "for each passage up to 16 bytes that may follow, each with a mass, and an escape mass for all others; " +
			"together 65536",
		Score: "the share of the 8 bits of each byte that the answer saved, by the logarithm of the probability of the true byte; " +
			"0.5 means 4 bits per byte",
	}
}

// Render shows an answer for people, one line for each context with its most
// probable bytes first.
func Render(payload []byte) (string, error) {
	var a Answer
	err := error(nil)
	for n := 1; n <= Contexts; n++ {
		if a, err = DecodeAnswer(payload, n); err == nil {
			break
		}
	}
	if err != nil {
		return "", err
	}
	var b []byte
	for i := range a {
		d := &a[i]
		order := make([]int, len(d.Symbols))
		for j := range order {
			order[j] = j
		}
		slices.SortStableFunc(order, func(x, y int) int { return int(d.Masses[y]) - int(d.Masses[x]) })
		b = strconv.AppendInt(b, int64(i+1), 10)
		b = append(b, ':')
		for _, j := range order {
			b = append(b, ' ')
			b = strconv.AppendQuoteRuneToASCII(b, rune(d.Symbols[j]))
			b = appendPercent(append(b, ' '), uint32(d.Masses[j]))
		}
		b = appendPercent(append(b, " other "...), d.Escape)
		b = append(b, '\n')
	}
	return string(b), nil
}

// appendPercent appends mass/Total in per cent with one decimal, rounded down.
func appendPercent(b []byte, mass uint32) []byte {
	tenths := uint64(mass) * 1000 / Total
	b = strconv.AppendUint(b, tenths/10, 10)
	b = append(b, '.', byte('0'+tenths%10), '%')
	return b
}
