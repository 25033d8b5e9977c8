package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/plexus-network/plexus/ledger"
)

// homeFormat is the number of the form of a network's directory: of its files, and
// of everything that its processes keep in it. Raise it with any change that a
// network made before could not go on with.
const homeFormat = 2

// Errors of a directory that is there already.
var (
	ErrResumed = errors.New("the network in this directory is another one")
	ErrFormat  = errors.New("the directory was made by another version of plexus")
	ErrForeign = errors.New("the directory has files that are no development network's")
)

// home is what a network's directory says of itself, a JSON file.
type home struct {
	Format  int
	Subnets []homeSubnet
}

type homeSubnet struct {
	Name   string
	NetUID ledger.NetUID
	Miners []string
	Own    *own `json:",omitempty"` // of a subnet that is not the gallery's
}

// foreign refuses a directory that is somebody else's, before anything is written
// there. What was left by one who was interrupted while making a network is none.
func foreign(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := []string{fileLock, fileGenesis, fileHome, "data", "log", "miners", "modules"}
	for i := range producers {
		ours = append(ours, producerName(i))
	}
	other := ""
	for _, e := range entries {
		if e.Name() == fileHome {
			return nil
		}
		if !slices.Contains(ours, e.Name()) && !strings.HasPrefix(e.Name(), temporary) {
			other = e.Name()
		}
	}
	if other == "" {
		return nil
	}
	return fmt.Errorf("%w: %s has %s: choose a new directory, or an empty one", ErrForeign, dir, other)
}

// readHome reads the description of the network in the directory; nil when there
// is no network yet.
func (n *Network) readHome() (*home, error) {
	if _, err := os.Stat(n.path(fileGenesis)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	other := func(made string) error {
		return fmt.Errorf("%w: %s has format %s, this version format %d: choose another directory, or delete this one", ErrFormat, n.cfg.Home, made, homeFormat)
	}
	f, err := os.Open(n.path(fileHome))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, other("1")
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var h home
	if err := json.NewDecoder(io.LimitReader(f, 1<<20)).Decode(&h); err != nil {
		return nil, fmt.Errorf("%s: %w: choose another directory, or delete this one", n.path(fileHome), err)
	}
	if h.Format != homeFormat {
		return nil, other(fmt.Sprint(h.Format))
	}
	return &h, nil
}

// writeHome says what the directory holds.
func (n *Network) writeHome() error {
	h := home{Format: homeFormat}
	for _, s := range n.subnets {
		e := homeSubnet{Name: s.Name, NetUID: s.netuid, Own: s.own}
		for _, m := range s.Miners {
			e.Miners = append(e.Miners, m.Name)
		}
		h.Subnets = append(h.Subnets, e)
	}
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(n.path(fileHome), append(b, '\n'), 0o600)
}

// resume takes the subnets of the directory's network, and refuses what was asked
// for when it is another one.
func (n *Network) resume(h *home) error {
	var names, examples []string
	for _, s := range h.Subnets {
		names = append(names, s.Name)
		if s.Own == nil {
			examples = append(examples, s.Name)
		}
	}
	all, err := choose(examples)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrFormat, n.cfg.Home, err)
	}
	if len(examples) == 0 {
		all = nil
	}
	for _, s := range h.Subnets {
		if s.Own != nil {
			one := s.Own.subnet()
			one.netuid = s.NetUID
			all = append(all, one)
		}
	}
	for i, s := range all {
		var miners []string
		for _, m := range s.Miners {
			miners = append(miners, m.Name)
		}
		if s.netuid != h.Subnets[i].NetUID || !slices.Equal(miners, h.Subnets[i].Miners) {
			return fmt.Errorf("%w: %s: subnet %s has another netuid or other miners now: choose another directory, or delete this one", ErrFormat, n.cfg.Home, s.Name)
		}
	}
	for _, name := range n.cfg.Subnets {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%w: %s has the subnets %v and not %s: choose another --keep directory", ErrResumed, n.cfg.Home, names, name)
		}
	}
	if len(n.cfg.Subnets) > 0 && len(n.cfg.Subnets) < len(names) {
		return fmt.Errorf("%w: %s has the subnets %v: choose another --keep directory for fewer", ErrResumed, n.cfg.Home, names)
	}
	if len(n.cfg.Load) > 0 {
		return fmt.Errorf("%w: %s is made already, and --load is for a new one: choose another --keep directory", ErrResumed, n.cfg.Home)
	}
	n.subnets = all
	return nil
}
