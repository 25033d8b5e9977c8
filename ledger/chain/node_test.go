package chain

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

// One producer alone: blocks, a transfer, subscribers, restart, other genesis.
func TestSingle(t *testing.T) {
	t.Parallel()
	net, home := newTestnet(t, 1), t.TempDir()
	var announced [][]byte
	n := net.launch(t, home, 0, func(c *Config) { c.Broadcast = func(tx []byte) { announced = append(announced, tx) } })
	n.reach(t, 2)
	bob := key.ID{0xb0}
	tx := transfer(alice, 0, bob, 5*unit.Coin)
	id, err := n.Submit(tx)
	if err != nil {
		t.Fatal(err)
	}
	if len(announced) != 1 {
		t.Fatalf("announced %d times", len(announced))
	}
	if _, err := n.Submit(tx); !errors.Is(err, ErrKnown) {
		t.Fatalf("second submission: %v", err)
	}
	eventually(t, 10*time.Second, "inclusion", func() bool { return n.TxStatus(id).State == Included })
	if s := n.TxStatus(id); s.Result.Code != ledger.OK || s.Height == 0 {
		t.Fatalf("status %+v", s)
	}
	v := n.View()
	acc, err := ledger.LoadAccount(v, bob)
	v.Close()
	if err != nil || acc.Balance != 5*unit.Coin {
		t.Fatalf("bob has %v, %v", acc.Balance, err)
	}
	n.reach(t, n.TxStatus(id).Height+2)
	if err := n.shut(t); err != nil {
		t.Fatal(err)
	}
	if n.Waiting() != 0 {
		t.Fatalf("%d still wait", n.Waiting())
	}
	var height uint64
	for _, b := range n.blocks {
		if height != 0 && b.Height != height+1 {
			t.Fatalf("told of block %d after %d", b.Height, height)
		}
		height = b.Height
	}
	if height < 4 {
		t.Fatalf("told of blocks up to %d", height)
	}
	if _, err := os.Stat(home + "/last-vote.json"); err != nil {
		t.Fatal(err)
	}

	before := n.Head()
	again := net.launch(t, home, 0)
	if h := again.Head(); h.Height < before.Height || h.Height == before.Height && h != before {
		t.Fatalf("head after restart %+v, before %+v", h, before)
	}
	again.reach(t, before.Height+2)
	if err := again.shut(t); err != nil {
		t.Fatal(err)
	}

	other := newTestnet(t, 1)
	other.genesis.Time++
	db, err := store.Open(home+"/chain", store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := newHost(t)
	defer h.Close()
	if _, err := Open(t.Context(), Config{Home: home, DB: db, Genesis: other.genesis, Host: h}); !errors.Is(err, ErrOtherGenesis) {
		t.Fatalf("another genesis: %v", err)
	}
}

// Four producers that know only the first agree; one is stopped, the others go
// on, it comes back and catches up; and a full node joins.
func TestFour(t *testing.T) {
	t.Parallel()
	net := newTestnet(t, 4)
	homes := make([]string, 4)
	nodes := make([]*running, 4)
	for i := range nodes {
		homes[i] = t.TempDir()
		nodes[i] = net.launch(t, homes[i], i)
	}
	for i := range nodes {
		for j := range i {
			greet(t, nodes[i], nodes[j])
		}
	}
	id, err := nodes[1].Submit(transfer(alice, 0, key.ID{0xb0}, unit.Coin))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		n.reach(t, 3)
	}
	eventually(t, 20*time.Second, "inclusion by the producer that has it", func() bool { return nodes[0].TxStatus(id).State == Included })

	if err := nodes[3].shut(t); err != nil {
		t.Fatal(err)
	}
	gone := nodes[3].Head().Height
	nodes[0].reach(t, gone+4)
	nodes[3] = net.launch(t, homes[3], 3)
	full := net.launch(t, t.TempDir(), -1)
	for _, n := range nodes[:3] {
		greet(t, nodes[3], n)
		greet(t, full, n)
	}
	top := nodes[0].Head().Height + 4
	for _, n := range append(nodes, full) {
		n.reach(t, top)
	}
	for h := uint64(1); h < top; h++ {
		for i, n := range append(nodes[1:], full) {
			if n.root(t, h) != nodes[0].root(t, h) {
				t.Fatalf("height %d: node %d has another root", h, i+1)
			}
		}
	}
	if len(full.ConsensusPeers()) != 3 {
		t.Fatalf("the full node has %d peers", len(full.ConsensusPeers()))
	}
}

