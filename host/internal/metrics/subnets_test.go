package metrics

import (
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/p2p"
)

// Each kind of bad input has a figure, also where it never came.
func TestSubnetFigures(t *testing.T) {
	m := New(Sources{Head: func() chain.Head { return chain.Head{Height: 7} }, Waiting: func() int { return 0 }, Consensus: func() int { return 0 },
		Network: func() p2p.Stats { return p2p.Stats{} },
		Subnets: func() []admin.Subnet {
			return []admin.Subnet{{NetUID: 3, Scored: 9, Skipped: 3, Skips: map[string]int{"module": 1, "data": 2}, Faults: map[string]int{"signature": 4}}}
		}})
	text, _ := scrape(t, m)
	for _, want := range []string{`plexus_subnet_rounds_total{netuid="3",outcome="scored"} 9`, `plexus_subnet_rounds_total{netuid="3",outcome="skipped"} 3`,
		`plexus_subnet_skips_total{netuid="3",reason="module"} 1`, `plexus_subnet_skips_total{netuid="3",reason="data"} 2`, `plexus_subnet_skips_total{netuid="3",reason="other"} 0`,
		`plexus_subnet_miner_faults_total{fault="signature",netuid="3"} 4`, `plexus_subnet_miner_faults_total{fault="unsigned",netuid="3"} 0`,
		`plexus_subnet_miner_faults_total{fault="mismatch",netuid="3"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
