package subnets_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/round"
	"github.com/plexus-network/plexus/subnets/validator"
)

// TestOneSubnetsFaultTouchesNoOther: a module that loops until its fuel is gone and
// one that traps, called without end, cost another subnet none of its rounds.
func TestOneSubnetsFaultTouchesNoOther(t *testing.T) {
	t.Parallel()
	m := guestModule(t)
	s := validator.NewScheduler(validator.Budget{Fuel: 1 << 31, Memory: 128 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var g errgroup.Group
	var looped, trapped atomic.Int32
	for n, mood := range map[uint16]string{1: "l", 2: "t"} {
		c := s.Caller(ledger.NetUID(n), m)
		for range 2 {
			g.Go(func() error {
				for i := byte(0); ctx.Err() == nil; i++ {
					task, _, err := round.Task(ctx, c, [32]byte{i}, round.Terms{Params: []byte(mood)})
					if mood == "t" && err == nil {
						_, _, err = round.Score(ctx, c, [32]byte{i}, []byte(mood), task, nil, [][]byte{{1}})
					}
					switch {
					case ctx.Err() != nil:
					case !plugins.IsGuest(err):
						t.Errorf("a faulty module: %v", err)
					case mood == "l":
						looped.Add(1)
					default:
						trapped.Add(1)
					}
				}
				return nil
			})
		}
	}
	good := s.Caller(ledger.NetUID(3), m)
	start := time.Now()
	// The good subnet goes on until it was disturbed, at a machine's own pace.
	rounds := 0
	for ; rounds < 40 || looped.Load() == 0 || trapped.Load() == 0; rounds++ {
		i := byte(rounds)
		task, _, err := round.Task(ctx, good, [32]byte{i}, round.Terms{Params: []byte("g")})
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
		scores, _, err := round.Score(ctx, good, [32]byte{i}, []byte("g"), task, nil, [][]byte{{1}, {2}})
		if err != nil || len(scores) != 2 {
			t.Fatalf("round %d: %v, %v", i, scores, err)
		}
	}
	took := time.Since(start)
	cancel()
	g.Wait()
	t.Logf("%d rounds in %v, beside %d calls that ran out of fuel and %d that trapped", rounds, took.Round(time.Millisecond), looped.Load(), trapped.Load())
}
