package worker

import (
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
// a twentieth of a second. What a busy machine adds is no fault of ours: the
// best of five counts.
func TestStoppedInTime(t *testing.T) {
	const deadline = 200 * time.Millisecond
	_, m := open(t, Config{Timeout: deadline})
	best := time.Hour
	for range 5 {
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
// workers, another's calls take at most twice as long as alone. Its own bound keeps
// a worker free. The quickest of many batches counts, for the machine is shared.
func TestOthersGoOn(t *testing.T) {
	p, m := open(t, Config{Workers: 2, Each: Budget{Workers: 1}, Timeout: 300 * time.Millisecond})
	g, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	// The same guest under another name is another module.
	hostile, err := p.Load(t.Context(), append(append([]byte(nil), g...), 0, 2, 1, 'x'))
	if err != nil {
		t.Fatal(err)
	}
	quickest := func() time.Duration {
		best := time.Hour
		for range 20 {
			start := time.Now()
			for range 10 {
				if _, err := m.Call(t.Context(), abi.OpSolve, []byte("G"), [32]byte{}); err != nil {
					t.Fatal(err)
				}
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	loop := func(stop chan struct{}) {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := hostile.Call(t.Context(), abi.OpSolve, []byte("l"), [32]byte{}); !errors.Is(err, plugins.ErrDeadline) && !errors.Is(err, plugins.ErrFuel) {
				t.Errorf("the loop ended with %v", err)
				return
			}
		}
	}
	// A machine that others use as well slows one half or the other of a trial, so
	// that one good trial of several proves what a bad one does not refute.
	for trial := 1; ; trial++ {
		alone := quickest()
		stop := make(chan struct{})
		var attack sync.WaitGroup
		for range 2 {
			attack.Go(func() { loop(stop) })
		}
		attacked := quickest()
		close(stop)
		attack.Wait()
		t.Logf("ten calls take %v alone, %v beside the attack", alone, attacked)
		if attacked <= 2*alone {
			return
		}
		if trial == 10 {
			t.Fatal("calls beside the attack take more than twice as long in each of ten trials")
		}
	}
}
