package chain

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/store"
)

// A node in a process of its own, to be killed. It prints "addr ADDRESS" once
// and "height N" for each block, and greets what it reads.
func TestMain(m *testing.M) {
	if os.Getenv("CHAIN_TEST_CHILD") != "" {
		if err := child(); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child() error {
	home := os.Getenv("CHAIN_TEST_CHILD")
	i, err := strconv.Atoi(os.Getenv("CHAIN_TEST_INDEX"))
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(os.Getenv("CHAIN_TEST_GENESIS"))
	if err != nil {
		return err
	}
	g, err := ledger.DecodeGenesis(raw)
	if err != nil {
		return err
	}
	net := &testnet{}
	net.secrets(len(g.Producers))
	seed := [32]byte{9, byte(i)}
	twin := os.Getenv("CHAIN_TEST_TWIN") != "" // a second process with one producer's key
	if twin {
		seed[31] = 1
	}
	k, err := crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return err
	}
	h, err := libp2p.New(libp2p.Identity(k), libp2p.ListenAddrStrings("/ip4/"+childIP()+"/udp/0/quic-v1"), libp2p.Transport(quic.NewTransport), libp2p.DisableRelay())
	if err != nil {
		return err
	}
	db, err := store.Open(home+"/chain", store.Config{})
	if err != nil {
		return err
	}
	pace, err := time.ParseDuration(os.Getenv("CHAIN_TEST_PACE"))
	if err != nil {
		return err
	}
	ctx := context.Background()
	c := Config{Home: home, DB: db, Genesis: g, Host: h, BlockTime: pace, ConsensusSeed: net.consensus[i], VRF: net.hot[i].VRF()}
	overTransport(&c)
	var txs [][]byte
	if s := os.Getenv("CHAIN_TEST_LOAD"); s != "" {
		each, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		txs = load(i, len(g.Producers), each)
		if os.Getenv("CHAIN_TEST_APPLICATION") == "trivial" {
			trivial(&c)
		}
	}
	if os.Getenv("CHAIN_TEST_LOG") != "" {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("node", i)
	}
	n, err := Open(ctx, c)
	if err != nil {
		return err
	}
	n.Subscribe(func(b Block) {
		fmt.Println("height", b.Height)
		for _, e := range b.Events {
			if e.Kind == "slashed" {
				fmt.Println("slashed", punished(n, g, e.Hotkey))
			}
		}
	})
	if twin {
		go pester(n)
	}
	if a := n.TCPAddress(); a != "" {
		fmt.Println("addr", a)
	} else {
		fmt.Printf("addr %s/p2p/%s\n", h.Addrs()[0], h.ID())
	}
	if txs != nil {
		go carry(n, txs)
	}
	if file := os.Getenv("CHAIN_TEST_PROFILE"); file != "" && i == 0 {
		go profile(n, file+"."+os.Getenv("CHAIN_TEST_APPLICATION"))
	}
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			if err := n.greetText(ctx, in.Text()); err != nil {
				fmt.Println("greet", err)
			}
		}
		os.Exit(0) // the parent is gone
	}()
	return n.Run(ctx)
}

// greetText makes a peer of an address in either transport's form.
func (n *Node) greetText(ctx context.Context, addr string) error {
	if n.TCPAddress() != "" {
		return n.engine.sw.DialPeersAsync([]string{addr})
	}
	to, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return err
	}
	return n.Greet(ctx, *to)
}

// childIP is the address that a process listens on.
func childIP() string {
	if ip := os.Getenv("CHAIN_TEST_IP"); ip != "" {
		return ip
	}
	return "127.0.0.1"
}

type process struct {
	cmd    *exec.Cmd
	in     io.Writer
	addr   string
	height atomic.Int64

	committed atomic.Int64           // transfers, of a process under load
	slashed   atomic.Pointer[string] // what punished says, nil before
}

func spawn(t *testing.T, home, genesis string, i int, pace time.Duration) *process {
	t.Helper()
	return start(t, exec.Command(os.Args[0]), home, genesis, i, pace)
}

