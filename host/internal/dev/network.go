package dev

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins"
)

// Config of a development network.
type Config struct {
	Home    string            // directory of the network
	Subnets []string          // names of the subnets to run; none for all of the gallery
	Files   map[string]string // files that replace the default data, by the subnet's name
	Load    []string          // folders of further subnets, as 'plexus subnet new' makes them
	Cache   string            // folder of compiled modules
	Built   string            // folder of modules built before; empty builds them anew
}

// ErrLocked is returned for a directory that another process has.
var ErrLocked = errors.New("the directory is locked by another 'plexus dev'")

// Network is a network on disk, whose processes may run.
type Network struct {
	cfg     Config
	lock    *flock.Flock
	gen     *ledger.Genesis
	subnets []*subnet
	words   *State // names, for lines
}

// Names of files in the home.
const (
	fileGenesis = "genesis.cbor"
	fileHome    = "network.json"
	fileLock    = "lock"
)

func (n *Network) path(parts ...string) string {
	return filepath.Join(append([]string{n.cfg.Home}, parts...)...)
}

// module and solver are the files of a subnet's modules.
func (n *Network) module(s *subnet) string { return n.path("modules", s.Name+".wasm") }
func (n *Network) solver(s *subnet) string { return n.path("modules", s.Name+"-solver.wasm") }

func hotSeed(name string) key.Seed { return keys.Development(name + "/hotkey") }

// ColdSeed is the development key of a name: producer0 to producer3, SUBNET-MINER,
// SUBNET-owner, trader0 and trader1, alice or bob.
func ColdSeed(name string) key.Seed { return keys.Development(name) }

func producerName(i int) string { return fmt.Sprintf("producer%d", i) }

// Open makes the network in cfg.Home, or finds the one that is there. say is
// told of each step; messages of the compiler go to out.
func Open(ctx context.Context, cfg Config, out io.Writer, say func(string)) (*Network, error) {
	if err := foreign(cfg.Home); err != nil {
		return nil, err
	}
	n := &Network{cfg: cfg, lock: flock.New(filepath.Join(cfg.Home, fileLock))}
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
	n.words = newState(n.subnets)
	return n, nil
}

func (n *Network) open(ctx context.Context, out io.Writer, say func(string)) error {
	found, err := n.readHome()
	if err != nil {
		return err
	}
	if found == nil {
		return n.make(ctx, out, say)
	}
	raw, err := os.ReadFile(n.path(fileGenesis))
	if err != nil {
		return err
	}
	if n.gen, err = ledger.DecodeGenesis(raw); err != nil {
		return fmt.Errorf("%s: %w: choose another directory, or delete this one", n.path(fileGenesis), err)
	}
	if err := n.resume(found); err != nil {
		return err
	}
	if err := n.sameData(); err != nil {
		return err
	}
	say("resuming the network in " + n.cfg.Home)
	return nil
}

