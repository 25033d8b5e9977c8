// Package solo runs a whole chain of one producer inside a test: real consensus,
// store and blocks a quarter of a second apart.
package solo

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/p2p"
)

// Alice has 1,000 TAO in the genesis.
var Alice = key.Seed{0xa1}

// Chain is a running chain of one producer.
type Chain struct {
	*chain.Node
	Net  *p2p.Host
	Work *kv.DB // the second database
	Gen  *ledger.Genesis
	Home string

	db   *store.DB
	stop context.CancelFunc
	done chan error
	once sync.Once
}

// Genesis is that of a chain with one producer and one subnet.
func Genesis(tb testing.TB) *ledger.Genesis {
	tb.Helper()
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Rounds = 20, []uint16{2, 8}
	g := &ledger.Genesis{ChainID: "solo", Time: time.Now().UnixMilli(), Params: ledger.DefaultParams(),
		Accounts: []ledger.Allocation{{Account: Alice.Public(), Balance: 1000 * unit.Coin}},
		Subnets: []ledger.GenesisSubnet{{NetUID: 1, Lock: 100 * unit.Coin,
			Subnet: ledger.Subnet{Owner: Alice.Public(), OwnerHotkey: key.Seed{0xa2}.Public(), Started: 1, Params: p}}},
		Producers: []ledger.GenesisProducer{ledger.NewGenesisProducer(key.Seed{1}, key.ID{3}, key.Seed{2}, 10*unit.Coin)}}
	if err := g.Validate(); err != nil {
		tb.Fatal(err)
	}
	return g
}

// Start runs a chain in home until the test ends or Stop.
func Start(tb testing.TB, g *ledger.Genesis, home string, change ...func(*chain.Config)) *Chain {
	tb.Helper()
	c := &Chain{Gen: g, Home: home, done: make(chan error, 1)}
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	var err error
	c.db, err = store.Open(filepath.Join(home, "chain"), store.Config{CacheBytes: 4 << 20})
	must(err)
	c.Work, err = kv.Open(filepath.Join(home, "work"))
	must(err)
	c.Net, err = p2p.New(p2p.Config{Seed: key.Seed{9}, Listen: []string{p2p.DefaultListen}, Genesis: g.Hash()})
	must(err)
	cfg := chain.Config{Home: filepath.Join(home, "consensus"), DB: c.db, Genesis: g, ConsensusSeed: key.Seed{2},
		VRF: key.Seed{1}.VRF(), Host: c.Net.Libp2p(), BlockTime: 250 * time.Millisecond}
	for _, f := range change {
		f(&cfg)
	}
	c.Node, err = chain.Open(tb.Context(), cfg)
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	go func() { c.done <- c.Run(ctx) }() // ends in Stop, which waits
	tb.Cleanup(func() { c.Stop(tb) })
	return c
}

// Stop ends the chain in order.
func (c *Chain) Stop(tb testing.TB) {
	c.once.Do(func() {
		c.stop()
		err := <-c.done
		if err := errors.Join(err, c.Node.Close(), c.Net.Close(), c.Work.Close(), c.db.Close()); err != nil {
			tb.Error(err)
		}
	})
}

// Reach waits for a height.
func (c *Chain) Reach(tb testing.TB, height uint64) {
	tb.Helper()
	Eventually(tb, "the block", func() bool { return c.Head().Height >= height })
}

// Transfer is a signed transfer of Alice's.
func (c *Chain) Transfer(nonce uint64, to key.ID, amount unit.TAO) []byte {
	return ledger.Sign(Alice, c.Gen.ChainID, nonce, c.Head().Height+100, &ledger.Transfer{To: to, Amount: amount})
}

// Include submits a transaction and waits for its block.
func (c *Chain) Include(tb testing.TB, tx []byte) (id [32]byte, height uint64) {
	tb.Helper()
	id, err := c.Submit(tx)
	if err != nil {
		tb.Fatal(err)
	}
	Eventually(tb, "inclusion", func() bool { return c.TxStatus(id).State == chain.Included })
	return id, c.TxStatus(id).Height
}

// Eventually waits for a condition for at most 20 seconds.
func Eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("%s did not come", what)
		}
	}
}
