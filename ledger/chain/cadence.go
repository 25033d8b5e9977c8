package chain

import (
	"time"

	"github.com/cometbft/cometbft/config"
)

// cadence steers the pause between blocks so that their mean distance is
// target: CometBFT can only be told how long to wait after a commit, so what
// agreeing takes is measured and subtracted. It is owned by the goroutine that
// executes blocks, which is also the one that reads the pause.
type cadence struct {
	target  time.Duration
	config  *config.ConsensusConfig
	last    time.Time     // of the commit before
	pause   time.Duration // that was in force since then
	latency time.Duration // mean time from the end of the pause to the commit
}

// newCadence sets the engine's timeouts for a block time. A proposer that is
// gone costs one proposal timeout, about a block time.
func newCadence(target time.Duration, c *config.ConsensusConfig) *cadence {
	propose := min(max(target, 500*time.Millisecond), 3*time.Second)
	c.TimeoutPropose, c.TimeoutProposeDelta = propose, propose/2
	c.TimeoutPrevote, c.TimeoutPrevoteDelta = propose/2, propose/4
	c.TimeoutPrecommit, c.TimeoutPrecommitDelta = propose/2, propose/4
	c.SkipTimeoutCommit = false
	c.PeerGossipSleepDuration = min(max(target/25, 20*time.Millisecond), 50*time.Millisecond)
	c.PeerQueryMaj23SleepDuration = propose
	k := &cadence{target: target, config: c, latency: target / 5}
	k.set()
	return k
}

// committed is called after each block.
func (k *cadence) committed(now time.Time) {
	// Blocks that are caught up with come without the pause and say nothing;
	// of a round lost to a dead proposer only a part is counted.
	if between := now.Sub(k.last); !k.last.IsZero() && between > k.pause/2 {
		took := min(max(between-k.pause, 0), k.target/2)
		k.latency += (took - k.latency) / 8
	}
	k.last = now
	k.set()
}

func (k *cadence) set() {
	k.pause = min(max(k.target-k.latency, k.target/10), k.target)
	k.config.TimeoutCommit = k.pause
}
