package subnets_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestQuitInFlight: a validator that is told to quit while its miners think ends
// the round as it began, keeps it, begins no other, and whoever goes on from its
// keep does not run it again.
func TestQuitInFlight(t *testing.T) {
	t.Parallel()
	asked, go_ := make(chan struct{}, 64), make(chan struct{})
	slow := func(ctx context.Context, _ []byte) ([]byte, error) {
		asked <- struct{}{}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-go_:
		}
		return fixed(" aet")
	}
	release := sync.OnceFunc(func() { close(go_) })
	p := params([]uint16{1, 9}, 2)
	p.DeadlineMS = 20_000
	a := newArena(t, textModule(t), corpus(t), p, honest("slow", slow), honest("slower", slow))
	t.Cleanup(release)
	<-asked
	a.wait("round in flight", func() bool { // of the first validator, that is
		for k := range a.keeps[0].copy() {
			if strings.HasPrefix(k, "asking/") {
				return true
			}
		}
		return false
	})
	close(a.quit[0])
	select {
	case <-a.ended[0]:
		t.Fatal("it ended with a round in flight")
	case <-time.After(300 * time.Millisecond):
	}
	release()
	select {
	case <-a.ended[0]:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
	rounds := a.told(0, "round")
	if len(rounds) == 0 || len(a.told(0, "skipped")) > 0 {
		t.Fatalf("%d rounds kept, %d skipped", len(rounds), len(a.told(0, "skipped")))
	}
	kept := a.keeps[0].copy()
	answered := 0
	for _, s := range rounds[0].Scores {
		if s.Status == evidence.Answered {
			answered++
		}
	}
	if answered == 0 {
		t.Errorf("no answer was scored: %+v", rounds[0].Scores)
	}
	height := a.clock().Step
	a.wait("more blocks", func() bool { return a.clock().Step > height+12 })
	if n := len(a.told(0, "round")); n != len(rounds) {
		t.Errorf("%d rounds after it was told to quit", n-len(rounds))
	}
	a.startValidator(0)
	a.wait("another round", func() bool { return len(a.told(0, "round")) > len(rounds) })
	after := a.keeps[0].copy()
	for k, v := range kept {
		if string(after[k]) != string(v) {
			t.Error("what was kept has changed")
		}
	}
	for _, e := range a.told(0, "round")[len(rounds):] {
		for _, was := range rounds {
			if e.Epoch == was.Epoch && e.Round == was.Round {
				t.Errorf("round %d of epoch %d was run twice", e.Round, e.Epoch)
			}
		}
	}
}
