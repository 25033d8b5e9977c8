package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/ledger/unit"
)

// testGenesis is a chain whose one producer makes all blocks.
func testGenesis(t *testing.T, id string) *ledger.Genesis {
	t.Helper()
	hot, consensus, owner := keys.Development("hot"), keys.Development("consensus"), keys.Development("owner")
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Rounds = 20, []uint16{2, 8}
	g := &ledger.Genesis{ChainID: id, Time: time.Now().UnixMilli(), Params: ledger.DefaultParams(),
		Accounts: []ledger.Allocation{{Account: owner.Public(), Balance: 1000 * unit.Coin}},
		Subnets: []ledger.GenesisSubnet{{NetUID: 1, Lock: 100 * unit.Coin,
			Subnet: ledger.Subnet{Owner: owner.Public(), OwnerHotkey: hot.Public(), Started: 1, Params: p}}},
		Producers: []ledger.GenesisProducer{ledger.NewGenesisProducer(hot, owner.Public(), consensus, 10*unit.Coin)}}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	return g
}

// newHome writes the home of that producer.
func newHome(t *testing.T, g *ledger.Genesis) string { return newHomeWith(t, g, "hot") }

// newHomeWith writes a home whose hotkey has another name.
func newHomeWith(t *testing.T, g *ledger.Genesis, hot string) string {
	t.Helper()
	home := t.TempDir()
	for name, s := range map[string]key.Seed{"hotkey.key": keys.Development(hot), "consensus.key": keys.Development("consensus")} {
		if err := keys.Save(filepath.Join(home, name), s); err != nil {
			t.Fatal(err)
		}
	}
	c := config.Default()
	c.Home, c.BlockTime, c.Hotkey, c.Consensus = home, 100*time.Millisecond, "hotkey.key", "consensus.key"
	c.API.Listen, c.Admin.Socket = "", ""
	if err := errors.Join(c.Save(), os.WriteFile(filepath.Join(home, "genesis.cbor"), g.Encode(), 0o600)); err != nil {
		t.Fatal(err)
	}
	return home
}

// open is how the command opens a home.
func open(t *testing.T, home string) (*Node, error) {
	t.Helper()
	c, err := config.Load(home, nil)
	if err != nil {
		return nil, err
	}
	return openConfig(t, c)
}

func openConfig(t *testing.T, c config.Config) (*Node, error) {
	t.Helper()
	return Open(t.Context(), c, testLog(), event.NewWriter(io.Discard, "test"))
}

// errNoBlocks says that a node stood still.
var errNoBlocks = errors.New("no blocks")

// roots runs the home's node until it has made so many more blocks, or breaks,
// and returns the state's root at each height.
func roots(t *testing.T, home string, more uint64) (map[uint64][32]byte, error) {
	t.Helper()
	n, err := open(t, home)
	if err != nil {
		return nil, err
	}
	out := map[uint64][32]byte{}
	start := n.chain.Head()
	if start.Height > 0 {
		out[start.Height] = start.Root
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	n.chain.Subscribe(func(b chain.Block) { // one goroutine of Run
		out[b.Height] = b.Root
		if b.Height >= start.Height+more {
			cancel()
		}
	})
	err = n.Run(ctx)
	if ctx.Err() == context.DeadlineExceeded {
		err = errors.Join(err, errNoBlocks)
	}
	if head := n.chain.Head(); head.Height > 0 { // may be one that was not told any more
		out[head.Height] = head.Root
	}
	return out, errors.Join(err, n.Close())
}

func wantError(t *testing.T, err error, is error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", is)
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("error %q is not %q", err, is)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not name %q", err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q has more than one line", err)
	}
}

func TestStopAndResume(t *testing.T) {
	t.Parallel()
	home := newHome(t, testGenesis(t, "one"))
	first, err := roots(t, home, 5)
	if err != nil {
		t.Fatal(err)
	}
	second, err := roots(t, home, 5)
	if err != nil {
		t.Fatal(err)
	}
	if _, anew := second[1]; anew {
		t.Error("the chain began anew")
	}
	for h, root := range second {
		if was, ok := first[h]; ok && was != root {
			t.Errorf("height %d: root %x, was %x", h, root, was)
		}
	}
}

func TestOtherGenesis(t *testing.T) {
	t.Parallel()
	home := newHome(t, testGenesis(t, "one"))
	if _, err := roots(t, home, 2); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "genesis.cbor"), testGenesis(t, "two").Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, home)
	wantError(t, err, chain.ErrOtherGenesis, "use another home")
}

func TestGenesisFile(t *testing.T) {
	home := newHome(t, testGenesis(t, "one"))
	file := filepath.Join(home, "genesis.cbor")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"empty": {}, "cut": whole[:len(whole)/2], "longer": append(whole[:len(whole):len(whole)], 0), "text": []byte("genesis")} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := open(t, home)
			wantError(t, err, nil, file)
		})
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, home)
	wantError(t, err, os.ErrNotExist, file, "genesis")
}

func TestHomeInUse(t *testing.T) {
	home := newHome(t, testGenesis(t, "one"))
	n, err := open(t, home)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	_, err = open(t, home)
	wantError(t, err, store.ErrLocked, home)

	// The second database says the same when the first is free.
	other := newHome(t, testGenesis(t, "one"))
	work, err := kv.Open(filepath.Join(other, "work"))
	if err != nil {
		t.Fatal(err)
	}
	defer work.Close()
	_, err = open(t, other)
	wantError(t, err, kv.ErrLocked, other)
}

func TestBadKeyFile(t *testing.T) {
	home := newHome(t, testGenesis(t, "one"))
	file := filepath.Join(home, "hotkey.key")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, home)
	wantError(t, err, keys.ErrMode, file, "chmod 600")
	if err := errors.Join(os.Chmod(file, 0o600), os.WriteFile(file, []byte("secret"), 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, home)
	wantError(t, err, keys.ErrFile, file)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error %q quotes the key file", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, home)
	wantError(t, err, os.ErrNotExist, file)
}

// testLog drops what a node logs, unless NODE_TEST_LOG asks for it.
func testLog() *slog.Logger {
	if os.Getenv("NODE_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
