package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/gofrs/flock"

	text "github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// Config of a development network.
type Config struct {
	Home   string // directory of the network
	Corpus string // text to draw tasks from; empty for the default one
	Cache  string // folder of compiled modules
}

// Errors of a development network.
var (
	ErrLocked  = errors.New("the directory is locked by another 'plexus dev'")
	ErrSource  = errors.New("the subnet's source is not here")
	ErrResumed = errors.New("the network in this directory has another corpus")
)

// Network is a network on disk, whose processes may run.
type Network struct {
	cfg     Config
	lock    *flock.Flock
	gen     *ledger.Genesis
	resumed bool
}

// Names of files in the home.
const (
	fileGenesis = "genesis.cbor"
	fileModule  = "module.wasm"
	fileHidden  = "data/hidden.bin"
	fileTrain   = "data/train.txt"
)

func (n *Network) path(parts ...string) string {
	return filepath.Join(append([]string{n.cfg.Home}, parts...)...)
}

func hotSeed(name string) key.Seed { return keys.Development(name + "/hotkey") }

// ColdSeed is the development key of a name: producer0 to producer3, a miner's
// name, owner, alice or bob.
func ColdSeed(name string) key.Seed { return keys.Development(name) }

func producerName(i int) string { return fmt.Sprintf("producer%d", i) }