// A ledger that breaks ends the node with ErrBroken; the same block, executed
// after a restart by one that does not, gives the hash that others have.
func TestBrokenAndReplay(t *testing.T) {
	t.Parallel()
	net, home := newTestnet(t, 1), t.TempDir()
	breaks := func(c *Config) {
		c.apply = func(v ledger.View, b ledger.Block) (*ledger.Result, error) {
			if b.Height == 4 {
				return nil, errors.New("supply is not conserved")
			}
			return ledger.Apply(v, b)
		}
	}
	n := net.launch(t, home, 0, breaks)
	var err error
	select {
	case err = <-n.err:
		n.err <- err
	case <-time.After(20 * time.Second):
		t.Fatal("the node went on")
	}
	if !errors.Is(err, ErrBroken) {
		t.Fatalf("broken ledger: %v", err)
	}
	if h := n.Head().Height; h != 3 {
		t.Fatalf("height %d", h)
	}
	n.shut(t)

	// The engine has block 4 and the state does not: opening replays it.
	n = net.launch(t, home, 0)
	n.reach(t, 6)

	// A full node whose ledger breaks while it catches up stops too.
	full := net.launch(t, t.TempDir(), -1, breaks)
	greet(t, full, n)
	select {
	case err = <-full.err:
		full.err <- err
	case <-time.After(20 * time.Second):
		t.Fatal("the full node went on")
	}
	if !errors.Is(err, ErrBroken) || full.Head().Height != 3 {
		t.Fatalf("broken full node: %v at height %d", err, full.Head().Height)
	}
	good := net.launch(t, t.TempDir(), -1)
	greet(t, good, n)
	good.reach(t, 6)
	for h := uint64(1); h < 6; h++ {
		if good.root(t, h) != n.root(t, h) {
			t.Fatalf("height %d: replay gave another root", h)
		}
	}
}

// Consensus of two networks on connected hosts never meets.
func TestOtherNetwork(t *testing.T) {
	t.Parallel()
	a := newTestnet(t, 1)
	b := newTestnet(t, 1)
	b.genesis.ChainID = "other"
	na, nb := a.launch(t, t.TempDir(), 0), b.launch(t, t.TempDir(), 0)
	if err := na.meet(t.Context(), nb); err == nil {
		time.Sleep(300 * time.Millisecond)
		if len(nb.ConsensusPeers()) != 0 || len(na.ConsensusPeers()) != 0 {
			t.Fatalf("peers %v and %v", na.ConsensusPeers(), nb.ConsensusPeers())
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if _, err := Open(t.Context(), Config{}); err == nil {
		t.Fatal("opened without anything")
	}
	// The host stays open, and free of our handlers, when the node ends.
	n := newTestnet(t, 1).launch(t, t.TempDir(), 0)
	n.reach(t, 1)
	n.stop()
	if err := <-n.err; err != nil {
		t.Fatal(err)
	}
	n.err <- nil
	for _, p := range n.host.Mux().Protocols() {
		if len(p) > 8 && p[:8] == "/plexus/" {
			t.Errorf("handler of %s is left", p)
		}
	}
	other := newHost(t)
	defer other.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := other.Connect(ctx, n.info()); err != nil {
		t.Errorf("the host was closed: %v", err)
	}
}
