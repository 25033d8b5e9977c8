package metrics

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/p2p"
)

func scrape(t *testing.T, m *Metrics) (text string, series int) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d: %s", w.Code, w.Body)
	}
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			series++
		}
	}
	return w.Body.String(), series
}

// A running chain's figures, with those of the libraries, stay below the bound.
func TestARunningChain(t *testing.T) {
	c := solo.Start(t, solo.Genesis(t), t.TempDir(), func(c *chain.Config) { c.Metrics = true })
	m := New(Sources{Head: c.Head, Waiting: c.Waiting, Consensus: func() int { return len(c.ConsensusPeers()) }, Network: c.Net.Stats})
	defer c.Subscribe(m.Block)()
	c.Include(t, c.Transfer(0, [32]byte{0xb0}, 1e9))
	c.Reach(t, c.Head().Height+2)
	m.Invariants(nil)
	m.Invariants(errors.New("x"))
	m.Request("/v1/head", 200, time.Second)
	text, n := scrape(t, m)
	t.Logf("%d series", n)
	for _, want := range []string{"plexus_height ", `plexus_transactions_total{result="ok"} 1`, `plexus_invariant_checks_total{result="broken"} 1`,
		`plexus_api_requests_total{route="/v1/head",status="200"} 1`, "plexus_block_apply_seconds_count", "plexus_peers 0",
		"plexus_metrics_dropped_series 0", "libp2p_", "cometbft_consensus_height", "go_goroutines"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	if n > MaxSeries {
		t.Errorf("%d series", n)
	}
}

// A family that grows without bounds is left out, and nothing else.
func TestTooManySeries(t *testing.T) {
	m := New(Sources{Head: func() chain.Head { return chain.Head{Height: 7} }, Waiting: func() int { return 0 }, Consensus: func() int { return 0 },
		Network: func() p2p.Stats { return p2p.Stats{} }})
	wild := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aaa_by_peer_total", Help: "x"}, []string{"peer"})
	m.reg.MustRegister(wild)
	for i := range MaxSeries + 500 {
		wild.WithLabelValues(fmt.Sprint(i)).Inc()
	}
	text, n := scrape(t, m)
	if n > MaxSeries || strings.Contains(text, "aaa_by_peer") || !strings.Contains(text, "plexus_height 7") ||
		!strings.Contains(text, "plexus_metrics_dropped_series 2500") {
		t.Errorf("%d series", n)
	}
}
