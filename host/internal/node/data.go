package node

import (
	"context"
	"fmt"
	"sync"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// datasets opens the data sets that subnets name, each once. A set that takes
// long to open, or is not to be had, holds up no other.
type datasets struct {
	finder dataset.Finder

	mu   sync.Mutex
	held map[[32]byte]*heldSet         // by root
	uses map[ledger.NetUID][2][32]byte // roots of the newest two sets of each subnet; others are dropped
}

// heldSet is one data set. Whoever has its lock opens it.
type heldSet struct {
	mu  sync.Mutex
	set *dataset.Set
}

func newDatasets() *datasets {
	return &datasets{held: map[[32]byte]*heldSet{}, uses: map[ledger.NetUID][2][32]byte{}}
}

// open returns the data set that a subnet names, from a file or a folder.
func (d *datasets) open(_ context.Context, netuid ledger.NetUID, place string, named ledger.DataSet, _ ledger.Epoch) (*dataset.Set, error) {
	h := d.hold(netuid, named.Root)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.set != nil && h.set.Is(named) {
		return h.set, nil
	}
	if place == "" {
		return nil, fmt.Errorf("%w: netuid %d draws from a data set %x: name its file, or a folder that has it, as data", config.ErrConfig, netuid, named.Root[:6])
	}
	s, err := d.finder.Find(place, named)
	if err != nil {
		return nil, fmt.Errorf("netuid %d: %w", netuid, err)
	}
	h.set = s
	return s, nil
}

// hold returns the place of a set and drops what no subnet uses any more.
func (d *datasets) hold(netuid ledger.NetUID, root [32]byte) *heldSet {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u := d.uses[netuid]; u[0] != root {
		d.uses[netuid] = [2][32]byte{root, u[0]}
		d.drop()
	}
	h := d.held[root]
	if h == nil {
		h = &heldSet{}
		d.held[root] = h
	}
	return h
}

// forget drops what only this subnet used.
func (d *datasets) forget(netuid ledger.NetUID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.uses, netuid)
	d.drop()
}

func (d *datasets) drop() {
	used := map[[32]byte]bool{}
	for _, u := range d.uses {
		used[u[0]], used[u[1]] = true, true
	}
	for root := range d.held {
		if !used[root] {
			delete(d.held, root)
		}
	}
}
