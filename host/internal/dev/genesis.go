package dev

import (
	"sort"
	"time"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/plugins"
)

// What the development accounts and pools begin with.
const (
	poolStart   = 1_000 * unit.Coin
	minerStart  = 100 * unit.Coin
	personStart = 10_000 * unit.Coin // owners, traders, alice and bob
)

// traders are the accounts that move the alpha pools.
var traders = []string{"trader0", "trader1"}

// people are the accounts for whoever plays with the network.
var people = []string{"alice", "bob"}

// genesis is the development network's: 1-second blocks, a pool for each subnet,
// and under a million TAO in all.
func (n *Network) genesis(modules map[string][]byte) (*ledger.Genesis, error) {
	params := ledger.DefaultParams()
	params.PriceAlpha, params.PriceHalf = 1<<32/5, 20
	params.Unbonding, params.BlockMS = 100, uint64(blockTime.Milliseconds())
	params.NetworkRate, params.LockFactor = 0, 1
	now := time.Now()
	g := &ledger.Genesis{ChainID: "plexus-dev-" + now.UTC().Format("20060102-150405"), Time: now.UnixMilli(), Params: params}
	give := func(amount unit.TAO, names ...string) {
		for _, name := range names {
			g.Accounts = append(g.Accounts, ledger.Allocation{Account: ColdSeed(name).Public(), Balance: amount})
		}
	}
	ids := netuids(n.subnets)
	for at, s := range n.subnets {
		owner := s.owner()
		g.Subnets = append(g.Subnets, ledger.GenesisSubnet{NetUID: s.netuid, Lock: poolStart, Subnet: ledger.Subnet{
			Owner: ColdSeed(owner).Public(), OwnerHotkey: hotkeyOf(owner), Module: plugins.Digest(modules[s.Name]), Meter: plugins.MeterVersion,
			ABI: 1, Answer: s.answer, NeedsData: s.slices, Data: s.data, Started: 1, Params: s.params(at, ids)}})
		give(personStart, owner)
		for _, m := range s.Miners {
			give(minerStart, s.account(m.Name))
		}
	}
	for i := range producers {
		name := producerName(i)
		give(1000*unit.Coin, name)
		g.Producers = append(g.Producers, ledger.NewGenesisProducer(hotSeed(name), ColdSeed(name).Public(),
			keys.Development(name+"/consensus"), 100_000*unit.Coin))
	}
	give(personStart, traders...)
	give(personStart, people...)
	sort.Slice(g.Accounts, func(i, j int) bool { return string(g.Accounts[i].Account[:]) < string(g.Accounts[j].Account[:]) })
	sort.Slice(g.Producers, func(i, j int) bool {
		return string(g.Producers[i].Consensus[:]) < string(g.Producers[j].Consensus[:])
	})
	return g, g.Validate()
}
