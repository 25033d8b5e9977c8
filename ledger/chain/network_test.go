package chain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

const blockTime = 250 * time.Millisecond

var alice = key.Seed{0xa1}

// testnet is a genesis and the secrets behind it.
type testnet struct {
	genesis   *ledger.Genesis
	hot       []key.Seed
	consensus []key.Seed
}

func newTestnet(t testing.TB, producers int) *testnet {
	t.Helper()
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Rounds = 20, []uint16{2, 8}
	n := &testnet{genesis: &ledger.Genesis{ChainID: "test", Time: time.Now().UnixMilli(), Params: ledger.DefaultParams(),
		Accounts: []ledger.Allocation{{Account: alice.Public(), Balance: 1000 * unit.Coin}},
		Subnets: []ledger.GenesisSubnet{{NetUID: 1, Lock: 100 * unit.Coin,
			Subnet: ledger.Subnet{Owner: alice.Public(), OwnerHotkey: key.Seed{0xa2}.Public(), Started: 1, Params: p}}}}}
	n.secrets(producers)
	for i := range producers {
		n.genesis.Producers = append(n.genesis.Producers, ledger.NewGenesisProducer(n.hot[i], key.ID{3, byte(i)}, n.consensus[i], 10*unit.Coin))
	}
	if err := n.genesis.Validate(); err != nil {
		t.Fatal(err)
	}
	return n
}

// secrets fills in the producers' keys, in the order of the genesis.
func (n *testnet) secrets(producers int) {
	type pair struct{ hot, cons key.Seed }
	var all []pair
	for i := range producers {
		all = append(all, pair{key.Seed{1, byte(i + 1)}, key.Seed{2, byte(i + 1)}})
	}
	sort.Slice(all, func(i, j int) bool {
		a, b := all[i].cons.Public(), all[j].cons.Public()
		return string(a[:]) < string(b[:])
	})
	for _, x := range all {
		n.hot, n.consensus = append(n.hot, x.hot), append(n.consensus, x.cons)
	}
}

// running is a node under test with what it lives on.
type running struct {
	*Node
	db   *store.DB
	host host.Host
	stop context.CancelFunc
	err  chan error
	once sync.Once
	end  error

	mu     sync.Mutex
	blocks []Block
}

func newHost(t testing.TB) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/udp/0/quic-v1"), libp2p.Transport(quic.NewTransport), libp2p.DisableRelay())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// launch opens a node in home and runs it; producer -1 is a full node.
func (n *testnet) launch(t testing.TB, home string, producer int, change ...func(*Config)) *running {
	t.Helper()
	db, err := store.Open(home+"/chain", store.Config{CacheBytes: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{db: db, host: newHost(t), err: make(chan error, 1)}
	c := Config{Home: home, DB: db, Genesis: n.genesis, Host: r.host, BlockTime: blockTime}
	overTransport(&c)
	if os.Getenv("CHAIN_TEST_LOG") != "" {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", producer)
	}
	if producer >= 0 {
		c.ConsensusSeed, c.VRF = n.consensus[producer], n.hot[producer].VRF()
	}
	for _, f := range change {
		f(&c)
	}
	if r.Node, err = Open(t.Context(), c); err != nil {
		r.host.Close()
		db.Close()
		t.Fatal(err)
	}
	r.Subscribe(func(b Block) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.blocks = append(r.blocks, b)
	})
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.err <- r.Run(ctx) }()
	t.Cleanup(func() { r.shut(t) })
	return r
}

// shut ends the node in order and returns what Run returned.
func (r *running) shut(t testing.TB) error {
	r.once.Do(func() {
		r.stop()
		select {
		case r.end = <-r.err:
		case <-time.After(15 * time.Second):
			t.Fatal("the node does not stop")
		}
		if err := errors.Join(r.Close(), r.host.Close(), r.db.Close()); err != nil {
			t.Error(err)
		}
	})
	return r.end
}

func (r *running) info() peer.AddrInfo { return peer.AddrInfo{ID: r.host.ID(), Addrs: r.host.Addrs()} }

// reach waits until the node has committed height.
func (r *running) reach(t testing.TB, height uint64) {
	t.Helper()
	eventually(t, 40*time.Second, fmt.Sprintf("height %d, now %d", height, r.Head().Height), func() bool {
		select {
		case err := <-r.err:
			r.err <- err
			t.Fatalf("run ended: %v", err)
		default:
		}
		return r.Head().Height >= height
	})
}

func eventually(t testing.TB, d time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %v: %s", d, what)
}

// overTransport gives a configuration the transport that the tests run over:
// that of CHAIN_TEST_TRANSPORT, libp2p without it.
func overTransport(c *Config) {
	if c.Transport = os.Getenv("CHAIN_TEST_TRANSPORT"); c.Transport == TransportTCP {
		c.TCP.Listen = freePort()
	}
}

// freePort is an address that is free now, on loopback or a process's own.
func freePort() string {
	l, err := net.Listen("tcp", childIP()+":0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func greet(t testing.TB, a, b *running) {
	t.Helper()
	eventually(t, 10*time.Second, "greeting", func() bool { return a.meet(t.Context(), b) == nil })
}

// meet makes two nodes peers of consensus.
func (r *running) meet(ctx context.Context, other *running) error {
	if other.TCPAddress() != "" {
		return r.engine.sw.DialPeersAsync([]string{other.TCPAddress()})
	}
	return r.Greet(ctx, other.info())
}

// root returns the app hash of a height as the header of the next has it.
func (r *running) root(t testing.TB, height uint64) [32]byte {
	t.Helper()
	b, err := r.lightBlock(int64(height) + 1)
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(b.AppHash)
}

func transfer(from key.Seed, nonce uint64, to key.ID, amount unit.TAO) []byte {
	return ledger.Sign(from, "test", nonce, 10_000, &ledger.Transfer{To: to, Amount: amount})
}
