package dev

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/plexus-network/plexus/subnets/dataset"
)

// sets are the data of the subnets that have some, by name, as cut from the files
// that the configuration names or from the defaults.
func (n *Network) cut(only []string) (map[string]cutSet, error) {
	out := map[string]cutSet{}
	for name, file := range n.cfg.Files {
		s := find(n.subnets, name)
		if s == nil {
			return nil, fmt.Errorf("%w: %s is for %s, which this network does not have: add it with --subnets", ErrNoFile, file, name)
		}
		if s.Cut == nil {
			return nil, fmt.Errorf("%w: %s for %s", ErrNoFile, file, name)
		}
	}
	for _, s := range n.subnets {
		if s.Cut == nil || only != nil && !slices.Contains(only, s.Name) {
			continue
		}
		d, err := s.Cut(n.cfg.Files[s.Name])
		if err != nil {
			return nil, err
		}
		c := cutSet{public: d.Public}
		if len(d.Hidden) > 0 {
			c.hidden = d.Hidden
			if c.set, err = dataset.New(d.Hidden, d.Slice); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
		}
		out[s.Name] = c
	}
	return out, nil
}

// cutSet is the data of one subnet.
type cutSet struct {
	hidden, public []byte
	set            *dataset.Set // of hidden; nil for none
}

// writeData cuts all data and keeps it: what is hidden where the validators look
// for it, what is public where models do.
func (n *Network) writeData() error {
	all, err := n.cut(nil)
	if err != nil {
		return err
	}
	for _, s := range n.subnets {
		c, ok := all[s.Name]
		if !ok {
			continue
		}
		if c.set != nil {
			s.data = c.set.Named()
		}
		for file, content := range map[string][]byte{n.hidden(s): c.hidden, n.public(s): c.public} {
			if content == nil {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(file, content, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// hidden is where the validators look for a subnet's data: by its root.
func (n *Network) hidden(s *subnet) string {
	return n.path("data", "hidden", fmt.Sprintf("%x.bin", s.data.Root))
}

func (n *Network) public(s *subnet) string { return n.path("data", "public", s.Name) }

// sameData refuses to resume a network with data that it was not made for.
func (n *Network) sameData() error {
	var named []string
	for name := range n.cfg.Files {
		named = append(named, name)
	}
	if len(named) == 0 {
		return nil
	}
	all, err := n.cut(named)
	if err != nil {
		return err
	}
	for i := range n.gen.Subnets {
		g := &n.gen.Subnets[i]
		for _, s := range n.subnets {
			if c, ok := all[s.Name]; ok && s.netuid == g.NetUID && c.set != nil && c.set.Named() != g.Data {
				return fmt.Errorf("%w: it draws the tasks of %s from other data: choose another --keep directory for %s", ErrResumed, s.Name, n.cfg.Files[s.Name])
			}
		}
	}
	return nil
}