// make makes a network in the empty directory.
func (n *Network) make(ctx context.Context, out io.Writer, say func(string)) (err error) {
	if n.subnets, err = choose(n.cfg.Subnets); err != nil {
		return err
	}
	if n.subnets, err = load(n.subnets, n.cfg.Load); err != nil {
		return err
	}
	say("cutting the data")
	if err := n.writeData(); err != nil {
		return err
	}
	modules, err := n.buildAll(ctx, out, say)
	if err != nil {
		return err
	}
	if n.gen, err = n.genesis(modules); err != nil {
		return err
	}
	for i := range producers {
		if err := n.writeNode(i, modules); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(n.path("log"), 0o700); err != nil {
		return err
	}
	for _, s := range n.subnets {
		for _, m := range s.Miners {
			name := s.account(m.Name)
			if err := keys.Save(n.path("miners", name+".key"), hotSeed(name)); err != nil && !errors.Is(err, keys.ErrExists) {
				return err
			}
		}
	}
	if err := n.writeHome(); err != nil {
		return err
	}
	// The genesis comes last: a directory that has it is complete.
	return keepFile(n.path(fileGenesis), n.gen.Encode())
}

// buildAll builds the subnets' modules and their solvers, and returns the modules
// by subnet.
func (n *Network) buildAll(ctx context.Context, out io.Writer, say func(string)) (map[string][]byte, error) {
	var paths []string
	for _, s := range n.subnets {
		if s.dir != "" {
			continue
		}
		paths = append(paths, s.Module)
		if s.Solver != "" {
			paths = append(paths, s.Solver)
		}
	}
	say(fmt.Sprintf("building %d modules with the Go toolchain", len(paths)))
	b := builder{dir: n.cfg.Built, out: out, say: say}
	built, err := b.build(ctx, paths)
	if err != nil {
		return nil, err
	}
	modules := map[string][]byte{}
	for _, s := range n.subnets {
		module := built[s.Module]
		if s.dir != "" {
			say("building the module in " + s.dir)
			if module, err = plugins.Build(ctx, s.dir, out); err != nil {
				return nil, err
			}
		}
		modules[s.Name] = module
		man, err := plugins.ReadManifest(module)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name, err)
		}
		// A module that can do without data is given none.
		s.answer, s.slices = man.Answer, man.Slices > 0 && s.data.Slices > 0
		if err := keepFile(n.module(s), module); err != nil {
			return nil, err
		}
		if s.Solver == "" {
			continue
		}
		if err := keepFile(n.solver(s), built[s.Solver]); err != nil {
			return nil, err
		}
	}
	return modules, nil
}

// Shape says in words how large the network is.
func (n *Network) Shape() string {
	miners := 0
	for _, s := range n.subnets {
		miners += len(s.Miners)
	}
	return fmt.Sprintf("%d producers, %d of which validate, and %d miners of %d subnets", producers, validators, miners, len(n.subnets))
}

// Close releases the directory.
func (n *Network) Close() error { return n.lock.Unlock() }

// writeNode writes the home of producer i.
func (n *Network) writeNode(i int, modules map[string][]byte) error {
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
	if i == 0 {
		c.API.Listen = "127.0.0.1:0"
	}
	if i < validators {
		n.validate(&c)
	}
	if i == 0 { // the others fetch the modules from it
		store, err := plugins.OpenStore(filepath.Join(home, "modules"))
		if err != nil {
			return err
		}
		for _, m := range modules {
			if _, err := store.Put(m); err != nil {
				return err
			}
		}
	}
	return c.Save()
}

// fuelRate is the fuel a second that a validator grants each subnet's module. A
// core burns some 4e9 of compiled code (see worker.DefaultInline), so that three
// validators of six subnets stay below one.
const fuelRate = 150_000_000

// validate has a node validate all subnets, whose data it finds by their roots.
func (n *Network) validate(c *config.Config) {
	c.Data = "../data/hidden"
	c.Budget.Bandwidth = 0 // all of it stays on this machine
	for _, s := range n.subnets {
		c.Subnets = append(c.Subnets, config.Subnet{NetUID: s.netuid, Fuel: fuelRate})
	}
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
		Prices string
		Miners []miner
	}{Join: join, Prices: n.path("miners", "prices.csv")}
	for _, s := range n.subnets {
		study := n.path("miners", "study", s.Name)
		words := strings.NewReplacer("{module}", n.module(s), "{solver}", n.solver(s), "{public}", n.public(s), "{study}", study, "{prices}", c.Prices)
		for _, m := range s.Miners {
			name := s.account(m.Name)
			x := miner{Name: name, Hotkey: n.path("miners", name+".key"), NetUID: uint16(s.netuid), Engine: []string{self, "engine"}}
			for _, word := range m.Engine {
				if strings.Contains(word, "{study}") {
					x.Study = study
				}
				x.Engine = append(x.Engine, words.Replace(word))
			}
			c.Miners = append(c.Miners, x)
		}
	}
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return "", err
	}
	file := n.path("miners", "miners.json")
	return file, os.WriteFile(file, b, 0o600)
}
