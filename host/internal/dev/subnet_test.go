package dev

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/host/internal/scaffold"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/plugins"
)

// TestChoose: netuids are places in the gallery, whatever is left out.
func TestChoose(t *testing.T) {
	all, err := choose(nil)
	if err != nil || len(all) != len(gallery.Subnets()) {
		t.Fatalf("%d subnets, %v", len(all), err)
	}
	last := all[len(all)-1]
	if int(last.netuid) != len(all) || netuids(all)[last.Name] != uint16(len(all)) {
		t.Errorf("%s has netuid %d", last.Name, last.netuid)
	}
	one, err := choose([]string{last.Name})
	if err != nil || len(one) != 1 || one[0].netuid != last.netuid {
		t.Errorf("alone: %v, %v", one, err)
	}
	if _, err := choose([]string{last.Name, "tex"}); !errors.Is(err, ErrNoSubnet) || !strings.Contains(err.Error(), `"tex"`) || !strings.Contains(err.Error(), last.Name) {
		t.Errorf("an unknown one: %v", err)
	}
	// Every account has its own name, over all subnets.
	seen := map[string]bool{}
	for _, s := range all {
		for _, m := range append(s.Miners, gallery.Miner{Name: "owner"}) {
			name := s.account(m.Name)
			if seen[name] {
				t.Errorf("two accounts %s", name)
			}
			seen[name] = true
			if m.Name != "owner" && !IsMiner(hotkeyOf(name).String()) {
				t.Errorf("%s is no miner", name)
			}
		}
	}
	if IsMiner(hotkeyOf(producerName(0)).String()) {
		t.Error("a producer is a miner")
	}
}

