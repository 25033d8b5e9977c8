package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/worker"
)

// However many modules there were, figures stay bounded and none is lost.
func TestModuleFigures(t *testing.T) {
	var s worker.Stats
	for i := range 200 {
		for _, op := range []abi.Op{abi.OpTask, abi.OpScore} {
			s.Ops = append(s.Ops, worker.OpStats{Module: plugins.ID{byte(i), 1}, Op: op, Calls: uint64(i + 1), Inline: 1, Faults: 1, Fuel: 10, Time: time.Second, Sampled: 1})
		}
	}
	s.Workers, s.Died = 3, 2
	m := New(Sources{Head: func() chain.Head { return chain.Head{} }, Waiting: func() int { return 0 }, Consensus: func() int { return 0 },
		Network: func() p2p.Stats { return p2p.Stats{} }, Modules: func() worker.Stats { return s }})
	text, _ := scrape(t, m)
	series, calls := 0, 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "plexus_module") {
			series++
		}
		if rest, ok := strings.CutPrefix(line, "plexus_module_calls_total{"); ok {
			var n float64
			if _, err := fmt.Sscan(strings.TrimSpace(rest[strings.LastIndex(rest, "}")+1:]), &n); err != nil {
				t.Fatal(err)
			}
			calls += int(n)
		}
	}
	if series > (maxModules+1)*2*11+2 || calls != 2*200*201/2 {
		t.Errorf("%d series, %d calls", series, calls)
	}
	for _, want := range []string{`module="other",op="score"`, `plexus_module_calls_total{module="c701000000000000",op="task",where="worker"} 199`,
		"plexus_workers 3", "plexus_workers_died_total 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
