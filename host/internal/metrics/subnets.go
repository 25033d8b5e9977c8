package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/subnets/validator"
)

// subnets turns the loops' counters into figures when they are asked for.
type subnets struct{ stats func() []admin.Subnet }

var (
	subnetRestarts = prometheus.NewDesc("plexus_subnet_restarts_total", "Times that the loop of a validated subnet ended by a fault and was started again.", []string{"netuid"}, nil)
	subnetData     = prometheus.NewDesc("plexus_subnet_data_ready", "Whether the data of a validated subnet is at hand.", []string{"netuid"}, nil)
	subnetWindows  = prometheus.NewDesc("plexus_subnet_data_windows_left", "Windows of the data set from the running epoch on.", []string{"netuid"}, nil)
	subnetSkips    = prometheus.NewDesc("plexus_subnet_skips_total", "Rounds of a validated subnet that were skipped, by why: its module or its data could not be had, or another reason.", []string{"netuid", "reason"}, nil)
	subnetFaults   = prometheus.NewDesc("plexus_subnet_miner_faults_total", "Faulty messages of a validated subnet's miners, by kind.", []string{"netuid", "fault"}, nil)
	subnetRounds   = prometheus.NewDesc("plexus_subnet_rounds_total", "Rounds of a validated subnet, by outcome.", []string{"netuid", "outcome"}, nil)
)

// Describe implements prometheus.Collector.
func (s subnets) Describe(to chan<- *prometheus.Desc) {
	to <- subnetRestarts
	to <- subnetRounds
	to <- subnetSkips
	to <- subnetFaults
	to <- subnetData
	to <- subnetWindows
}

// Collect implements prometheus.Collector.
func (s subnets) Collect(to chan<- prometheus.Metric) {
	for _, x := range s.stats() {
		n := strconv.Itoa(int(x.NetUID))
		to <- prometheus.MustNewConstMetric(subnetRestarts, prometheus.CounterValue, float64(x.Restarts), n)
		to <- prometheus.MustNewConstMetric(subnetRounds, prometheus.CounterValue, float64(x.Scored), n, "scored")
		to <- prometheus.MustNewConstMetric(subnetRounds, prometheus.CounterValue, float64(x.Skipped), n, "skipped")
		for _, why := range []string{"module", "data", "other"} {
			to <- prometheus.MustNewConstMetric(subnetSkips, prometheus.CounterValue, float64(x.Skips[why]), n, why)
		}
		for _, f := range validator.Faults() {
			to <- prometheus.MustNewConstMetric(subnetFaults, prometheus.CounterValue, float64(x.Faults[string(f)]), n, string(f))
		}
		if x.Root == "" {
			continue
		}
		ready := 1.0
		if x.DataErr != "" {
			ready = 0
		}
		to <- prometheus.MustNewConstMetric(subnetData, prometheus.GaugeValue, ready, n)
		if x.Windows > 0 {
			to <- prometheus.MustNewConstMetric(subnetWindows, prometheus.GaugeValue, float64(x.Left), n)
		}
	}
}
