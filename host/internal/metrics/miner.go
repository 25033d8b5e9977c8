package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/miner"
)

// Miner serves the figures of a miner's process. Each outcome of an exchange has a
// series from the beginning, so that what never happened reads 0.
func Miner(stats func() []miner.Stats, network func() p2p.Stats) http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(exchanges{stats}, traffic{network},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "plexus_peers", Help: "Connected peers."}, func() float64 { return float64(network().Peers) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "plexus_relayed_peers", Help: "Peers reached through a relay only."}, func() float64 { return float64(network().Relayed) }))
	return promhttp.HandlerFor(limited{prometheus.Gatherers{prometheus.DefaultGatherer, reg}, MaxSeries},
		promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError})
}

// exchanges turns a miner's counts into figures when they are asked for.
type exchanges struct{ stats func() []miner.Stats }

var (
	minerRequests   = prometheus.NewDesc("plexus_miner_requests_total", "Requests, by outcome; netuid 0 for those that name no subnet served.", []string{"netuid", "outcome"}, nil)
	minerRunning    = prometheus.NewDesc("plexus_miner_answers_running", "Answers in the making.", []string{"netuid"}, nil)
	minerWaiting    = prometheus.NewDesc("plexus_miner_requests_waiting", "Requests that wait for their turn or their task.", []string{"netuid"}, nil)
	minerRemembered = prometheus.NewDesc("plexus_miner_requests_remembered", "Requests taken in the epochs that may still be asked in.", []string{"netuid"}, nil)
)

// Describe implements prometheus.Collector.
func (exchanges) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{minerRequests, minerRunning, minerWaiting, minerRemembered} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (x exchanges) Collect(c chan<- prometheus.Metric) {
	for _, s := range x.stats() {
		n := strconv.Itoa(int(s.NetUID))
		for _, o := range miner.Outcomes() {
			c <- prometheus.MustNewConstMetric(minerRequests, prometheus.CounterValue, float64(s.Outcomes[o]), n, o)
		}
		if s.NetUID == 0 {
			continue
		}
		for d, v := range map[*prometheus.Desc]int{minerRunning: s.Running, minerWaiting: s.Waiting, minerRemembered: s.Remembered} {
			c <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), n)
		}
	}
}
