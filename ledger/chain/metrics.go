package chain

import (
	"sync"

	"github.com/cometbft/cometbft/blocksync"
	"github.com/cometbft/cometbft/consensus"
	sm "github.com/cometbft/cometbft/state"
)

// counters are CometBFT's own figures. Those of its peers are left out: they
// have a series for each peer and channel.
type counters struct {
	consensus *consensus.Metrics
	blocksync *blocksync.Metrics
	state     *sm.Metrics
}

// shared are the figures in the default registry of Prometheus, where CometBFT
// registers them itself, which it can do once in a process.
var shared = sync.OnceValue(func() counters {
	return counters{consensus.PrometheusMetrics("cometbft"), blocksync.PrometheusMetrics("cometbft"), sm.PrometheusMetrics("cometbft")}
})

func countersOf(c *Config) counters {
	if c.Metrics {
		return shared()
	}
	return counters{consensus.NopMetrics(), blocksync.NopMetrics(), sm.NopMetrics()}
}
