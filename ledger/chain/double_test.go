package chain

import (
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
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

// pester submits transfers that nobody else hears of, so that what this node
// proposes differs from what its twin does.
func pester(n *Node) {
	for nonce := uint64(0); ; time.Sleep(20 * time.Millisecond) {
		if n.Waiting() < 8 {
			if _, err := n.Submit(transfer(alice, nonce, key.ID{0xb0}, 1)); err == nil {
				nonce++
			}
		}
	}
}

// punished says what the state has of a producer that was slashed.
func punished(n *Node, g *ledger.Genesis, hotkey ledger.Hotkey) string {
	v := n.View()
	defer v.Close()
	set, err := ledger.Producers(v)
	if err != nil {
		return err.Error()
	}
	for i := range g.Producers {
		if g.Producers[i].Hotkey != hotkey {
			continue
		}
		p, err := ledger.LoadProducer(v, g.Producers[i].Address())
		if err != nil || p == nil {
			return fmt.Sprint("no producer: ", err)
		}
		stake, err := ledger.LoadStake(v, 0, hotkey)
		if err != nil {
			return err.Error()
		}
		return punishment(i, unit.TAO(stake), p.Tombstoned, len(set))
	}
	return "not a producer of the genesis"
}

func punishment(producer int, stake unit.TAO, tombstoned bool, left int) string {
	return fmt.Sprintf("producer %d has %s, tombstoned %v, %d are left", producer, stake, tombstoned, left)
}

// A producer whose key is in two processes is proved to have voted twice: the
// ledgers of the honest burn its stake and never elect it again, and their chain
// goes on. Of four producers none could be expelled. Six processes; run with CHAIN_TEST_CRASH=1.
func TestDoubleVoteIsPunished(t *testing.T) {
	if os.Getenv("CHAIN_TEST_CRASH") == "" {
		t.Skip("six processes: set CHAIN_TEST_CRASH=1")
	}
	file := genesisFile(t, 5)
	var all []*process
	for i := range 5 {
		all = append(all, spawn(t, t.TempDir(), file, i, blockTime))
	}
	twin := exec.Command(os.Args[0])
	twin.Env = []string{"CHAIN_TEST_TWIN=1"}
	all = append(all, start(t, twin, t.TempDir(), file, 4, blockTime))
	for i := range all {
		for j := range i {
			if i != 5 || j != 4 { // the two of one key need not meet
				fmt.Fprintln(all[i].in, all[j].addr)
			}
		}
	}
	stake := unit.TAO(10 * unit.Coin)
	want := punishment(4, stake-unit.TAO(unit.MulDiv(uint64(stake), uint64(ledger.DefaultParams().Slash), 65535)), true, 4)
	for i, p := range all[:4] {
		eventually(t, 90*time.Second, "slashing", func() bool { return p.slashed.Load() != nil })
		if got := *p.slashed.Load(); got != want {
			t.Errorf("node %d: %s; want %s", i, got, want)
		}
	}
	at := all[0].height.Load()
	for _, p := range all[:4] {
		p.reach(t, at+8, 40*time.Second)
	}
}
