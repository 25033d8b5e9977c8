package miner

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

func TestWeight(t *testing.T) {
	for _, c := range []struct{ stake, most, want uint64 }{
		{0, 0, 1}, {0, 100, 1}, {100, 100, maxWeight}, {50, 100, maxWeight / 2}, {1, 1 << 40, 1},
		{1 << 63, 1<<64 - 1, maxWeight / 2}, {1<<64 - 1, 1<<64 - 1, maxWeight}, {200, 100, maxWeight},
	} {
		if got := weight(c.stake, c.most); got != c.want {
			t.Errorf("stake %d of %d weighs %d, want %d", c.stake, c.most, got, c.want)
		}
	}
}

// TestShares: three callers who always have requests waiting get answers in
// proportion to their weights, and one that comes later owes nothing and is owed
// nothing.
func TestShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took = 10 * time.Millisecond
		q := newQueue(2, 64)
		served := map[ledger.Hotkey]int{}
		ctx, cancel := context.WithCancel(t.Context())
		busy := func(id byte, weight uint64, n int) {
			h := ledger.Hotkey{id}
			for range n {
				go func() {
					for ctx.Err() == nil {
						k, retry := q.enter(h, weight, time.Hour)
						if k == nil {
							time.Sleep(retry)
							continue
						}
						if k.wait(ctx) == nil {
							time.Sleep(took)
							q.mu.Lock()
							served[h]++
							q.mu.Unlock()
						}
						k.leave()
					}
				}()
			}
		}
		busy(1, 100, 12) // who sends more gets no more
		busy(2, 200, 4)
		busy(3, 700, 4)
		shared := func() map[ledger.Hotkey]int {
			q.mu.Lock()
			defer q.mu.Unlock()
			out := maps.Clone(served)
			clear(served)
			return out
		}
		time.Sleep(10 * time.Second)
		got := shared()
		all := got[ledger.Hotkey{1}] + got[ledger.Hotkey{2}] + got[ledger.Hotkey{3}]
		if all < 1950 || all > 2000 {
			t.Errorf("%d answers in 10 s of two slots, %s each", all, took)
		}
		for id, want := range map[byte]int{1: all / 10, 2: all / 5, 3: all * 7 / 10} {
			if got := got[ledger.Hotkey{id}]; got < want*9/10 || got > want*11/10 {
				t.Errorf("caller %d has %d of %d answers, want about %d", id, got, all, want)
			}
		}
		busy(4, 1000, 4)
		time.Sleep(10 * time.Second)
		if got := shared()[ledger.Hotkey{4}]; got < all*45/100 || got > all*55/100 {
			t.Errorf("who came later with half of all weight has %d of %d", got, all)
		}
		cancel()
		time.Sleep(time.Minute) // whoever still sleeps or answers ends
		synctest.Wait()
		if running, waiting := q.load(); running != 0 || waiting != 0 || len(q.inside) != 0 || len(q.due) != 0 {
			t.Errorf("left in the queue: %d running, %d waiting, %d callers, %d debts", running, waiting, len(q.inside), len(q.due))
		}
	})
}

// TestPlaces: one caller leaves places for others, and who is turned away learns
// about how long it takes.
func TestPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2, 4)
		a, b := ledger.Hotkey{1}, ledger.Hotkey{2}
		var held []*ticket
		for {
			k, retry := q.enter(a, 1, time.Hour)
			if k == nil {
				if retry != 2*firstRetry && retry != firstRetry {
					t.Errorf("told to come back after %s", retry)
				}
				break
			}
			held = append(held, k)
		}
		if len(held) != 4 {
			t.Errorf("one caller holds %d of 6 places", len(held))
		}
		for i := range 2 {
			k, _ := q.enter(b, 1, time.Hour)
			if k == nil {
				t.Fatalf("another caller finds no place, after %d", i)
			}
			held = append(held, k)
		}
		if k, _ := q.enter(ledger.Hotkey{3}, 1, time.Hour); k != nil {
			t.Error("more are inside than there are places")
		}
		for _, k := range held[:2] {
			if err := k.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(8 * time.Second)
		held[0].leave()
		held[1].leave()
		// Four are left, two of which wait: half of 8 s each, by two slots.
		if k, retry := q.enter(b, 1, time.Second); k != nil || retry != 12*time.Second {
			t.Errorf("who has a second is let in: %v, or told %s", k != nil, retry)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for _, k := range held[2:4] {
			if err := k.wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if err := held[4].wait(ctx); err == nil {
			t.Error("a third runs on two slots")
		}
		for _, k := range held[2:] {
			k.leave()
		}
		if running, waiting := q.load(); running != 0 || waiting != 0 {
			t.Errorf("%d running, %d waiting", running, waiting)
		}
	})
}
