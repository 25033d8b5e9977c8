// Package schedule says how the price of a subnet's alpha shall move in a network
// of one machine, where nobody's opinion moves it: through regimes of different
// drift and noise, drawn from a seed. Two accounts that trade make it so; what they
// do is public, and whoever knows the regimes still does not know when they change.
//
// All numbers are integers, and the same seed gives the same course everywhere.
package schedule

import (
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Every is how many blocks lie between two trades.
const Every = 3

// Shape of the regimes.
const (
	least, most = 20, 60 // blocks of one
	// room is how far the price's logarithm is let to wander from 0 before drift
	// leads it back, in millionths: to 2.5 times, or to 0.4.
	room = 916_291

	streamRegimes = 1 << 32 // streams below are of netuids' noise
)

// Regime is how a price moves for a while: the drift and the standard deviation of
// its noise, both of the price's logarithm in millionths, for each trade.
type Regime struct {
	Name         string
	Drift, Noise int64
}

// Regimes are the regimes there are, each as likely as the others.
var Regimes = [...]Regime{
	{"calm", 0, 2_000},
	{"rising", 6_000, 3_000},
	{"falling", -6_000, 3_000},
	{"wild", 0, 15_000},
}

// Move is what a price shall do at one trade: the change of its logarithm, in
// millionths, by drift and by noise.
type Move struct {
	Regime       string
	Drift, Noise int64
}

// Schedule is the course of one subnet's price. It is not safe for concurrent use.
type Schedule struct {
	seed    [32]byte
	stream  uint64
	regimes *sdk.Rand
	now     Regime
	until   uint64 // block at which another regime begins
}

// New returns the schedule of a subnet, which begins with block 0.
func New(seed [32]byte, netuid uint16) *Schedule {
	return &Schedule{seed: seed, stream: uint64(netuid) << 40, regimes: sdk.NewRand(seed, streamRegimes+uint64(netuid))}
}

// At returns what the price shall do at a block, given the price's logarithm in
// millionths: a drift that would lead it out of its room is turned round. Blocks
// must not fall from call to call; those left out change nothing of the others.
func (s *Schedule) At(block uint64, logarithm int64) Move {
	for s.until <= block {
		s.now = Regimes[s.regimes.Intn(len(Regimes))]
		s.until += least + s.regimes.Uint64n(most-least+1)
	}
	// The sum of twelve even draws has a deviation of one and is nearly normal.
	r := sdk.NewRand(s.seed, s.stream+block)
	var z int64
	for range 12 {
		z += int64(r.Uint64n(1_000_001))
	}
	m := Move{s.now.Name, s.now.Drift, s.now.Noise * (z - 6_000_000) / 1_000_000}
	if logarithm > room && m.Drift > 0 || logarithm < -room && m.Drift < 0 {
		m.Drift = -m.Drift
	}
	return m
}

// Prices returns the price after each of the blocks 0 to blocks-1, in Q32.32, in a
// pool that began at one and where the trades of the schedule alone move it.
func Prices(seed [32]byte, netuid uint16, blocks int) []uint64 {
	s := New(seed, netuid)
	var logarithm int64
	out := make([]uint64, blocks)
	for b := range out {
		if b%Every == 0 {
			m := s.At(uint64(b), logarithm)
			logarithm += m.Drift + m.Noise
		}
		out[b] = sdk.Exp((logarithm << 32) / 1_000_000)
	}
	return out
}
