package chain

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Two nodes with one producer's key vote twice sooner or later: the others have
// the proof in a block, and the ledger is told who it was.
func TestDoubleVotesAreProved(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 4)
	var told atomic.Pointer[ledger.Misbehaving]
	listen := func(c *Config) {
		c.apply = func(v ledger.View, b ledger.Block) (*ledger.Result, error) {
			for _, m := range b.Misbehaving {
				told.CompareAndSwap(nil, &m)
			}
			return ledger.Apply(v, b)
		}
	}
	var nodes []*running
	for _, producer := range []int{0, 1, 2, 3, 3} {
		nodes = append(nodes, net.launch(t, t.TempDir(), producer, listen))
	}
	for i, n := range nodes {
		for j := range i {
			if i != 4 || j != 3 { // the two of one key need not meet
				greet(t, n, nodes[j])
			}
		}
	}
	// What one of them proposes the other does not: only it knows transactions.
	nonce := uint64(0)
	eventually(t, 60*time.Second, "proof of a double vote", func() bool {
		if nodes[3].Waiting() < 8 {
			if _, err := nodes[3].Submit(transfer(alice, nonce, key.ID{0xb0}, 1)); err != nil {
				t.Fatal(err)
			}
			nonce++
		}
		return told.Load() != nil
	})
	if m := told.Load(); m.Producer != net.genesis.Producers[3].Address() || m.Height == 0 {
		t.Errorf("accused: %x at height %d", m.Producer, m.Height)
	}
	for i, n := range nodes[:3] {
		n.reach(t, nodes[0].Head().Height)
		if n.accused(t) == 0 {
			t.Errorf("node %d has no proof", i)
		}
	}
}
