package worker

import (
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// TestInline: a call shows the same wherever it ends, short ones end in this
// process, long ones in a worker, and each operation is remembered.
func TestInline(t *testing.T) {
	lim := plugins.DefaultLimits()
	lim.Fuel = 2e8 // a loop need not take its two thousand million here
	_, away := open(t, Config{Limits: lim})
	p, m := open(t, Config{Limits: lim, Inline: DefaultInline})
	defer m.(io.Closer).Close()
	for _, in := range []string{"ehello", "sno", "pouch", "x", "r", "g", "g", "l", "m", "e" + strings.Repeat("y", 1<<16)} {
		want := outcome(away.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{5}))
		if got := outcome(m.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{5})); got != want {
			t.Errorf("%.9q: %.300s\nwant %.300s", in, got, want)
		}
	}
	s := p.Stats()
	if len(s.Ops) != 1 || s.Ops[0].Calls != 10 || s.Ops[0].Inline < 4 || s.Ops[0].Inline > 7 || s.Ops[0].Faults != 5 || s.Ops[0].OutOf != 1 ||
		s.Ops[0].Fuel == 0 || s.Ops[0].Time == 0 || s.Started == 0 || s.Running != 0 {
		t.Errorf("%+v", s)
	}
	m.(io.Closer).Close()
	if r, err := m.Call(t.Context(), abi.OpSolve, []byte("estill"), [32]byte{}); err != nil || string(r.Body) != "still" {
		t.Errorf("after Close: %v", err)
	}
	if _, err := Open(Config{Inline: 1}); err == nil {
		t.Error("inline calls without a cache")
	}
}

// longestPause returns the upper end of the highest bucket of pauses that grew
// since before.
func longestPause(before *metrics.Float64Histogram) (time.Duration, *metrics.Float64Histogram) {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	h := s[0].Value.Float64Histogram()
	var worst float64
	for i, n := range h.Counts {
		if before != nil && n == before.Counts[i] || n == 0 {
			continue
		}
		if up := h.Buckets[i+1]; !math.IsInf(up, 1) {
			worst = up
		} else {
			worst = h.Buckets[i]
		}
	}
	return time.Duration(worst * float64(time.Second)), h
}

// TestCollectorIsNotHeldUp: while a guest loops for ever, this process's garbage
// collector stops the world without waiting for it.
func TestCollectorIsNotHeldUp(t *testing.T) {
	p, m := open(t, Config{Inline: DefaultInline})
	defer m.(io.Closer).Close()
	// Pauses are also what a busy machine makes of them: one of ten rounds has to be
	// short. A guest that held the collector up would do it in all.
	const enough = 50 * time.Millisecond
	best := time.Hour
	for i := 0; i < 10 && best >= enough; i++ {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := m.Call(ctx, abi.OpSolve, []byte("l"), [32]byte{})
			done <- err
		}()
		running(t, p)
		_, before := longestPause(nil)
		for range 20 {
			runtime.GC()
			time.Sleep(2 * time.Millisecond)
		}
		worst, _ := longestPause(before)
		best = min(best, worst)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) && !errors.Is(err, plugins.ErrFuel) {
			t.Fatal(err)
		}
	}
	t.Logf("longest pause %v", best)
	if best >= enough {
		t.Errorf("the collector was held up for %v", best)
	}
}

// TestReferee: calls are repeated in the interpreter, and an outcome that differs
// raises the alarm.
func TestReferee(t *testing.T) {
	alarms := make(chan Difference, 1)
	p, m := open(t, Config{Referee: 2, Alarm: func(d Difference) { alarms <- d }})
	for range 4 {
		if _, err := m.Call(t.Context(), abi.OpSolve, []byte("ehello"), [32]byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(20 * time.Second); p.Stats().Ops[0].Sampled == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing was repeated: %+v", p.Stats())
		}
	}
	if s := p.Stats(); s.Ops[0].Differed != 0 || len(alarms) != 0 {
		t.Fatalf("equal engines differ: %+v", s)
	}
	// A reply that no engine gave, as a fault of the compiler would make it.
	p.ref.samples <- sample{m: m.(*remote), op: abi.OpSolve, input: []byte("ehello"), want: flatten(plugins.Reply{Body: []byte("hellp")}, nil)}
	select {
	case d := <-alarms:
		if d.Module != m.ID() || string(d.Input) != "ehello" || d.Compiled == d.Referee {
			t.Errorf("%+v", d)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("no alarm")
	}
	if s := p.Stats(); s.Ops[0].Differed != 1 {
		t.Errorf("%+v", s.Ops)
	}
}