// TestStagger: rounds of subnets that begin together are moved apart, stay in
// order, and end before their epoch.
func TestStagger(t *testing.T) {
	for _, c := range []struct {
		rounds   []uint16
		tempo    uint16
		deadline uint32
		at       int
		want     []uint16
	}{
		{[]uint16{2, 6, 10, 14}, 20, 3500, 0, []uint16{2, 6, 10, 14}},
		{[]uint16{2, 6, 10, 14}, 20, 3500, 1, []uint16{3, 7, 11, 15}},
		{[]uint16{2, 6, 10, 14}, 20, 3500, 2, []uint16{2, 6, 10, 14}}, // room for two
		{[]uint16{2, 12}, 30, 3000, 5, []uint16{7, 17}},
		{[]uint16{2, 3}, 30, 3000, 5, []uint16{2, 3}},
		{[]uint16{2}, 8, 5900, 3, []uint16{2}},
		{nil, 8, 5900, 3, nil},
	} {
		if got := stagger(c.rounds, c.tempo, c.deadline, c.at); !slices.Equal(got, c.want) {
			t.Errorf("%v of %d, place %d: %v, want %v", c.rounds, c.tempo, c.at, got, c.want)
		}
	}
	all, _ := choose(nil)
	for i, s := range all {
		p := s.params(i, netuids(all))
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

// TestOwn: what is wrong with a folder that is to be loaded is named.
func TestOwn(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good")
	if _, err := scaffold.New(good, "good", plugins.Go); err != nil {
		t.Fatal(err)
	}
	all, err := load(nil, []string{good})
	if err != nil || len(all) != 1 || all[0].Name != "good" || all[0].netuid != ownFirst || len(all[0].Miners) != 2 {
		t.Fatalf("%+v, %v", all, err)
	}
	if _, err := load(all, []string{good}); !errors.Is(err, ErrOwn) || !strings.Contains(err.Error(), "already") {
		t.Errorf("loaded twice: %v", err)
	}
	for name, c := range map[string]struct {
		file, text string
		want       string
	}{
		"no rounds":      {scaffold.DevFile, `{"tempo": 20, "miners": [{"name": "a", "engine": ["copy"]}]}`, "rounds"},
		"tempo":          {scaffold.DevFile, `{"tempo": 2, "rounds": [1], "miners": [{"name": "a", "engine": ["copy"]}]}`, "tempo"},
		"no miners":      {scaffold.DevFile, `{"tempo": 20, "rounds": [2], "deadline_ms": 3000}`, "miner"},
		"two of a name":  {scaffold.DevFile, `{"tempo": 20, "rounds": [2], "deadline_ms": 3000, "miners": [{"name": "a", "engine": ["copy"]}, {"name": "a", "engine": ["copy"]}]}`, "miner 2"},
		"not JSON":       {scaffold.DevFile, `tempo: 20`, scaffold.DevFile},
		"manifest":       {plugins.ManifestFile, `{}`, plugins.ManifestFile},
		"data is needed": {plugins.ManifestFile, "slices", "data"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "own")
			if _, err := scaffold.New(dir, "own", plugins.Go); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, c.file)
			if c.text == "slices" {
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				c.text = strings.Replace(string(b), "{", `{"slices": 1, "slice": 64,`, 1)
			}
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := readOwn(dir); !errors.Is(err, ErrOwn) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%v, want the folder and %q", err, c.want)
			}
		})
	}
	if _, err := readOwn(t.TempDir()); !errors.Is(err, ErrOwn) || !strings.Contains(err.Error(), "plexus subnet new") {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestHomeFormat: a directory of another format is refused before anything in it
// is read as this one's.
func TestHomeFormat(t *testing.T) {
	dir := t.TempDir()
	n := &Network{cfg: Config{Home: dir}}
	if h, err := n.readHome(); h != nil || err != nil {
		t.Errorf("an empty directory: %+v, %v", h, err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fileGenesis, "of a network without a description")
	for _, c := range [][2]string{{"", "format 1,"}, {`{"Format": 99}`, "format 99"}} { // the first without a description
		text, want := c[0], c[1]
		if text != "" {
			write(fileHome, text)
		}
		if _, err := n.readHome(); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "another directory") {
			t.Errorf("%q: %v", text, err)
		}
	}
	write(fileHome, "{")
	if _, err := n.readHome(); err == nil || !strings.Contains(err.Error(), fileHome) {
		t.Errorf("a damaged description: %v", err)
	}
	// What is written is read, own subnets included, and only the same is resumed.
	text, err := choose([]string{"text"})
	if err != nil {
		t.Fatal(err)
	}
	mine := (&own{Name: "mine", Tempo: 20, Rounds: []uint16{2}, DeadlineMS: 3000, Miners: []ownMiner{{Name: "a", Engine: []string{"copy"}}}}).subnet()
	mine.netuid = 9
	n.subnets = append(text, mine)
	if err := n.writeHome(); err != nil {
		t.Fatal(err)
	}
	h, err := n.readHome()
	if err != nil {
		t.Fatal(err)
	}
	for names, want := range map[string]error{"": nil, "text": ErrResumed, "text,mine": nil, "text,other": ErrResumed} {
		again := &Network{cfg: Config{Home: dir}}
		if names != "" {
			again.cfg.Subnets = strings.Split(names, ",")
		}
		if err := again.resume(h); !errors.Is(err, want) {
			t.Errorf("resumed with %q: %v, want %v", names, err, want)
		}
		if want == nil && (len(again.subnets) != 2 || again.subnets[1].netuid != 9 || again.subnets[1].Miners[0].Engine[0] != "copy") {
			t.Errorf("resumed with %q: %+v", names, again.subnets)
		}
	}
}

// TestFilesOfOthers: a file for a subnet that takes none, or is not run, is an error.
func TestFilesOfOthers(t *testing.T) {
	mine := &subnet{Subnet: gallery.Subnet{Name: "mine"}}
	for _, name := range []string{"mine", "text"} {
		n := &Network{cfg: Config{Home: t.TempDir(), Files: map[string]string{name: "a.txt"}}, subnets: []*subnet{mine}}
		if _, err := n.cut(nil); !errors.Is(err, ErrNoFile) || !strings.Contains(err.Error(), "a.txt") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGenesisOfMany: several subnets, each with its pool, its owner and its data.
func TestGenesisOfMany(t *testing.T) {
	var all []*subnet
	modules := map[string][]byte{}
	for i, name := range []string{"one", "two", "three"} {
		all = append(all, &subnet{netuid: ledger.NetUID(2*i + 1), slices: i == 1, answer: 100, Subnet: gallery.Subnet{Name: name, Tempo: 20,
			Rounds: []uint16{2, 8}, DeadlineMS: 3000, Miners: []gallery.Miner{{Name: "a"}, {Name: "b"}},
			Params: func(ids map[string]uint16) []byte { return []byte{byte(ids["three"])} }}})
		modules[name] = []byte(name)
	}
	all[1].data = ledger.DataSet{Root: [32]byte{1}, Slices: 4, Slice: 64}
	n := &Network{subnets: all}
	g, err := n.genesis(modules)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Subnets) != 3 || g.Subnets[1].NetUID != 3 || !g.Subnets[1].NeedsData || g.Subnets[1].Data.Slices != 4 || g.Subnets[0].NeedsData ||
		g.Subnets[2].Owner == g.Subnets[0].Owner || g.Subnets[0].Module == g.Subnets[1].Module || string(g.Subnets[0].Params.Module) != "\x05" {
		t.Errorf("%+v", g.Subnets)
	}
	writes, err := g.Writes()
	if err != nil || len(writes) == 0 {
		t.Fatalf("%d writes, %v", len(writes), err)
	}
	v := stateOf{}
	for _, w := range writes {
		v[string(w.Key)] = w.Value
	}
	for _, s := range all {
		m, err := ledger.LoadMarket(v, s.netuid)
		if err != nil || m == nil || m.TAO != poolStart {
			t.Errorf("pool of %s: %+v, %v", s.Name, m, err)
		}
	}
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot.Pooled != 3*poolStart || tot.Issued > 1_000_000*unit.Coin {
		t.Errorf("%+v, %v", tot, err)
	}
}

type stateOf map[string][]byte

func (s stateOf) Get(key []byte) ([]byte, error) { return s[string(key)], nil }
