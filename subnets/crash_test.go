package subnets_test

import (
	"context"
	"encoding/binary"
	"maps"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/validator"
)

// TestKilledWhileAsking: what a crash leaves of a round is decided by what was
// durable: asked is scored, half asked is skipped, and no miner is asked twice.
func TestKilledWhileAsking(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	free := make(chan struct{})
	slow := engine(func(ctx context.Context, _ []byte) ([]byte, error) {
		asked.Add(1)
		select {
		case <-free:
		case <-ctx.Done():
		}
		return []byte("same"), nil
	})
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{1, 8}, 1), "g"), honest("one", slow))
	a.wait("all validators to ask", func() bool { return asked.Load() == validators })
	// As a kill leaves it: what the keep holds now, and nothing of what comes.
	left := a.keeps[0].copy()
	marks := 0
	for k := range left {
		if strings.HasPrefix(k, "asking/") {
			marks++
		}
	}
	if marks != 1 {
		t.Fatalf("%d rounds are marked as being asked: %q", marks, left)
	}
	a.stop[0]()
	a.keeps[0].mu.Lock()
	a.keeps[0].m = maps.Clone(left)
	a.keeps[0].mu.Unlock()
	close(free)
	a.startValidator(0)
	a.wait("the half-run round to be skipped", func() bool { return len(a.told(0, "skipped")) > 0 })
	if e := a.told(0, "skipped")[0]; e.Epoch != 1 || e.Round != 0 || !strings.Contains(e.Err.Error(), "stopped while it asked") {
		t.Errorf("%+v", e)
	}
	a.wait("the next round", func() bool { return len(a.told(0, "round")) > 0 })
	if e := a.told(0, "round")[0]; e.Epoch != 1 || e.Round != 1 {
		t.Errorf("%+v", e)
	}
	a.revealed(1)
	b := a.equal(1)[0]
	if !b.Rounds[0].Skipped || b.Rounds[1].Skipped {
		t.Errorf("round 0 skipped: %v, round 1 skipped: %v", b.Rounds[0].Skipped, b.Rounds[1].Skipped)
	}
}

// TestKilledBeforeScoring: everything that the miners said is kept before it is
// scored, so that a kill in between costs nothing.
func TestKilledBeforeScoring(t *testing.T) {
	t.Parallel()
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{1, 8}, 2), "g"), honest("one", alike), honest("other", alike))
	// The keep of a validator that was killed right after each Put, with the round
	// asked and not yet scored.
	var between map[string][]byte
	a.keeps[0].watch(func(k string, m map[string][]byte) {
		if between == nil && strings.HasPrefix(k, "asked/") {
			between = maps.Clone(m)
		}
	})
	a.wait("the first round", func() bool { return len(a.told(0, "round")) > 0 })
	a.stop[0]()
	a.mu.Lock()
	a.events[0] = nil
	a.mu.Unlock()
	a.keeps[0].mu.Lock()
	if between == nil {
		t.Error("the answers were not kept before they were scored")
	}
	a.keeps[0].m = between
	a.keeps[0].mu.Unlock()
	a.startValidator(0)
	a.wait("the round again", func() bool { return len(a.told(0, "round")) > 0 })
	if e := a.told(0, "round")[0]; e.Epoch != 1 || e.Round != 0 || len(a.told(0, "skipped")) > 0 {
		t.Errorf("%+v", e)
	}
	a.revealed(1)
	a.equal(1)
}

// TestLongAway: what a validator left when it went, many epochs ago, is found and
// ended although the state no longer has that epoch's roster.
func TestLongAway(t *testing.T) {
	t.Parallel()
	c := newChain(t, 1, ledger.Subnet{Module: guestModule(t).ID(), Params: moods(params([]uint16{1}, 1), "g")})
	c.until(tempo*20 + 10)
	old := c.clock().Epoch - 16
	if r, err := ledger.LoadRoster(c.now(), netuid, old); err == nil && r != nil {
		t.Fatalf("epoch %d has a roster still", old)
	}
	self := c.hot[0].Public()
	k := append([]byte("asking/"), 0, byte(netuid))
	k = binary.BigEndian.AppendUint64(append(k, self[:]...), old)
	keep := &memKeep{m: map[string][]byte{string(append(k, 0, 0)): {1}}}
	told := make(chan validator.Event, 16)
	v := validator.New(validator.Config{ChainID: c.gen.ChainID, NetUID: netuid, Hotkey: c.hot[0], Chain: c, Keep: keep, Notify: func(e validator.Event) { told <- e }})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	for len(told) == 0 && len(done) == 0 {
		c.mu.Lock()
		c.tell()
		c.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if e := <-told; e.Kind != "skipped" || e.Epoch != old {
		t.Errorf("%+v", e)
	}
}
