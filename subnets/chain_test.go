// Package subnets_test plays whole epochs: a chain in memory that applies the
// ledger's real rules, real hosts on loopback, real validator and miner loops,
// and modules in their sandbox. What a dishonest party does is played with its
// keys, and the tests say who notices.
package subnets_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/ledger/proof/prooftest"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/subnets/round"
)

const (
	netuid     = ledger.NetUID(1)
	validators = 3
	tempo      = 20
	window     = 4 // blocks in which weights may be committed
)

// view is a state in memory; a published one never changes.
type view map[string][]byte

func (v view) Get(k []byte) ([]byte, error) { return v[string(k)], nil }

func (v view) Range(prefix []byte, fn func(k, v []byte) error) error {
	for _, k := range slices.Sorted(maps.Keys(v)) {
		if strings.HasPrefix(k, string(prefix)) {
			if err := fn([]byte(k), v[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v view) write(ws []ledger.Write) {
	for _, w := range ws {
		if w.Value == nil {
			delete(v, string(w.Key))
		} else {
			v[string(w.Key)] = w.Value
		}
	}
}

// chain is a chain in memory. It makes a block when told to, or by itself while
// run runs. Validators are the first of its hotkeys and produce its blocks.
type chain struct {
	t         testing.TB
	gen       *ledger.Genesis
	hot, cold []key.Seed
	producers [validators]ledger.Address
	bare      bool // blocks are made cheaply: their hashes name no state

	mu      sync.Mutex
	state   view
	height  ledger.Height
	past    map[ledger.Height]view // states by height
	pool    [][]byte
	readers map[chan ledger.Height]bool
	refused []ledger.TxResult

	keepGoing atomic.Bool // blocks wait for nobody
}

func seed(kind string, i int) key.Seed {
	number := []byte{byte(i)}
	if i > 255 {
		number = append(number, byte(i>>8))
	}
	return key.Seed(key.Hash("test-"+kind, number))
}

// newChain makes a chain whose epoch 1, the first with a full roster, begins
// with its next block.
func newChain(t testing.TB, miners int, sub ledger.Subnet) *chain {
	c := &chain{t: t, state: view{}, past: map[ledger.Height]view{}, readers: map[chan ledger.Height]bool{}}
	sub.Owner, sub.OwnerHotkey, sub.Meter, sub.ABI, sub.Started = seed("owner", 0).Public(), seed("ownerhot", 0).Public(), 1, 1, 1
	g := &ledger.Genesis{ChainID: "test-1", Time: 1, Params: ledger.DefaultParams(),
		Subnets: []ledger.GenesisSubnet{{NetUID: netuid, Lock: 1000 * unit.Coin, Subnet: sub}}}
	for i := range validators + miners {
		c.hot, c.cold = append(c.hot, seed("hot", i)), append(c.cold, seed("cold", i))
		g.Accounts = append(g.Accounts, ledger.Allocation{Account: c.cold[i].Public(), Balance: 10_000 * unit.Coin})
		if i < validators {
			p := ledger.NewGenesisProducer(c.hot[i], c.cold[i].Public(), seed("cons", i), 100_000*unit.Coin)
			g.Producers, c.producers[i] = append(g.Producers, p), p.Address()
		}
	}
	less := func(a, b [32]byte) bool { return bytes.Compare(a[:], b[:]) < 0 }
	sort.Slice(g.Accounts, func(i, j int) bool { return less(g.Accounts[i].Account, g.Accounts[j].Account) })
	sort.Slice(g.Producers, func(i, j int) bool { return less(g.Producers[i].Consensus, g.Producers[j].Consensus) })
	ws, err := g.Writes()
	if err != nil {
		t.Fatal(err)
	}
	c.gen = g
	c.state.write(ws)
	var txs, stakes [][]byte
	for i := range c.hot {
		work, proof := c.hot[i].Work(i >= validators)
		txs = append(txs, ledger.Sign(c.cold[i], g.ChainID, 0, 10, &ledger.Register{NetUID: netuid, Hotkey: c.hot[i].Public(),
			MaxPrice: 1000 * unit.Coin, Work: work, Proof: proof}))
		if i < validators {
			stakes = append(stakes, ledger.Sign(c.cold[i], g.ChainID, 1, 10, &ledger.Stake{NetUID: netuid, Hotkey: c.hot[i].Public(), Amount: 100 * unit.Coin}))
		}
	}
	c.block(txs...)
	c.block(stakes...)
	if len(c.refused) > 0 {
		t.Fatal(c.refused)
	}
	c.until(tempo)
	return c
}

// params are those of a small subnet.
func params(rounds []uint16, asked int) ledger.SubnetParams {
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Rounds, p.Asked, p.DeadlineMS, p.SkipMax, p.BurnIncrease = tempo, rounds, uint16(asked), 10_000, 500, 1<<32
	return p
}

// twin is a copy that goes its own way.
func (c *chain) twin(t testing.TB) *chain {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &chain{t: t, gen: c.gen, hot: c.hot, cold: c.cold, producers: c.producers, bare: c.bare, state: maps.Clone(c.state), height: c.height, past: maps.Clone(c.past), readers: map[chan ledger.Height]bool{}}
}

// block makes one block of the pool and of txs, as the producer of its turn, and
// returns the results of txs.
func (c *chain) block(txs ...[]byte) []ledger.TxResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.height + 1
	i := int(h) % validators
	entry, err := ledger.SealEntry(c.hot[i].VRF(), c.state, h)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	entries := append(ledger.Select(c.state, h, c.pool, 1<<20), txs...)
	b := ledger.Block{Height: h, Time: int64(h) * 1000, Proposer: c.producers[i], Hash: c.header(h).Hash(), Entries: append([][]byte{entry}, entries...)}
	if !c.bare { // else Apply's look at the signatures is enough
		if err := ledger.Admit(c.state, b); err != nil {
			c.t.Errorf("block %d is not admitted: %v", h, err)
			return nil
		}
	}
	res, err := ledger.Apply(c.state, b)
	if err != nil {
		c.t.Errorf("block %d: %v", h, err)
		return nil
	}
	next := maps.Clone(c.state)
	next.write(res.Writes)
	c.state, c.height, c.past[h] = next, h, next
	for _, r := range res.Txs[1:] {
		if r.Code != ledger.OK {
			c.refused = append(c.refused, r)
		}
	}
	var left [][]byte
	for _, tx := range c.pool {
		if ledger.Check(next, tx, 0) == nil {
			left = append(left, tx)
		}
	}
	c.pool = left
	c.tell()
	return res.Txs[len(res.Txs)-len(txs):]
}

// header is the part of a block's header that names the state before it.
func (c *chain) header(h ledger.Height) *proof.Header {
	p := &proof.Header{Path: [4][32]byte{{byte(h), byte(h >> 8)}}}
	if before, ok := c.past[h-1]; ok && !c.bare {
		p.Root = prooftest.New(before).Root()
	}
	return p
}

// Prove implements validator.Chain: as a node it holds the last 16 states.
func (c *chain) Prove(h ledger.Height, keys [][]byte) (s proof.State, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	state, ok := c.past[h]
	if !ok || h >= c.height || h+16 <= c.height {
		return s, fmt.Errorf("the state after block %d cannot be proved at block %d", h, c.height)
	}
	s = proof.State{Height: h, Header: *c.header(h + 1)}
	tree := prooftest.New(state)
	for _, k := range keys {
		v := proof.Value{Key: k, Value: state[string(k)]}
		if v.Value != nil {
			if v.Proof, err = tree.Prove(k); err != nil {
				return s, err
			}
		}
		s.Values = append(s.Values, v)
	}
	return s, nil
}

// tell sends the height to all readers; a slow one loses the older height.
func (c *chain) tell() {
	for r := range c.readers {
		select {
		case <-r:
		default:
		}
		r <- c.height // there is room: only a holder of the mutex sends
	}
}

func (c *chain) until(h ledger.Height) {
	for c.height < h {
		if c.block(); c.t.Failed() {
			c.t.FailNow()
		}
	}
}

// patience is how long a window of the chain waits for its validators. On a busy
// machine their work takes longer than blocks do.
const patience = 20 * time.Second

// run makes blocks until ctx ends. It waits for all to have seen the last one, and keeps the commit window and then the epoch
// open until all validators have used them, as far as patience goes.
func (c *chain) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !c.keepGoing.Load() && !c.settled() && time.Since(since) < patience {
			c.mu.Lock()
			c.tell() // they act on blocks only, and may act on one again
			c.mu.Unlock()
			continue
		}
		c.block()
		since = time.Now()
	}
}

// settled reports whether the next block may end what it would end.
func (c *chain) settled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.readers {
		if len(r) > 0 {
			return false // it is still busy with the block before
		}
	}
	clock, err := ledger.LoadClock(c.state, netuid)
	if err != nil || clock.Epoch < 2 {
		return true
	}
	kind, next := ledger.KindCommit, c.height+1
	switch next {
	case clock.First + window - 1:
	case clock.First + tempo - 1:
		kind = ledger.KindReveal
	default:
		return true
	}
	done := 0
	for _, raw := range c.pool {
		if tx, err := ledger.DecodeTx(raw); err == nil && tx.Kind == kind {
			done++
		}
	}
	for i := range validators {
		if kind == ledger.KindCommit {
			if com, err := ledger.LoadCommitted(c.state, netuid, clock.Epoch-1, c.hot[i].Public()); err == nil && com != nil {
				done++
			}
		} else if open, err := ledger.LoadReveal(c.state, netuid, clock.Epoch-1, c.hot[i].Public()); err == nil && open != nil {
			done++
		}
	}
	return done >= validators
}

