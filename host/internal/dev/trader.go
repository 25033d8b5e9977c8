package dev

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Two accounts trade alpha, so that prices move as nobody's opinion moves them in
// a network of one machine. What they do is a schedule drawn from a seed and is
// shown as such: trader0 follows the drift of a regime, trader1 its noise. Neither
// stands behind a validator, so they have no say in any score.

// Shape of the schedule.
const (
	tradeEvery  = 3   // blocks
	regimeLeast = 20  // blocks
	regimeMost  = 60  // blocks
	roomFactor  = 2.5 // how far from where it began a price is let to wander
	traderStake = 50 * unit.Coin
)

// regime is how a price moves for a while: by drift and by noise of this standard
// deviation, both of the price's logarithm, at each trade.
type regime struct {
	name         string
	drift, noise float64
}

var regimes = []regime{
	{"calm", 0, 0.002},
	{"rising", 0.006, 0.003},
	{"falling", -0.006, 0.003},
	{"wild", 0, 0.015},
}

// schedule is the seeded course of one subnet's price.
type schedule struct {
	rng   *rand.Rand
	now   regime
	until uint64 // block at which another regime begins
}

// newSchedule is the schedule of a subnet; equal seeds give equal ones.
func newSchedule(seed [32]byte, netuid ledger.NetUID) *schedule {
	var n [2]byte
	binary.BigEndian.PutUint16(n[:], uint16(netuid))
	return &schedule{rng: rand.New(rand.NewChaCha8(key.Hash("development-trader", seed[:], n[:])))}
}

// next is what a price shall do at a block: the logarithms of its change by drift
// and by noise. It is asked with rising blocks.
func (s *schedule) next(height uint64) (drift, noise float64) {
	for s.until <= height {
		s.now = regimes[s.rng.IntN(len(regimes))]
		if s.until == 0 {
			s.until = height
		}
		s.until += regimeLeast + s.rng.Uint64N(regimeMost-regimeLeast+1)
	}
	return s.now.drift, s.now.noise * s.rng.NormFloat64()
}

// order is a trade that moves a pool's price by a factor of e^change: what to buy
// for, or how much alpha to sell. In a pool of constant product the price goes with
// the square of either reserve.
func order(m *ledger.Market, change float64) (buy unit.TAO, sell unit.Alpha) {
	f := math.Exp(change/2) - 1
	if f >= 0 {
		return unit.TAO(float64(m.TAO) * f), 0
	}
	return 0, unit.Alpha(float64(m.Alpha) * (math.Exp(-change/2) - 1))
}

// traderHotkey is what the traders' stakes are behind: a producer that validates
// nothing.
func traderHotkey() ledger.Hotkey { return hotkeyOf(producerName(producers - 1)) }

// traderSteps give a trader alpha to sell.
func (r *Running) traderSteps(name string) (out []step) {
	for _, s := range r.subnets {
		out = append(out, step{&ledger.Stake{NetUID: s.netuid, Hotkey: traderHotkey(), Amount: traderStake},
			func(v ledger.View) (bool, error) {
				p, err := ledger.LoadPosition(v, s.netuid, traderHotkey(), ColdSeed(name).Public())
				return p > 0, err
			}})
	}
	return out
}

// trade moves the pools until ctx ends.
func (r *Running) trade(ctx context.Context) error {
	seed := r.gen.Hash()
	plans := map[ledger.NetUID]*schedule{}
	for _, s := range r.subnets {
		plans[s.netuid] = newSchedule(seed, s.netuid)
	}
	said, last := "", uint64(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(blockTime / 2):
		}
		h := r.State.Height()
		if h < last+tradeEvery {
			continue
		}
		last = h
		// What fails is another block's trade: the schedule goes on.
		if err := r.tradeOnce(ctx, h, plans); err != nil && ctx.Err() == nil {
			r.report(ctx, event.Event{Kind: "note", From: "dev", Text: "traders: " + err.Error()})
		}
		var now []string
		for _, s := range r.subnets {
			now = append(now, s.Name+" "+plans[s.netuid].now.name)
		}
		if text := fmt.Sprintf("two, by a schedule of seed %x: %s", seed[:4], strings.Join(now, ", ")); text != said {
			said = text
			r.report(ctx, event.Event{Kind: "traded", From: "dev", Height: h, Text: text})
		}
	}
}

// tradeOnce makes the trades of one block, one transaction a trader.
func (r *Running) tradeOnce(ctx context.Context, h uint64, plans map[ledger.NetUID]*schedule) error {
	v, err := r.Client().View(ctx)
	if err != nil {
		return err
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return err
	}
	least := max(params.MinStake, params.NominatorMin)
	steps := make([][]ledger.Payload, len(traders))
	for _, s := range r.subnets {
		m, err := ledger.LoadMarket(v, s.netuid)
		if err != nil || m == nil {
			return err
		}
		drift, noise := plans[s.netuid].next(h)
		price := float64(m.TAO) / float64(m.Alpha)
		if away := math.Log(price); away*drift > 0 && math.Abs(away) > math.Log(roomFactor) {
			drift = -drift
		}
		for i, change := range []float64{drift, noise} {
			p, err := tradeStep(v, s.netuid, ColdSeed(traders[i]).Public(), m, change, least)
			if err != nil {
				return err
			}
			if p != nil {
				steps[i] = append(steps[i], p)
			}
		}
	}
	var g errgroup.Group
	for i, todo := range steps {
		if len(todo) == 0 {
			continue
		}
		g.Go(func() error { return r.pay(ctx, traders[i], &ledger.Batch{Steps: todo}) })
	}
	return g.Wait()
}

// tradeStep is a trader's trade in one subnet, nil for none: it is too small, or
// there is nothing to sell.
func tradeStep(v ledger.View, n ledger.NetUID, who key.ID, m *ledger.Market, change float64, least unit.TAO) (ledger.Payload, error) {
	buy, sell := order(m, change)
	if buy > 0 {
		if buy < least {
			return nil, nil
		}
		return &ledger.Stake{NetUID: n, Hotkey: traderHotkey(), Amount: buy}, nil
	}
	have, err := ledger.LoadPosition(v, n, traderHotkey(), who)
	if err != nil {
		return nil, err
	}
	// What is left must be worth a stake.
	worth := func(a uint64) float64 { return float64(a) * float64(m.TAO) / float64(m.Alpha) }
	if sell == 0 || uint64(sell) >= have || worth(have-uint64(sell)) < 2*float64(least) {
		return nil, nil
	}
	return &ledger.Unstake{NetUID: n, Hotkey: traderHotkey(), Amount: ledger.StakeAmount(sell)}, nil
}
