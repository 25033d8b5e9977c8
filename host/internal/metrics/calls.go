package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plexus-network/plexus/plugins/worker"
)

// maxModules bounds the modules that have figures of their own: those that were
// called most. The others are added up under the name "other".
const maxModules = 16

// calls turns the counters of what runs modules into figures when they are asked
// for.
type calls struct{ stats func() worker.Stats }

var (
	moduleLabels   = []string{"module", "op"}
	moduleCalls    = prometheus.NewDesc("plexus_module_calls_total", "Calls of modules, by where they ran.", append(slices.Clone(moduleLabels), "where"), nil)
	moduleFailed   = prometheus.NewDesc("plexus_module_failures_total", "Calls that failed, by cause: the module, fuel or time, or the node.", append(slices.Clone(moduleLabels), "cause"), nil)
	moduleFuel     = prometheus.NewDesc("plexus_module_fuel_total", "Fuel used by modules.", moduleLabels, nil)
	moduleTime     = prometheus.NewDesc("plexus_module_seconds_total", "Time that calls took, without waiting.", moduleLabels, nil)
	moduleWaited   = prometheus.NewDesc("plexus_module_wait_seconds_total", "Time that calls waited for a worker.", moduleLabels, nil)
	moduleLongest  = prometheus.NewDesc("plexus_module_longest_seconds", "Longest call so far.", moduleLabels, nil)
	moduleReferee  = prometheus.NewDesc("plexus_module_referee_total", "Calls repeated in the interpreter, by outcome. Any that differed must be looked into.", append(slices.Clone(moduleLabels), "outcome"), nil)
	workerPlaces   = prometheus.NewDesc("plexus_workers", "Places for worker processes.", nil, nil)
	workerRunning  = prometheus.NewDesc("plexus_workers_busy", "Worker processes that hold a call.", nil, nil)
	workerWaiting  = prometheus.NewDesc("plexus_module_calls_waiting", "Calls that wait for a worker.", nil, nil)
	workerStarted  = prometheus.NewDesc("plexus_workers_started_total", "Worker processes started.", nil, nil)
	workerDied     = prometheus.NewDesc("plexus_workers_died_total", "Worker processes that ended in a call without having been told to.", nil, nil)
	refereeSkipped = prometheus.NewDesc("plexus_module_referee_skipped_total", "Calls due for the referee while it was busy.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c calls) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{moduleCalls, moduleFailed, moduleFuel, moduleTime, moduleWaited, moduleLongest, moduleReferee,
		workerPlaces, workerRunning, workerWaiting, workerStarted, workerDied, refereeSkipped} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c calls) Collect(to chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	s := c.stats()
	for _, o := range bounded(s.Ops) {
		count := func(d *prometheus.Desc, v float64, more ...string) {
			put(d, prometheus.CounterValue, v, append([]string{o.module, o.Op.String()}, more...)...)
		}
		count(moduleCalls, float64(o.Inline), "node")
		count(moduleCalls, float64(o.Calls-min(o.Inline, o.Calls)), "worker")
		count(moduleFailed, float64(o.Faults-min(o.OutOf, o.Faults)), "module")
		count(moduleFailed, float64(o.OutOf), "bound")
		count(moduleFailed, float64(o.Errors), "node")
		count(moduleFuel, float64(o.Fuel))
		count(moduleTime, o.Time.Seconds())
		count(moduleWaited, o.Waited.Seconds())
		put(moduleLongest, prometheus.GaugeValue, o.Longest.Seconds(), o.module, o.Op.String())
		count(moduleReferee, float64(o.Sampled-min(o.Differed, o.Sampled)), "equal")
		count(moduleReferee, float64(o.Differed), "differed")
	}
	put(workerPlaces, prometheus.GaugeValue, float64(s.Workers))
	put(workerRunning, prometheus.GaugeValue, float64(s.Running))
	put(workerWaiting, prometheus.GaugeValue, float64(s.Waiting))
	put(workerStarted, prometheus.CounterValue, float64(s.Started))
	put(workerDied, prometheus.CounterValue, float64(s.Died))
	put(refereeSkipped, prometheus.CounterValue, float64(s.Skipped))
}

// named is one operation's counters under the name that they are shown by.
type named struct {
	worker.OpStats
	module string
}

// bounded keeps the modules that were called most and adds the others up.
func bounded(ops []worker.OpStats) (out []named) {
	total := map[[32]byte]uint64{}
	var ids [][32]byte
	for _, o := range ops {
		if total[o.Module] == 0 {
			ids = append(ids, o.Module)
		}
		total[o.Module] += max(o.Calls, 1)
	}
	slices.SortStableFunc(ids, func(a, b [32]byte) int { return cmp.Compare(total[b], total[a]) })
	kept := map[[32]byte]bool{}
	for _, id := range ids[:min(len(ids), maxModules)] {
		kept[id] = true
	}
	other := map[string]int{} // where the sum of an operation stands in out
	for _, o := range ops {
		if kept[o.Module] {
			out = append(out, named{o, o.Module.String()[:16]})
			continue
		}
		at, ok := other[o.Op.String()]
		if !ok {
			other[o.Op.String()] = len(out)
			out = append(out, named{o, "other"})
			continue
		}
		x := &out[at]
		x.Calls += o.Calls
		x.Inline += o.Inline
		x.Faults += o.Faults
		x.OutOf += o.OutOf
		x.Errors += o.Errors
		x.Fuel += o.Fuel
		x.Time += o.Time
		x.Waited += o.Waited
		x.Longest = max(x.Longest, o.Longest)
		x.Sampled += o.Sampled
		x.Differed += o.Differed
	}
	return out
}
