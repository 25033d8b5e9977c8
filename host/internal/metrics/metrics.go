// Package metrics counts what a node does, for Prometheus: our own figures under
// plexus_, beside those that CometBFT and libp2p keep in the process's default
// registry. What it serves has at most MaxSeries series, however many peers or
// routes there are.
package metrics

import (
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins/worker"
)

// MaxSeries bounds the series of one answer. Families beyond it are left out,
// ours last, and plexus_metrics_dropped_series says how many series that were.
const MaxSeries = 2000

// Sources are asked at each scrape.
type Sources struct {
	Head      func() chain.Head
	Waiting   func() int // transactions that wait for a block
	Consensus func() int // peers in consensus gossip
	Network   func() p2p.Stats
	Indexed   func() (first, last uint64) // of the history; nil for none
	Modules   func() worker.Stats         // of what runs modules; nil for none
	Subnets   func() []admin.Subnet       // that the node validates; nil for none
}

// Metrics are one node's figures.
type Metrics struct {
	reg        *prometheus.Registry
	blockTime  prometheus.Histogram
	applyTime  prometheus.Histogram
	txs        *prometheus.CounterVec
	invariants *prometheus.CounterVec
	requests   *prometheus.CounterVec
	requestSum *prometheus.CounterVec

	mu   sync.Mutex
	last int64 // time of the last block, Unix milliseconds
}

// New makes the figures of a node.
func New(s Sources) *Metrics {
	m := &Metrics{reg: prometheus.NewRegistry(),
		blockTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "plexus_block_interval_seconds", Help: "Time between the headers of two blocks.",
			Buckets: []float64{.25, .5, 1, 2, 4, 8, 12, 16, 24, 48, 120}}),
		applyTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "plexus_block_apply_seconds", Help: "What a block's execution took here.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3}}),
		txs:        counters("plexus_transactions_total", "Transactions in blocks, by outcome.", "result"),
		invariants: counters("plexus_invariant_checks_total", "Checks of the whole state, by outcome.", "result"),
		requests:   counters("plexus_api_requests_total", "Answers of the API, by route and status.", "route", "status"),
		requestSum: counters("plexus_api_seconds_total", "Time spent on answers of the API, by route.", "route"),
	}
	gauge := func(name, help string, fn func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, fn)
	}
	m.reg.MustRegister(m.blockTime, m.applyTime, m.txs, m.invariants, m.requests, m.requestSum, traffic{s.Network},
		gauge("plexus_height", "Height of the newest block.", func() float64 { return float64(s.Head().Height) }),
		gauge("plexus_block_timestamp_seconds", "Time of the newest block.", func() float64 { return float64(s.Head().Time) / 1000 }),
		gauge("plexus_pool_transactions", "Transactions that wait for a block.", func() float64 { return float64(s.Waiting()) }),
		gauge("plexus_peers", "Connected peers.", func() float64 { return float64(s.Network().Peers) }),
		gauge("plexus_consensus_peers", "Peers that take part in consensus gossip.", func() float64 { return float64(s.Consensus()) }))
	if s.Indexed != nil {
		m.reg.MustRegister(gauge("plexus_history_height", "Height that the history has reached.", func() float64 { _, last := s.Indexed(); return float64(last) }))
	}
	if s.Modules != nil {
		m.reg.MustRegister(calls{s.Modules})
	}
	if s.Subnets != nil {
		m.reg.MustRegister(subnets{s.Subnets})
	}
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Block counts a committed block.
func (m *Metrics) Block(b chain.Block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last != 0 {
		m.blockTime.Observe(float64(b.Time-m.last) / 1000)
	}
	m.last = b.Time
	m.applyTime.Observe(b.Applied.Seconds())
	for _, r := range b.Results[min(1, len(b.Results)):] {
		m.txs.WithLabelValues(r.Code.String()).Inc()
	}
}

