package miners

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/subnets/miner"
)

func TestReadFile(t *testing.T) {
	a, b := key.Seed{1}.Public(), key.Seed{2}.Public()
	whole := `hotkey: alice
join: plexus://x
home: /tmp/alice
listen: [/ip4/0.0.0.0/udp/4500/quic-v1]
metrics: 127.0.0.1:9652
subnets:
  - netuid: 1
    engine: text-mix --train corpus.txt
  - netuid: 4
    engine: [./model, "a word with spaces", 7]
    parallel: 2
    queue: 0
    timeout: 45s
    open: true
    min_stake: 2.5
    allow: [` + a.String() + `]
    deny: [` + b.String() + `]
    quota: 500
`
	want := File{Hotkey: "alice", Join: "plexus://x", Home: "/tmp/alice", Listen: []string{"/ip4/0.0.0.0/udp/4500/quic-v1"}, Metrics: "127.0.0.1:9652",
		Services: []Service{{NetUID: 1, Engine: []string{"text-mix", "--train", "corpus.txt"}},
			{NetUID: 4, Engine: []string{"./model", "a word with spaces", "7"}, Parallel: 2, Queue: -1, Timeout: 45 * time.Second,
				Policy: miner.Policy{Open: true, MinStake: 5 * unit.Coin / 2, Allow: []ledger.Hotkey{a}, Deny: []ledger.Hotkey{b}, Quota: 500}}}}
	file := filepath.Join(t.TempDir(), "miner.yaml")
	for name, c := range map[string]struct {
		text string
		want string // in the error, "" for none
	}{
		"whole":                {whole, ""},
		"empty":                {"", "subnets: none"},
		"not YAML":             {"subnets: [", "yaml"},
		"a list":               {"- 1", "cannot unmarshal"},
		"unknown key":          {"hotkeys: x\n" + whole, `unknown key "hotkeys"`},
		"unknown subnet key":   {"subnets: [{netuid: 1, engine: x, stake: 5}]", `unknown key "stake"`},
		"no netuid":            {"subnets: [{engine: x}]", "netuid 0"},
		"a large netuid":       {"subnets: [{netuid: 65536, engine: x}]", "netuid 65536"},
		"no engine":            {"subnets: [{netuid: 1}]", "engine: name a model"},
		"an empty engine":      {"subnets: [{netuid: 1, engine: ' '}]", "engine: name a model"},
		"a number of an entry": {"subnets: [5]", "entry 1"},
		"no time":              {"subnets: [{netuid: 1, engine: x, timeout: soon}]", `"soon"`},
		"negative time":        {"subnets: [{netuid: 1, engine: x, timeout: -1s}]", `"-1s"`},
		"no amount":            {"subnets: [{netuid: 1, engine: x, min_stake: much}]", `"much"`},
		"no address":           {"subnets: [{netuid: 1, engine: x, deny: [bob]}]", `deny: "bob"`},
		"both lists":           {"subnets: [{netuid: 1, engine: x, deny: [" + a.String() + "], allow: [" + a.String() + "]}]", "on the list"},
		"negative quota":       {"subnets: [{netuid: 1, engine: x, quota: -1}]", "quota -1"},
		"too parallel":         {"subnets: [{netuid: 1, engine: x, parallel: 5000}]", "parallel 5000"},
		"words for a number":   {"subnets: [{netuid: one, engine: x}]", "netuid"},
		"too long":             {strings.Repeat("#\n", maxFile), "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadFile(file)
			if c.want == "" {
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v, want %+v", got, err, want)
				}
				return
			}
			if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not say %q", err, c.want)
			}
		})
	}
	if _, err := ReadFile(file + ".no"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzDecodeFile(f *testing.F) {
	f.Add([]byte("subnets: [{netuid: 1, engine: [a, b], queue: 3}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeFile(b)
		if err != nil {
			return
		}
		for _, s := range c.Services {
			if s.NetUID == 0 || len(s.Engine) == 0 || s.Policy.Validate() != nil || s.Timeout < 0 || s.Policy.Quota < 0 {
				t.Fatalf("taken: %+v", s)
			}
		}
	})
}

func TestParseService(t *testing.T) {
	for text, want := range map[string]Service{
		"1=text-order0":      {NetUID: 1, Engine: []string{"text-order0"}},
		"4=./model  --a=b c": {NetUID: 4, Engine: []string{"./model", "--a=b", "c"}},
		"":                   {}, "1": {}, "1=": {}, "=x": {}, "0=x": {}, "x=x": {}, "65536=x": {}, "-1=x": {},
	} {
		got, err := ParseService(text)
		if (err == nil) != (want.NetUID != 0) || err == nil && !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Command([]string{"text-mix", "--train", "x"}); err != nil || !reflect.DeepEqual(got, []string{self, "engine", "text-mix", "--train", "x"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Command([]string{"./text-mix"}); err != nil || !reflect.DeepEqual(got, []string{"./text-mix"}) {
		t.Errorf("%v, %v", got, err)
	}
}