// start runs cmd, which is this program or runs it, as a node.
func start(t *testing.T, cmd *exec.Cmd, home, genesis string, i int, pace time.Duration) *process {
	t.Helper()
	p := &process{cmd: cmd}
	p.cmd.Env = append(append(os.Environ(), cmd.Env...), "CHAIN_TEST_CHILD="+home, "CHAIN_TEST_GENESIS="+genesis, "CHAIN_TEST_INDEX="+strconv.Itoa(i), "CHAIN_TEST_PACE="+pace.String())
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	addr := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			word, rest, _ := strings.Cut(s.Text(), " ")
			switch word {
			case "addr":
				addr <- rest
			case "height":
				h, _ := strconv.ParseInt(rest, 10, 64)
				p.height.Store(h)
			case "slashed":
				p.slashed.Store(&rest)
			case "committed":
				c, _ := strconv.ParseInt(rest, 10, 64)
				p.committed.Store(c)
			case "error", "greet":
				t.Log(i, s.Text())
			}
		}
	}()
	select {
	case p.addr = <-addr:
	case <-time.After(20 * time.Second):
		t.Fatal("the process does not start")
	}
	return p
}

// kill is kill -9: the peers hear nothing.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

func (p *process) reach(t *testing.T, h int64, d time.Duration) {
	t.Helper()
	eventually(t, d, fmt.Sprintf("height %d", h), func() bool { return p.height.Load() >= h })
}

// genesisFile writes the genesis of that many producers.
func genesisFile(t *testing.T, producers int) string {
	file := t.TempDir() + "/genesis"
	if err := os.WriteFile(file, newTestnet(t, producers).genesis.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// spawnFour starts four producers that have greeted each other.
func spawnFour(t *testing.T, pace time.Duration) (homes []string, file string, all []*process) {
	file = genesisFile(t, 4)
	for i := range 4 {
		homes = append(homes, t.TempDir())
		all = append(all, spawn(t, homes[i], file, i, pace))
	}
	for i := range all {
		for j := range i {
			fmt.Fprintln(all[i].in, all[j].addr)
		}
	}
	return homes, file, all
}

// Four processes aim at one block a second: the mean comes close, and with one
// of them dead the chain goes on at a stated pace. Run with CHAIN_TEST_CRASH=1.
func TestPace(t *testing.T) {
	if os.Getenv("CHAIN_TEST_CRASH") == "" {
		t.Skip("four processes for a minute: set CHAIN_TEST_CRASH=1")
	}
	began := time.Now()
	_, _, all := spawnFour(t, time.Second)
	all[0].reach(t, 1, 20*time.Second)
	t.Logf("first block after %v", time.Since(began).Round(time.Millisecond))
	all[0].reach(t, 15, 40*time.Second) // the measure of its own latency settles
	mean := func(blocks int64) time.Duration {
		from := all[0].height.Load() + 1
		all[0].reach(t, from, 10*time.Second)
		began := time.Now()
		all[0].reach(t, from+blocks, time.Duration(blocks)*4*time.Second)
		return time.Since(began) / time.Duration(blocks)
	}
	m := mean(30)
	t.Logf("mean of 30 blocks %v", m.Round(time.Millisecond))
	if m < 950*time.Millisecond || m > 1050*time.Millisecond {
		t.Errorf("mean %v, want about 1 s", m)
	}
	all[3].kill()
	t.Logf("mean of 20 blocks with one of four dead %v", mean(20).Round(time.Millisecond))
	took := time.Since(began)
	for _, p := range all[:3] {
		p.kill()
		s := p.cmd.ProcessState
		t.Logf("processor %.1f %% of a core", 100*(s.SystemTime()+s.UserTime()).Seconds()/took.Seconds())
	}
}

// A quorum that lost two producers without a word and got one back must go on:
// to who restarted the round's votes have to be sent again. Four processes; run
// with CHAIN_TEST_CRASH=1.
func TestCrash(t *testing.T) {
	if os.Getenv("CHAIN_TEST_CRASH") == "" {
		t.Skip("four processes: set CHAIN_TEST_CRASH=1")
	}
	homes, file, all := spawnFour(t, blockTime)
	for _, p := range all {
		p.reach(t, 5, 30*time.Second)
	}
	// The first, which is needed, goes alone; then two at once.
	all[0].kill()
	all[1].reach(t, all[1].height.Load()+4, 20*time.Second)
	all[0] = spawn(t, homes[0], file, 0, blockTime)
	for _, p := range all[1:] {
		fmt.Fprintln(all[0].in, p.addr)
	}
	all[0].reach(t, all[1].height.Load()+4, 20*time.Second)

	all[3].kill()
	all[2].kill()
	time.Sleep(time.Second)
	at := all[1].height.Load()
	all[2] = spawn(t, homes[2], file, 2, blockTime)
	for _, p := range all[:2] {
		fmt.Fprintln(all[2].in, p.addr)
	}
	began := time.Now()
	for _, p := range all[:3] {
		p.reach(t, at+4, 20*time.Second)
	}
	t.Logf("four blocks %v after the restart", time.Since(began).Round(100*time.Millisecond))
}
