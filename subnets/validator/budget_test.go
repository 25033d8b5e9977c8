package validator

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
)

// worked is a module whose calls take some time, memory and fuel, and may fail.
type worked struct {
	plugins.Caller
	fuel, pages uint64
	takes       time.Duration
	fault       error
	begin, end  func()
}

func (w worked) Manifest() abi.Manifest { return abi.Manifest{Pages: w.pages} }

func (w worked) Call(ctx context.Context, op abi.Op, _ []byte, _ [32]byte) (plugins.Reply, error) {
	if w.begin != nil {
		w.begin()
		defer w.end()
	}
	select {
	case <-ctx.Done():
		return plugins.Reply{}, ctx.Err()
	case <-time.After(w.takes):
	}
	if w.fault != nil {
		return plugins.Reply{}, &plugins.Fault{Kind: w.fault, Op: op, Fuel: w.fuel}
	}
	return plugins.Reply{Fuel: w.fuel}, nil
}

// loop calls from several goroutines until ctx ends, and counts.
func loop(ctx context.Context, g *errgroup.Group, c plugins.Caller, count *atomic.Int64) {
	for range 4 {
		g.Go(func() error {
			for ctx.Err() == nil {
				if _, err := c.Call(ctx, abi.OpScore, nil, [32]byte{}); err == nil || plugins.IsGuest(err) {
					count.Add(1)
				}
			}
			return nil
		})
	}
}

// A subnet whose module burns all the fuel it may, and fails, takes nothing from
// one whose module is frugal, and the total holds.
func TestFuelIsDividedFairly(t *testing.T) { synctest.Test(t, fuelIsDividedFairly) }

func fuelIsDividedFairly(t *testing.T) {
	const rate, dear, cheap = 1_000_000, 300_000, 2_000
	s := NewScheduler(Budget{Fuel: rate})
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var bad, good atomic.Int64
	var g errgroup.Group
	start := time.Now()
	loop(ctx, &g, s.Caller(1, worked{fuel: dear, pages: 1, fault: plugins.ErrFuel}), &bad)
	loop(ctx, &g, s.Caller(2, worked{fuel: cheap, pages: 1, takes: time.Millisecond}), &good)
	g.Wait()
	took := time.Since(start).Seconds()
	used := float64(bad.Load()*dear + good.Load()*cheap)
	if most := rate*(took+budgetBurst) + 8*dear; used > most {
		t.Errorf("%.0f fuel in %.1f s, at most %.0f", used, took, most)
	}
	if bad.Load() < 2 || good.Load() < 100 {
		t.Errorf("the dear module made %d calls, the cheap one %d", bad.Load(), good.Load())
	}
	t.Logf("%d dear calls, %d cheap ones, %.0f fuel in %.1f s", bad.Load(), good.Load(), used, took)
}

func TestMemoryHolds(t *testing.T) { synctest.Test(t, memoryHolds) }

func memoryHolds(t *testing.T) {
	const page = 1 << 16
	s := NewScheduler(Budget{Memory: 10 * page})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var now, most, alone atomic.Int64
	track := func(pages uint64) worked {
		return worked{pages: pages, takes: time.Millisecond, fuel: 1,
			begin: func() {
				n := now.Add(int64(pages))
				for m := most.Load(); n > m && pages <= 10 && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				if pages > 10 && n == int64(pages) {
					alone.Add(1)
				}
			},
			end: func() { now.Add(-int64(pages)) }}
	}
	var small, big, huge atomic.Int64
	var g errgroup.Group
	loop(ctx, &g, s.Caller(1, track(3)), &small)
	loop(ctx, &g, s.Caller(2, track(9)), &big)
	loop(ctx, &g, s.Caller(3, track(50)), &huge)
	g.Wait()
	if most.Load() > 10 {
		t.Errorf("%d pages at once", most.Load())
	}
	if small.Load() < 5 || big.Load() < 5 || huge.Load() < 5 {
		t.Errorf("calls: %d small, %d big, %d huge", small.Load(), big.Load(), huge.Load())
	}
	if alone.Load() < huge.Load() {
		t.Errorf("of %d calls above the whole budget %d ran alone", huge.Load(), alone.Load())
	}
}

func TestBandwidthHolds(t *testing.T) { synctest.Test(t, bandwidthHolds) }

