package dev

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/host/internal/scaffold"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
)

// ErrOwn is returned for a subnet's folder that a network cannot run.
var ErrOwn = errors.New("this subnet cannot be run")

// own is a subnet of somebody's own, as dev.json describes it.
type own struct {
	Name       string     `json:"name,omitempty"` // of the manifest; only in a network's description
	Tempo      uint16     `json:"tempo"`
	Rounds     []uint16   `json:"rounds"`
	DeadlineMS uint32     `json:"deadline_ms"`
	Params     string     `json:"params,omitempty"` // of the module, as it stands there
	Data       string     `json:"data,omitempty"`   // file that is cut into the manifest's slices
	Public     string     `json:"public,omitempty"` // file that models may learn from, for {public}
	Miners     []ownMiner `json:"miners"`
}

type ownMiner struct {
	Name   string   `json:"name"`
	Say    string   `json:"say,omitempty"`
	Engine []string `json:"engine"`
}

// readOwn reads a folder with a subnet's sources.
func readOwn(dir string) (*subnet, error) {
	fail := func(err error) (*subnet, error) { return nil, fmt.Errorf("%w: %s: %w", ErrOwn, dir, err) }
	text, err := os.ReadFile(filepath.Join(dir, plugins.ManifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fail(fmt.Errorf("no %s: begin a subnet with 'plexus subnet new NAME'", plugins.ManifestFile))
	}
	if err != nil {
		return fail(err)
	}
	manifest, err := plugins.ParseManifest(text)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", plugins.ManifestFile, err))
	}
	o, err := readOwnFile(filepath.Join(dir, scaffold.DevFile))
	if err != nil {
		return fail(err)
	}
	o.Name = manifest.Name
	for _, f := range []*string{&o.Data, &o.Public} { // beside the sources
		if *f != "" && !filepath.IsAbs(*f) {
			*f = filepath.Join(dir, *f)
		}
	}
	if manifest.Slices > 0 && o.Data == "" {
		return fail(fmt.Errorf("its tasks draw slices of data: name a file as \"data\" in %s", scaffold.DevFile))
	}
	s := o.subnet()
	s.dir = dir
	if o.Data != "" {
		s.Cut = func(string) (gallery.Data, error) { return o.cut(int(manifest.Slice)) }
	}
	return s, nil
}

func readOwnFile(name string) (*own, error) {
	text := []byte(scaffold.DevText)
	f, err := os.Open(name)
	switch {
	case err == nil:
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, 1<<20)); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	var o own
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, fmt.Errorf("%s: %w", scaffold.DevFile, err)
	}
	p := o.subnet().params(0, nil)
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", scaffold.DevFile, err)
	}
	seen := map[string]bool{}
	for i, m := range o.Miners {
		if m.Name == "" || seen[m.Name] || len(m.Engine) == 0 {
			return nil, fmt.Errorf("%s: miner %d needs a name of its own and an engine", scaffold.DevFile, i+1)
		}
		seen[m.Name] = true
	}
	if len(o.Miners) == 0 {
		return nil, fmt.Errorf("%s: no miners: at least one", scaffold.DevFile)
	}
	return &o, nil
}

// cut reads the data that the subnet draws its tasks from.
func (o *own) cut(slice int) (d gallery.Data, err error) {
	d.Slice = slice
	if d.Hidden, err = os.ReadFile(o.Data); err == nil && o.Public != "" {
		d.Public, err = os.ReadFile(o.Public)
	}
	return d, err
}

// subnet is the description in the gallery's form.
func (o *own) subnet() *subnet {
	s := &subnet{own: o, Subnet: gallery.Subnet{Name: o.Name, Say: "loaded from a folder", Tempo: o.Tempo, Rounds: o.Rounds, DeadlineMS: o.DeadlineMS}}
	if o.Params != "" {
		s.Params = func(map[string]uint16) []byte { return []byte(o.Params) }
	}
	for _, m := range o.Miners {
		s.Miners = append(s.Miners, gallery.Miner{Name: m.Name, Say: m.Say, Engine: m.Engine})
	}
	return s
}

// ownFirst is the netuid of the first subnet of one's own, whatever the gallery
// grows to.
const ownFirst = 101

// load adds subnets of one's own.
func load(all []*subnet, dirs []string) ([]*subnet, error) {
	next := ledger.NetUID(ownFirst)
	for _, dir := range dirs {
		s, err := readOwn(dir)
		if err != nil {
			return nil, err
		}
		if find(all, s.Name) != nil {
			return nil, fmt.Errorf("%w: %s: there is a subnet %s already: change its name in %s", ErrOwn, dir, s.Name, plugins.ManifestFile)
		}
		s.netuid = next
		next++
		all = append(all, s)
	}
	return all, nil
}