// Invariants counts a check of the whole state.
func (m *Metrics) Invariants(err error) {
	result := "held"
	if err != nil {
		result = "broken"
	}
	m.invariants.WithLabelValues(result).Inc()
}

// Request counts an answer of the API. route must be a pattern, never what was
// asked for.
func (m *Metrics) Request(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.requestSum.WithLabelValues(route).Add(took.Seconds())
}

// Handler serves the figures, with those of the libraries.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(limited{prometheus.Gatherers{prometheus.DefaultGatherer, m.reg}, MaxSeries},
		promhttp.HandlerOpts{MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError})
}

// limited leaves out what goes beyond a number of series.
type limited struct {
	prometheus.Gatherer
	max int
}

// Gather implements prometheus.Gatherer.
func (l limited) Gather() ([]*dto.MetricFamily, error) {
	all, err := l.Gatherer.Gather()
	// Ours first, then the smaller families: one that has grown without bounds
	// is what is dropped.
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		if x, y := ours(a), ours(b); x != y {
			return x
		}
		return series(a) < series(b)
	})
	total, dropped := 1, 0
	var out []*dto.MetricFamily
	for _, f := range all {
		n := series(f)
		if total+n > l.max {
			dropped += n
			continue
		}
		total += n
		out = append(out, f)
	}
	name, help, value := "plexus_metrics_dropped_series", fmt.Sprintf("Series left out of this answer, which has at most %d.", l.max), float64(dropped)
	kind := dto.MetricType_GAUGE
	out = append(out, &dto.MetricFamily{Name: &name, Help: &help, Type: &kind, Metric: []*dto.Metric{{Gauge: &dto.Gauge{Value: &value}}}})
	sort.Slice(out, func(i, j int) bool { return out[i].GetName() < out[j].GetName() })
	return out, err
}

func ours(f *dto.MetricFamily) bool { return len(f.GetName()) > 7 && f.GetName()[:7] == "plexus_" }

// series counts the lines that a family becomes.
func series(f *dto.MetricFamily) (n int) {
	for _, m := range f.Metric {
		switch {
		case m.Histogram != nil:
			n += len(m.Histogram.Bucket) + 3
		case m.Summary != nil:
			n += len(m.Summary.Quantile) + 2
		default:
			n++
		}
	}
	return n
}

// traffic turns the network's counters into figures when they are asked for.
type traffic struct{ stats func() p2p.Stats }

var (
	streamFrames = prometheus.NewDesc("plexus_stream_frames_total", "Frames of our stream protocols.", []string{"protocol", "direction"}, nil)
	streamBytes  = prometheus.NewDesc("plexus_stream_bytes_total", "Bytes of our stream protocols.", []string{"protocol", "direction"}, nil)
	streamBusy   = prometheus.NewDesc("plexus_stream_refused_total", "Streams of others refused for want of room.", []string{"protocol"}, nil)
	topicSeen    = prometheus.NewDesc("plexus_gossip_messages_total", "Gossip messages, by verdict.", []string{"topic", "verdict"}, nil)
)

// Describe implements prometheus.Collector.
func (t traffic) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamFrames, streamBytes, streamBusy, topicSeen} {
		c <- d
	}
}

// Collect implements prometheus.Collector.
func (t traffic) Collect(c chan<- prometheus.Metric) {
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		c <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	s := t.stats()
	for name, x := range s.Streams {
		count(streamFrames, x.Sent, name, "out")
		count(streamFrames, x.Received, name, "in")
		count(streamBytes, x.BytesOut, name, "out")
		count(streamBytes, x.BytesIn, name, "in")
		count(streamBusy, x.Refused, name)
	}
	for name, x := range s.Topics {
		count(topicSeen, x.Published, name, "published")
		count(topicSeen, x.Accepted, name, "accepted")
		count(topicSeen, x.Ignored, name, "ignored")
		count(topicSeen, x.Rejected, name, "rejected")
	}
}