func bandwidthHolds(t *testing.T) {
	s := NewScheduler(Budget{Bandwidth: 100_000})
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	var g errgroup.Group
	var mu sync.Mutex
	rounds := map[ledger.NetUID]int{}
	for n := ledger.NetUID(1); n <= 2; n++ {
		bytes := uint64(n*n*n) * 5_000 // the second sends eight times as much
		g.Go(func() error {
			for s.Traffic(ctx, n, bytes) == nil {
				s.Carried(n, bytes/10)
				mu.Lock()
				rounds[n]++
				mu.Unlock()
			}
			return nil
		})
	}
	g.Wait()
	sent := float64(rounds[1]*5_500 + rounds[2]*44_000)
	if sent > 100_000*(0.7+budgetBurst)+2*44_000 {
		t.Errorf("%.0f bytes were sent: %v", sent, rounds)
	}
	if rounds[1] <= rounds[2] || rounds[2] < 1 {
		t.Errorf("turns do not go by bytes: %v", rounds)
	}
}

// Who gives up leaves the line, and a changed budget counts at once.
func TestGivingUp(t *testing.T) {
	s := NewScheduler(Budget{Fuel: 1})
	s.fuel.level = -1e9
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Caller(1, worked{pages: 1}).Call(ctx, abi.OpTask, nil, [32]byte{})
		done <- err
	}()
	for waiting := 0; waiting == 0; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		waiting = len(s.calls)
		s.mu.Unlock()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || len(s.calls) != 0 || s.running != 0 {
		t.Fatalf("%v, %d wait, %d run", err, len(s.calls), s.running)
	}
	s.SetBudget(Budget{})
	if _, err := s.Caller(1, worked{pages: 1}).Call(t.Context(), abi.OpTask, nil, [32]byte{}); err != nil {
		t.Error(err)
	}
}

// A subnet's own budget bounds it alone: others overtake what waits for it.
func TestOwnBudget(t *testing.T) {
	calls := func(t *testing.T, s *Scheduler, n ledger.NetUID, w worked, times int) time.Duration {
		begin := time.Now()
		var wg sync.WaitGroup
		for range times {
			wg.Go(func() { s.Caller(n, w).Call(t.Context(), abi.OpScore, nil, [32]byte{}) })
		}
		wg.Wait()
		return time.Since(begin)
	}
	for name, c := range map[string]struct {
		own   Budget
		fault error
		times int
		least time.Duration
	}{
		"none":            {Budget{}, nil, 4, time.Second},
		"memory for two":  {Budget{Memory: 2 << 20}, nil, 4, 2 * time.Second},
		"memory for none": {Budget{Memory: 1}, nil, 3, 3 * time.Second},
		"fuel":            {Budget{Fuel: 1, Memory: 1}, nil, 4, 7 * time.Second}, // saved 2 s, and each call costs 5 s
		"fuel of faults":  {Budget{Fuel: 1, Memory: 1}, plugins.ErrTrap, 4, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewScheduler(Budget{})
				s.SetOwn(1, c.own)
				w := worked{pages: 16, fuel: 5, takes: time.Second, fault: c.fault}
				other := make(chan time.Duration, 1)
				go func() { other <- calls(t, s, 2, w, 4) }()
				if took := calls(t, s, 1, w, c.times); took < c.least || took > c.least+13*time.Second {
					t.Errorf("took %v, want at least %v", took, c.least)
				}
				if took := <-other; took != time.Second {
					t.Errorf("another subnet took %v", took)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := NewScheduler(Budget{})
		s.SetOwn(1, Budget{Bandwidth: 100})
		begin := time.Now()
		for range 5 {
			if err := s.Traffic(t.Context(), 1, 100); err != nil {
				t.Fatal(err)
			}
			s.Carried(1, 100)
			if err := s.Traffic(t.Context(), 2, 1e9); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 7*time.Second || took > 9*time.Second { // 900 bytes before the last, 200 saved
			t.Errorf("bandwidth: took %v", took)
		}
		// A call that waits sees a bound that is lifted.
		s.SetOwn(1, Budget{Fuel: 1})
		s.used[1].ownFuel.level = -1e6
		go func() { time.Sleep(time.Second); s.SetOwn(1, Budget{}) }()
		if took := calls(t, s, 1, worked{fuel: 1, takes: time.Second}, 1); took != 2*time.Second {
			t.Errorf("a lifted bound: took %v", took)
		}
	})
}
