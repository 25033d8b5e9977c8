package model

import (
	"bytes"
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Names of the models.
const (
	Good     = "good"     // drift and volatility of late, see trend
	Baseline = "baseline" // a random walk with the spread of the past
	Lazy     = "lazy"     // the same quantiles always
)

// ErrUnknown is returned for the name of no model.
var ErrUnknown = errors.New("model: unknown; there are good, baseline and lazy")

// What is assumed of a price of which nothing is known, in Q32.32 and in millionths
// for one block.
const (
	guess = 1 << 32
	sigma = 5_000
)

// Answer answers a task with the named model from the prices known.
func Answer(name string, prices Prices, p *forecast.Public) (forecast.Answer, error) {
	out := make(forecast.Answer, len(p.Targets))
	for i, t := range p.Targets {
		history, behind, lag := t.History, uint64(0), 1
		if len(history) == 0 {
			history, behind = prices.until(t.NetUID, p.Height)
			lag = tradeEvery
		}
		for j, h := range p.Horizons {
			steps := h + behind
			switch name {
			case Good:
				out[i][j] = trend(history, lag, steps)
			case Baseline:
				out[i][j] = walk(history, len(t.History) > 0, steps)
			case Lazy:
				// One and a tenth around it, whatever is asked.
				for k := range out[i][j] {
					out[i][j][k] = guess / 40 * uint64(36+k)
				}
			default:
				return nil, ErrUnknown
			}
		}
	}
	return out, nil
}

// walk is a random walk from the last value: a series' spread is that of its past, a
// price's is fixed.
func walk(history []uint64, series bool, steps uint64) forecast.Forecast {
	switch n := len(history); {
	case n == 0:
		return forecast.Walk(guess, sigma, steps)
	case series:
		return forecast.Walk(history[n-1], forecast.Sigma(history), steps)
	default:
		return forecast.Walk(history[n-1], sigma, steps)
	}
}

// Solve answers a task as the request's parameters say: the name of a model, and
// after a line feed the prices known, if any.
func Solve(r *abi.SolveRequest) ([]byte, error) {
	name, data, _ := bytes.Cut(r.Params, []byte("\n"))
	prices, err := ParsePrices(data)
	if err != nil {
		return nil, err
	}
	p, err := forecast.DecodePublic(r.Public)
	if err != nil {
		return nil, err
	}
	a, err := Answer(string(name), prices, &p)
	if err != nil {
		return nil, err
	}
	return a.Append(nil), nil
}

// Module returns the solver module.
func Module() sdk.Module { return sdk.Module{Solve: Solve} }
