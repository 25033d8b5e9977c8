package chain

import (
	"testing"
	"time"

	"github.com/cometbft/cometbft/config"
)

// A simulated network that takes the pause plus a latency for each block must
// come to the target; where that cannot be, to the nearest bound.
func TestCadence(t *testing.T) {
	for _, c := range []struct {
		name    string
		latency func(i int) time.Duration
		want    time.Duration
	}{
		{"quick", func(int) time.Duration { return 20 * time.Millisecond }, time.Second},
		{"slow", func(int) time.Duration { return 450 * time.Millisecond }, time.Second},
		{"uneven", func(i int) time.Duration { return time.Duration(i%5) * 60 * time.Millisecond }, time.Second},
		{"slower than half the target", func(int) time.Duration { return 800 * time.Millisecond }, 1300 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			cc := config.DefaultConsensusConfig()
			k := newCadence(time.Second, cc)
			now := time.Unix(1000, 0)
			var from time.Time
			for i := range 300 {
				if i == 100 {
					from = now
				}
				k.committed(now)
				if cc.TimeoutCommit < 100*time.Millisecond || cc.TimeoutCommit > time.Second {
					t.Fatalf("pause %v", cc.TimeoutCommit)
				}
				now = now.Add(cc.TimeoutCommit + c.latency(i))
			}
			mean := now.Sub(from) / 200
			if d := mean - c.want; d < -20*time.Millisecond || d > 20*time.Millisecond {
				t.Errorf("mean %v, want %v", mean, c.want)
			}
		})
	}
	// Catching up does not teach that agreeing takes no time.
	k := newCadence(time.Second, config.DefaultConsensusConfig())
	before, now := k.latency, time.Unix(1000, 0)
	for range 100 {
		k.committed(now)
		now = now.Add(5 * time.Millisecond)
	}
	if k.latency != before {
		t.Errorf("latency %v after catching up, was %v", k.latency, before)
	}
}
