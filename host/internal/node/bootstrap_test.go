package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// producer is one node of a network under test.
type producer struct {
	*Node
	stop context.CancelFunc
	done chan error
	once sync.Once
	err  error
}

// end stops a node; it may be called twice.
func (p *producer) end() error {
	p.once.Do(func() {
		p.stop()
		p.err = errors.Join(<-p.done, p.Close())
	})
	return p.err
}

// launchFour starts four producers of which three are told only of the first, on
// the transport that the environment names.
func launchFour(t *testing.T) (all []*producer) {
	t.Helper()
	type secrets struct{ hot, cons key.Seed }
	var who []secrets
	for i := range 4 {
		who = append(who, secrets{keys.Development(fmt.Sprint("hot", i)), keys.Development(fmt.Sprint("consensus", i))})
	}
	sort.Slice(who, func(i, j int) bool {
		a, b := who[i].cons.Public(), who[j].cons.Public()
		return string(a[:]) < string(b[:])
	})
	g := testGenesis(t, "bootstrap")
	g.Producers = nil
	for _, s := range who {
		g.Producers = append(g.Producers, ledger.NewGenesisProducer(s.hot, keys.Development("owner").Public(), s.cons, 10*unit.Coin))
	}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, s := range who {
		home := t.TempDir()
		err := errors.Join(keys.Save(filepath.Join(home, "hotkey.key"), s.hot), keys.Save(filepath.Join(home, "consensus.key"), s.cons),
			os.WriteFile(filepath.Join(home, "genesis.cbor"), g.Encode(), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		c := config.Default()
		c.Home, c.BlockTime, c.Hotkey, c.Consensus = home, 300*time.Millisecond, "hotkey.key", "consensus.key"
		c.API.Listen, c.Admin.Socket = "", ""
		if c.Transport = os.Getenv("CHAIN_TEST_TRANSPORT"); c.Transport == "" {
			c.Transport = chain.TransportLibp2p
		}
		if c.Transport == chain.TransportTCP {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			c.TCP.Listen = l.Addr().String()
			l.Close()
		}
		if i > 0 {
			c.Join = all[0].Addrs()
			if a := all[0].chain.TCPAddress(); a != "" {
				c.TCP.Peers = []string{a}
			}
		}
		n, err := openConfig(t, c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		p := &producer{Node: n, stop: cancel, done: make(chan error, 1)}
		go func() { p.done <- n.Run(ctx) }()
		t.Cleanup(func() { p.end() })
		all = append(all, p)
	}
	return all
}

// reach waits for a height.
func (p *producer) reach(t *testing.T, h uint64, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); p.chain.Head().Height < h; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("height %d after %v, want %d; peers %v", p.chain.Head().Height, d, h, p.chain.ConsensusPeers())
		}
	}
}

// The node that everybody began with goes away: the others have found each other
// by then and go on.
func TestLoneBootstrap(t *testing.T) {
	t.Parallel()
	all := launchFour(t)
	for _, p := range all {
		p.reach(t, 3, 30*time.Second)
	}
	// Each has heard of each, which is discovery's work.
	deadline := time.Now().Add(60 * time.Second)
	for _, p := range all[1:] {
		for len(p.chain.ConsensusPeers()) < 3 {
			if time.Now().After(deadline) {
				t.Fatalf("a node has only the peers %v", p.chain.ConsensusPeers())
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	if err := all[0].end(); err != nil {
		t.Fatal(err)
	}
	at := all[1].chain.Head().Height
	for _, p := range all[1:] {
		p.reach(t, at+5, 40*time.Second)
	}
}
