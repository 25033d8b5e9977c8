package worker

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// overshoot is how much later than its deadline a call may end.
const overshoot = 50 * time.Millisecond

// TestStoppedInTime: a guest that never ends is stopped within its deadline and
// a twentieth of a second. What a busy machine adds is no fault of ours: one of
// twenty has to.
func TestStoppedInTime(t *testing.T) {
	const deadline = 200 * time.Millisecond
	_, m := open(t, Config{Timeout: deadline})
	best := time.Hour
	for i := 0; i < 20 && best > overshoot; i++ {
		if _, err := m.Call(t.Context(), abi.OpSolve, []byte("ewarm"), [32]byte{}); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := m.Call(t.Context(), abi.OpSolve, []byte("l"), [32]byte{}); !errors.Is(err, plugins.ErrDeadline) {
			t.Fatal(err)
		}
		best = min(best, time.Since(start)-deadline)
	}
	t.Logf("stopped %v after the deadline", best)
	if best > overshoot {
		t.Errorf("stopped %v after the deadline, at most %v are allowed", best, overshoot)
	}
}

// TestOthersGoOn: while one module calls loops without end, as many at once as there are
// workers, another's calls are served without waiting for a loop to end: the first's
// own bound keeps a worker free. BenchmarkBeside measures how quickly.
func TestOthersGoOn(t *testing.T) {
	p, m := open(t, Config{Workers: 2, Each: Budget{Workers: 1}, Timeout: time.Minute})
	hostile := besiege(t, p)
	const calls = 100
	for range calls {
		if _, err := m.Call(t.Context(), abi.OpSolve, []byte("G"), [32]byte{}); err != nil {
			t.Fatal(err)
		}
	}
	// A loop takes thousands of times what one of the calls takes.
	ended := uint64(0)
	for _, o := range p.Stats().Ops {
		if o.Module == hostile {
			ended = o.Calls
		}
	}
	if ended > calls/10 {
		t.Errorf("%d loops ended during %d calls", ended, calls)
	}
}

// BenchmarkBeside is a call alone, and beside a module that loops without end.
func BenchmarkBeside(b *testing.B) {
	for _, attacked := range []bool{false, true} {
		b.Run(map[bool]string{false: "alone", true: "attacked"}[attacked], func(b *testing.B) {
			p, m := open(b, Config{Workers: 2, Each: Budget{Workers: 1}, Timeout: time.Minute})
			if attacked {
				besiege(b, p)
			}
			for b.Loop() {
				if _, err := m.Call(b.Context(), abi.OpSolve, []byte("G"), [32]byte{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// besiege has another module call loops until the end of the test, two at once, and
// returns when one of them runs.
func besiege(t testing.TB, p *Pool) plugins.ID {
	t.Helper()
	g, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	// The same guest under another name is another module.
	hostile, err := p.Load(t.Context(), append(append([]byte(nil), g...), 0, 2, 1, 'x'))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var attack sync.WaitGroup
	for range 2 {
		attack.Go(func() {
			for ctx.Err() == nil {
				if _, err := hostile.Call(ctx, abi.OpSolve, []byte("l"), [32]byte{}); ctx.Err() == nil && !errors.Is(err, plugins.ErrFuel) {
					t.Errorf("the loop ended with %v", err)
					return
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); attack.Wait() })
	running(t, p)
	return hostile.ID()
}