// Open makes the network in cfg.Home, or finds the one that is there. say is
// told of each step.
func Open(ctx context.Context, cfg Config, out io.Writer, say func(string)) (*Network, error) {
	n := &Network{cfg: cfg, lock: flock.New(filepath.Join(cfg.Home, "lock"))}
	if err := os.MkdirAll(cfg.Home, 0o700); err != nil {
		return nil, err
	}
	got, err := n.lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !got {
		return nil, fmt.Errorf("%w: %s", ErrLocked, cfg.Home)
	}
	if err := n.open(ctx, out, say); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Network) open(ctx context.Context, out io.Writer, say func(string)) error {
	raw, err := os.ReadFile(n.path(fileGenesis))
	if err == nil {
		if n.gen, err = ledger.DecodeGenesis(raw); err != nil {
			return fmt.Errorf("%s: %w: choose another directory, or delete this one", n.path(fileGenesis), err)
		}
		n.resumed = true
		say("resuming the network in " + n.cfg.Home)
		return n.sameCorpus()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	say("cutting the corpus")
	set, err := n.writeData()
	if err != nil {
		return err
	}
	say("building the text subnet's module with the Go toolchain")
	module, err := buildModule(ctx, out)
	if err != nil {
		return err
	}
	if err := os.WriteFile(n.path(fileModule), module, 0o600); err != nil {
		return err
	}
	if n.gen, err = genesis(module, set.Named()); err != nil {
		return err
	}
	for i := range producers {
		if err := n.writeNode(i, module); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(n.path("log"), 0o700); err != nil {
		return err
	}
	for _, m := range minerKinds {
		if err := keys.Save(n.path("miners", m.Name+".key"), hotSeed(m.Name)); err != nil && !errors.Is(err, keys.ErrExists) {
			return err
		}
	}
	// The genesis comes last: a directory that has it is complete.
	file := n.path(fileGenesis)
	if err := os.WriteFile(file+".new", n.gen.Encode(), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// Close releases the directory.
func (n *Network) Close() error { return n.lock.Unlock() }

func (n *Network) writeData() (*dataset.Set, error) {
	corpus, err := text.ReadCorpus(n.cfg.Corpus)
	if err != nil {
		return nil, err
	}
	train, hidden := text.Split(corpus)
	if err := os.MkdirAll(n.path("data"), 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(n.path(fileTrain), train, 0o600), os.WriteFile(n.path(fileHidden), hidden, 0o600)); err != nil {
		return nil, err
	}
	return dataset.New(hidden, text.SliceLen)
}

// sameCorpus refuses to resume a network with a corpus that it was not made for.
func (n *Network) sameCorpus() error {
	if n.cfg.Corpus == "" {
		return nil
	}
	corpus, err := text.ReadCorpus(n.cfg.Corpus)
	if err != nil {
		return err
	}
	_, hidden := text.Split(corpus)
	set, err := dataset.New(hidden, text.SliceLen)
	if err != nil {
		return err
	}
	if set.Named() != n.gen.Subnets[0].Data {
		return fmt.Errorf("%w: choose another --keep directory for %s", ErrResumed, n.cfg.Corpus)
	}
	return nil
}

// modulePackage is the text subnet's module in this project's source.
const modulePackage = "github.com/plexus-network/plexus/examples/subnets/text/module"

func buildModule(ctx context.Context, out io.Writer) ([]byte, error) {
	c := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", modulePackage)
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	dir, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: run this in a clone of the project, with Go installed: %v", ErrSource, err)
	}
	return plugins.Build(ctx, strings.TrimSpace(string(dir)), out)
}

// writeNode writes the home of producer i.
func (n *Network) writeNode(i int, module []byte) error {
	home := n.path(producerName(i))
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	for name, s := range map[string]key.Seed{"hotkey.key": hotSeed(producerName(i)), "consensus.key": keys.Development(producerName(i) + "/consensus")} {
		if err := keys.Save(filepath.Join(home, name), s); err != nil && !errors.Is(err, keys.ErrExists) {
			return err
		}
	}
	c := config.Default()
	c.Home, c.Genesis, c.BlockTime, c.Cache = home, "../"+fileGenesis, blockTime, n.cfg.Cache
	c.Hotkey, c.Consensus = "hotkey.key", "consensus.key"
	c.API.Listen, c.Admin.Socket = "", "" // several nodes share the machine's ports
	c.API.Listen = ""
	if i == 0 {
		c.API.Listen = "127.0.0.1:0"
	}
	if i < validators {
		c.Validate, c.Data = []ledger.NetUID{netuid}, "../"+fileHidden
	}
	if i == 0 { // the others fetch the module from it
		store, err := plugins.OpenStore(filepath.Join(home, "modules"))
		if err != nil {
			return err
		}
		if _, err := store.Put(module); err != nil {
			return err
		}
	}
	return c.Save()
}

// genesis is the development network's: 1-second blocks, an epoch of 20 of them,
// and under a million TAO in all.
func genesis(module []byte, data ledger.DataSet) (*ledger.Genesis, error) {
	params := ledger.DefaultParams()
	params.PriceAlpha, params.PriceHalf = 1<<32/5, 20
	params.Unbonding, params.BlockMS = 100, 1000
	params.NetworkRate, params.LockFactor = 0, 1
	sub := ledger.DefaultSubnetParams()
	sub.Tempo, sub.Immunity, sub.Rounds, sub.Asked, sub.DeadlineMS, sub.SkipMax = 20, 60, []uint16{2, 6, 10, 14}, 4, 3500, 500
	g := &ledger.Genesis{ChainID: "plexus-dev-" + time.Now().UTC().Format("20060102-150405"), Time: time.Now().UnixMilli(), Params: params,
		Subnets: []ledger.GenesisSubnet{{NetUID: netuid, Lock: 1000 * unit.Coin, Subnet: ledger.Subnet{Owner: ColdSeed("owner").Public(),
			OwnerHotkey: hotSeed("owner").Public(), Module: plugins.Digest(module), Meter: plugins.MeterVersion, ABI: 1, Data: data,
			Started: 1, Params: sub}}}}
	give := func(name string, amount unit.TAO) {
		g.Accounts = append(g.Accounts, ledger.Allocation{Account: ColdSeed(name).Public(), Balance: amount})
	}
	for i := range producers {
		name := producerName(i)
		give(name, 1000*unit.Coin)
		g.Producers = append(g.Producers, ledger.NewGenesisProducer(hotSeed(name), ColdSeed(name).Public(),
			keys.Development(name+"/consensus"), 100_000*unit.Coin))
	}
	for _, m := range minerKinds {
		give(m.Name, 100*unit.Coin)
	}
	for _, name := range []string{"owner", "alice", "bob"} {
		give(name, 10_000*unit.Coin)
	}
	sort.Slice(g.Accounts, func(i, j int) bool { return string(g.Accounts[i].Account[:]) < string(g.Accounts[j].Account[:]) })
	sort.Slice(g.Producers, func(i, j int) bool {
		return string(g.Producers[i].Consensus[:]) < string(g.Producers[j].Consensus[:])
	})
	return g, g.Validate()
}

// minersConfig writes the configuration of the miners' process.
func (n *Network) minersConfig(self, join string) (string, error) {
	type miner struct {
		Name   string
		Hotkey string
		NetUID uint16
		Engine []string
		Study  string
	}
	c := struct {
		Join   string
		Miners []miner
	}{Join: join}
	for _, m := range minerKinds {
		x := miner{Name: m.Name, Hotkey: n.path("miners", m.Name+".key"), NetUID: netuid, Engine: []string{self, "engine", "text-" + m.Name}}
		switch m.Name {
		case "mix":
			x.Engine = append(x.Engine, "--train", n.path(fileTrain))
		case "copy":
			x.Study = n.path("miners", "study")
			x.Engine = append(x.Engine, "--evidence", x.Study)
		}
		c.Miners = append(c.Miners, x)
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	file := n.path("miners", "miners.json")
	return file, os.WriteFile(file, b, 0o600)
}
