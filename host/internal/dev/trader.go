package dev

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/examples/subnets/forecast/schedule"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Two accounts trade alpha, so that prices move as nobody's opinion moves them in
// a network of one machine. What they do is a schedule drawn from a seed (package
// schedule of the forecast subnet) and is shown as such: trader0 follows the drift
// of a regime, trader1 its noise. Neither stands behind a validator, so they have no
// say in any score.

// traderStake is what each trader begins with in each subnet.
const traderStake = 50 * unit.Coin

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

// plan is the course of one subnet's price.
type plan struct {
	*schedule.Schedule
	regime string // now
}

// trade moves the pools until ctx ends.
func (r *Running) trade(ctx context.Context) error {
	seed := r.gen.Hash()
	plans := map[ledger.NetUID]*plan{}
	for _, s := range r.subnets {
		plans[s.netuid] = &plan{Schedule: schedule.New(seed, uint16(s.netuid))}
	}
	said, last := "", uint64(0)
	paid := make([]uint64, len(traders)) // block of each trader's last transaction
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(blockTime / 2):
		}
		h := r.State.Height() / schedule.Every * schedule.Every
		if h <= last {
			continue
		}
		last = h
		// What fails is one block's trade: the schedule goes on.
		if err := r.tradeOnce(ctx, h, plans, paid); err != nil && ctx.Err() == nil {
			r.report(ctx, event.Event{Kind: "note", From: "dev", Text: "traders: " + err.Error()})
		}
		var now []string
		for _, s := range r.subnets {
			now = append(now, s.Name+" "+plans[s.netuid].regime)
		}
		if text := fmt.Sprintf("two, by a schedule of seed %x: %s", seed[:4], strings.Join(now, ", ")); text != said {
			said = text
			r.report(ctx, event.Event{Kind: "traded", From: "dev", Height: h, Text: text})
		}
	}
}

// tradeOnce makes the trades of one block, one transaction a trader.
func (r *Running) tradeOnce(ctx context.Context, h uint64, plans map[ledger.NetUID]*plan, paid []uint64) error {
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
		move := plans[s.netuid].At(h, int64(math.Log(float64(m.TAO)/float64(m.Alpha))*millionths))
		plans[s.netuid].regime = move.Regime
		for i, change := range []int64{move.Drift, move.Noise} {
			p, err := tradeStep(v, s.netuid, ColdSeed(traders[i]).Public(), m, float64(change)/millionths, least)
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
		if len(todo) == 0 || v.Height() < paid[i] { // the state does not show the last one yet
			continue
		}
		g.Go(func() error {
			h, err := r.pay(ctx, traders[i], &ledger.Batch{Steps: todo})
			paid[i] = max(paid[i], h)
			return err
		})
	}
	return g.Wait()
}

// millionths is the unit of a schedule's logarithms.
const millionths = 1e6

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
