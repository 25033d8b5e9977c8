package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger"
)

// lookEvery is how often it is looked whether the subnets' data is at hand.
const lookEvery = time.Second

// dataState is what is known of a subnet's data.
type dataState struct {
	Root    [32]byte // of the set in use, zero for none
	Windows uint64   // of the set, 0 for one that is not divided
	Left    uint64   // windows from the running epoch on
	Err     string   // why it is not at hand, empty when it is
}

// errNoWindow is why nothing is drawn.
var errNoWindow = errors.New("no window of the data set is left: no round is drawn, and the subnet earns nothing until its owner names another set with plexus subnet data")

// dataNeed is a set and an epoch that draws from it.
type dataNeed struct {
	named ledger.DataSet
	epoch ledger.Epoch
}

// keepData has the data of the running and of the next epoch at hand, each subnet's
// by itself, and tells in time that windows run out; until ctx ends.
func (n *Node) keepData(ctx context.Context, blocks <-chan ledger.Height) {
	var g errgroup.Group
	defer g.Wait()
	var mu sync.Mutex
	busy := map[ledger.NetUID]bool{}
	warned := map[ledger.NetUID]dataWarning{}
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-blocks:
		}
		if time.Since(last) < lookEvery {
			continue
		}
		last = time.Now()
		for _, netuid := range n.loops.wanted() {
			needs, err := n.needs(netuid)
			if err != nil {
				n.log.Warn("reading which data a subnet needs", "netuid", netuid, "err", err)
				continue
			}
			if len(needs) == 0 {
				n.loops.tellData(netuid, dataState{})
				continue
			}
			s := n.state(needs[0])
			if now := (dataWarning{s.Root, s.Left}); s.Windows > 0 && s.Left <= n.warnAt() && warned[netuid] != now {
				warned[netuid] = now
				n.warnWindows(netuid, needs[0].epoch, s)
			}
			mu.Lock()
			taken := busy[netuid]
			busy[netuid] = true
			mu.Unlock()
			if taken { // the last look still fetches
				continue
			}
			g.Go(func() error {
				n.prepare(ctx, netuid, needs, s)
				mu.Lock()
				defer mu.Unlock()
				delete(busy, netuid)
				return nil
			})
		}
	}
}

// dataWarning is what was warned of: once for each window, and once at the end.
type dataWarning struct {
	root [32]byte
	left uint64
}

// needs are the sets that a subnet draws from in its running epoch and in the next,
// none for a subnet without data.
func (n *Node) needs(netuid ledger.NetUID) (out []dataNeed, err error) {
	v := n.chain.View()
	defer v.Close()
	sub, err := ledger.LoadSubnet(v, netuid)
	if err != nil || sub == nil {
		return nil, err
	}
	clock, err := ledger.LoadClock(v, netuid)
	if err != nil || clock == nil {
		return nil, err
	}
	p, err := ledger.LoadPlanned(v, netuid)
	if err != nil {
		return nil, err
	}
	if sub.Data.Slices > 0 {
		out = append(out, dataNeed{sub.Data, clock.Epoch})
	}
	if p != nil && p.Data.Slices > 0 && p.Data != sub.Data {
		out = append(out, dataNeed{p.Data, clock.Epoch + 1})
	}
	return out, nil
}

// state is what the chain says of a subnet's data.
func (n *Node) state(need dataNeed) dataState {
	s := dataState{Root: need.named.Root}
	s.Windows, s.Left = need.named.Windows(need.epoch)
	return s
}

func (n *Node) warnAt() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running.Datasets.Warn
}

func (n *Node) warnWindows(netuid ledger.NetUID, e ledger.Epoch, s dataState) {
	if s.Left == 0 {
		n.log.Error("a subnet has run out of data", "netuid", netuid, "epoch", e, "err", errNoWindow)
		n.events.Emit(event.Event{Kind: "data-out", Netuid: uint16(netuid), Epoch: e, Total: s.Windows, Err: errNoWindow.Error()})
		return
	}
	n.log.Warn("a subnet runs out of data", "netuid", netuid, "epoch", e, "windows_left", s.Left, "of", s.Windows)
	n.events.Emit(event.Event{Kind: "data-low", Netuid: uint16(netuid), Epoch: e, Done: s.Windows - s.Left, Total: s.Windows})
}

// prepare opens what a subnet needs before a round does.
func (n *Node) prepare(ctx context.Context, netuid ledger.NetUID, needs []dataNeed, s dataState) {
	cfg, ok := n.loops.find(netuid)
	if !ok {
		return
	}
	var err error
	for _, x := range needs {
		if s.Windows > 0 && s.Left == 0 && x == needs[0] {
			err = errNoWindow
			continue
		}
		if _, e := n.data.open(ctx, netuid, n.place(cfg), x.named, x.epoch); err == nil {
			err = e
		}
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.Err = err.Error()
	}
	if was := n.loops.tellData(netuid, s); s.Err != "" && was != s.Err {
		n.log.Warn("a subnet's data is not at hand", "netuid", netuid, "err", err)
	}
}