func (c *chain) now() view {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *chain) tall() ledger.Height                        { c.mu.Lock(); defer c.mu.Unlock(); return c.height }
func (c *chain) View() (ledger.View, func(), error)         { return c.now(), func() {}, nil }
func (c *chain) Fresh(context.Context) (ledger.View, error) { return c.now(), nil }
func (c *chain) clock() *ledger.Clock                       { k, _ := ledger.LoadClock(c.now(), netuid); return k }
func (c *chain) roster(e ledger.Epoch) ledger.Roster {
	r, _ := ledger.LoadRoster(c.now(), netuid, e)
	return r
}
func (c *chain) record(e ledger.Epoch) (r *ledger.EpochRecord) {
	r, _ = ledger.LoadRecord(c.now(), netuid, e)
	return r
}
func (c *chain) subnet() *ledger.Subnet { s, _ := ledger.LoadSubnet(c.now(), netuid); return s }
func (c *chain) earned(i int) uint64 {
	p, err := ledger.LoadPosition(c.now(), netuid, c.hot[i].Public(), c.cold[i].Public())
	if err != nil {
		c.t.Error(err)
	}
	return p
}

// terms are those of a round of epoch e.
func (c *chain) terms(e ledger.Epoch, i uint16, data [][]byte) round.Terms {
	rec, p := c.record(e), &c.subnet().Params
	return round.Terms{Params: p.Module, Slices: data, Height: round.Begin(rec, p, i), Last: round.Last(rec, p)}
}

// Blocks implements validator.Chain.
func (c *chain) Blocks(ctx context.Context) <-chan ledger.Height {
	r := make(chan ledger.Height, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readers[r] = true
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.readers, r)
	})
	return r
}

// Submit implements validator.Chain.
func (c *chain) Submit(tx []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ledger.Check(c.state, tx, 0); err != nil {
		return err
	}
	c.pool = append(c.pool, tx)
	return nil
}
