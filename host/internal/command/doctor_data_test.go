package command

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/subnets/dataset"
)

// state is the state of a genesis.
type state map[string][]byte

func (s state) Get(k []byte) ([]byte, error) { return s[string(k)], nil }

// stateWith is that of a network whose subnets 1, 2, … draw from these sets.
func stateWith(t *testing.T, sets ...ledger.DataSet) ledger.View {
	t.Helper()
	p := ledger.DefaultSubnetParams()
	p.Tempo, p.Rounds = 20, []uint16{2}
	hot := keys.Development("hot")
	g := &ledger.Genesis{ChainID: "doctor", Time: 1, Params: ledger.DefaultParams(),
		Producers: []ledger.GenesisProducer{ledger.NewGenesisProducer(hot, hot.Public(), keys.Development("c"), 10*unit.Coin)}}
	for i, d := range sets {
		g.Subnets = append(g.Subnets, ledger.GenesisSubnet{NetUID: ledger.NetUID(i + 1), Lock: 100 * unit.Coin,
			Subnet: ledger.Subnet{Owner: hot.Public(), OwnerHotkey: keys.Development(string(rune('a' + i))).Public(), Started: 1, Params: p, Data: d}})
	}
	ws, err := g.Writes()
	if err != nil {
		t.Fatal(err)
	}
	s := state{}
	for _, w := range ws {
		s[string(w.Key)] = w.Value
	}
	return s
}

func TestDoctorLooksForData(t *testing.T) {
	home := t.TempDir()
	made := func(name string, n int) *dataset.Set {
		t.Helper()
		s, _, err := dataset.Read(strings.NewReader(strings.Repeat(name+"\n", n)), dataset.Source{Format: dataset.Lines})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	seal := func(name string, secret byte) *dataset.Set {
		t.Helper()
		x, err := dataset.Seal(made(name, 40), 20, key.Seed{secret})
		if err != nil {
			t.Fatal(err)
		}
		return x.Set()
	}
	dir := filepath.Join(home, "datasets")
	put := func(s *dataset.Set) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(dir, 0o700), dataset.Save(filepath.Join(dir, dataset.FileName(s.Named().Root)), s.Encode(nil))); err != nil {
			t.Fatal(err)
		}
	}
	here, gone, locked, opened, short := made("here", 3), made("gone", 3), seal("locked", 1), seal("opened", 2), made("short", 6)
	windows := short.Named()
	windows.Window = 3
	for _, s := range []*dataset.Set{here, locked, opened, short} {
		put(s)
	}
	if err := keys.Save(filepath.Join(dir, dataset.SecretName(opened.Named().Root)), key.Seed{2}); err != nil {
		t.Fatal(err)
	}
	v := stateWith(t, here.Named(), gone.Named(), locked.Named(), opened.Named(), windows, ledger.DataSet{})
	c := config.Default()
	c.Home, c.Hotkey = home, "hotkey.key"
	if err := errors.Join(keys.Save(filepath.Join(home, "hotkey.key"), keys.Development("hot")), c.Save()); err != nil {
		t.Fatal(err)
	}
	c.Validate = []ledger.NetUID{1, 2, 3, 4, 5, 6, 7}
	want := []struct{ status, detail, advice string }{
		{fine, "netuid 1: 3 slices in " + dir, ""},
		{warning, "is not here", "ask its peers"},
		{warning, "20 of 20 windows left; the key of the running one is not here", "dataset share"},
		{fine, "40 slices in " + dir + ", 20 of 20 windows left", ""},
		{warning, "2 of 2 windows left", "another set"},
		{fine, "draws from no data", ""},
		{failed, "no such subnet", "subnet ls"},
	}
	all := checkData(&c, v)
	if len(all) != len(want) {
		t.Fatalf("%+v", all)
	}
	for i, w := range want {
		if f := all[i]; f.Check != "data" || f.Status != w.status || !strings.Contains(f.Detail, w.detail) || !strings.Contains(f.Advice, w.advice) {
			t.Errorf("netuid %d: %+v, want %+v", i+1, f, w)
		}
	}
	c.Datasets.Fetch, c.Subnets = false, []config.Subnet{{NetUID: 2, Data: "nowhere"}}
	if f := checkData(&c, v)[1]; f.Status != failed || !strings.Contains(f.Detail, "nowhere") || !strings.Contains(f.Advice, "subnets") {
		t.Errorf("told not to ask peers: %+v", f)
	}
	if f := checkKept(&c); f.Status != fine || !strings.Contains(f.Detail, "16 epochs") || !strings.Contains(f.Detail, "of 4096 MiB") {
		t.Errorf("%+v", f)
	}
	if err := os.MkdirAll(filepath.Join(dir, "fetched"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.Datasets.Quota, c.Evidence.Archive = 10, true
	if err := os.WriteFile(filepath.Join(dir, "fetched", "x.set"), make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := checkKept(&c); f.Status != warning || !strings.Contains(f.Detail, "all epochs") || !strings.Contains(f.Detail, "2.0 MiB") {
		t.Errorf("%+v", f)
	}
}
