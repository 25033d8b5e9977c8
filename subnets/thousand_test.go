package subnets_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p/memnet"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/miner"
	"github.com/plexus-network/plexus/subnets/validator"
)

// BenchmarkThousandMiners is one validator's rounds with a thousand miners, all
// real but for the network, which is in memory: each round draws its task, signs
// and sends a thousand requests, takes hashes, gives receipts, takes payloads,
// scores them and keeps the round. The chain stands still meanwhile.
func BenchmarkThousandMiners(b *testing.B) {
	const miners = 1000
	data := make([]byte, 256)
	set, err := dataset.New(data, 8)
	if err != nil {
		b.Fatal(err)
	}
	p := params([]uint16{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, miners)
	p.MaxUIDs, p.DeadlineMS = 1100, 60_000
	c := newChain(b, miners, ledger.Subnet{Module: native{}.ID(), Data: set.Named(), Params: p})
	net := memnet.New(memnet.Config{Seed: 1})
	defer net.Close()
	for i := range miners {
		answer := []byte{byte(i), byte(i >> 8)}
		if _, err := miner.New(miner.Config{ChainID: c.gen.ChainID, Hotkey: c.hot[validators+i], Net: net.Host(c.hot[validators+i].Derive("peer")), Chain: c,
			Subnets: []miner.Subnet{{NetUID: netuid, Engine: engine(func(context.Context, []byte) ([]byte, error) { return answer, nil })}}}); err != nil {
			b.Fatal(err)
		}
	}
	events := make(chan validator.Event, 64)
	v := validator.New(validator.Config{ChainID: c.gen.ChainID, NetUID: netuid, Hotkey: c.hot[0], Net: net.Host(c.hot[0].Derive("peer")), Chain: c,
		Keep:   &memKeep{m: map[string][]byte{}},
		Module: func(context.Context, plugins.ID) (plugins.Caller, error) { return native{}, nil },
		Data:   func(context.Context, ledger.DataSet, ledger.Epoch) (*dataset.Set, error) { return set, nil },
		Publish: func(_ ledger.NetUID, _ ledger.Epoch, write func(io.Writer) ([32]byte, error)) ([32]byte, int64, error) {
			var file bytes.Buffer
			root, err := write(&file)
			return root, int64(file.Len()), err
		},
		Notify: func(e validator.Event) {
			if e.Kind == "round" || e.Kind == "skipped" {
				events <- e
			}
		}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	var spent time.Duration
	answered := 0
	for subscribed := false; !subscribed; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		subscribed = len(c.readers) > 0
		c.mu.Unlock()
	}
	play := func() {
		for {
			c.block()
			rec := c.record(c.clock().Epoch)
			if rec != nil && c.height > rec.First && c.height <= rec.First+10 {
				break
			}
		}
		began := time.Now()
		select {
		case e := <-events:
			spent += time.Since(began)
			if e.Err != nil {
				b.Fatal(e.Err)
			}
			for _, s := range e.Scores {
				if s.Status == evidence.Answered {
					answered++
				}
			}
		case <-time.After(time.Minute):
			b.Fatal("no round")
		}
	}
	play() // the first one fetches rosters
	spent, answered = 0, 0
	rounds := 0
	for b.Loop() {
		play()
		rounds++
	}
	if answered != rounds*miners {
		b.Errorf("%d of %d tasks were answered", answered, rounds*miners)
	}
	b.ReportMetric(float64(answered)/spent.Seconds(), "tasks/s")
	if mb := peakMiB(); mb > 0 {
		b.ReportMetric(mb, "peak-MiB")
	}
	cancel()
	<-done
}

// peakMiB is the most memory that this process had, as Linux counts it; 0 elsewhere.
func peakMiB() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			return kib / 1024
		}
	}
	return 0
}
