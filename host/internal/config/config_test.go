package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"

	"github.com/plexus-network/plexus/ledger"
)

const somePeer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"

// unusual is a configuration of which no value is the default.
func unusual(home string) Config {
	return Config{Home: home, Genesis: "g", Listen: []string{"/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/1"},
		Join:      []string{"/dns/a/udp/1/quic-v1/p2p/" + somePeer, "plexus://" + strings.Repeat("0f", 32) + "/dns/b/tcp/1/p2p/" + somePeer},
		BlockTime: 3 * time.Second, Hotkey: "h # \"x\": y", Consensus: "c", Validate: []ledger.NetUID{1, 7}, Data: "d", Datasets: Datasets{Fetch: false, Quota: 17, Warn: 18},
		Subnets: []Subnet{{NetUID: 7, Data: "x: \"y\"", Fuel: 5, Memory: 6, Bandwidth: 7}, {NetUID: 3}}, Cache: "/cache", Workers: 3, MaxCall: time.Minute,
		Modules: Modules{Source: []string{"7=chain", "8=own.wasm"}, Allow: []string{strings.Repeat("ab", 32)}, Deny: []string{strings.Repeat("cd", 32)},
			Limits: []string{"all=fuel:5 pages:6"}, Quota: 9, Inline: 10, Rate: 11, Pages: 13, Workers: 14, Total: Total{Rate: 15, Pages: 16}, Referee: 12}, Evidence: Evidence{Keep: 9, Archive: true}, Budget: Budget{Fuel: 21, Memory: 22, Bandwidth: 23},

		Transport: "tcp", TCP: TCP{Listen: "127.0.0.1:1", Peers: []string{strings.Repeat("ab", 20) + "@10.0.0.1:26656"}},
		P2P: P2P{Relay: true, HolePunching: false, MaxPeers: 7, PrefixPeers: 2}, Prune: Prune{Keep: 1000}, Snapshot: Snapshot{Interval: 500, Keep: 3},
		StateSync: StateSync{Enable: true, Trust: "7:" + strings.Repeat("0f", 32)}, API: API{Listen: "127.0.0.1:1", Rate: 1, Body: 4096},
		Metrics: Metrics{Listen: "[::1]:9"}, Admin: Admin{Socket: "a.sock"}, Log: Log{Level: "warn", Format: "json"}}
}

func TestEveryKeyIsRead(t *testing.T) {
	c, def := unusual(t.TempDir()), Default()
	for _, k := range Keys() {
		if k.Name == "signer.listen" { // excludes consensus
			continue
		}
		if reflect.DeepEqual(k.Value(&c), k.Value(&def)) {
			t.Errorf("%s is not covered: give it an unusual value", k.Name)
		}
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	got, err := Load(c.Home, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, c) {
		t.Errorf("read %+v\nwrote %+v", got, c)
	}
	c = Default()
	c.Home, c.Hotkey, c.Signer.Listen = t.TempDir(), "h", "tcp://127.0.0.1:26659"
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	if got, err = Load(c.Home, nil); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("read %+v, %v\nwrote %+v", got, err, c)
	}
}

func TestEveryFieldHasAKey(t *testing.T) {
	var count func(reflect.Type) int
	count = func(r reflect.Type) int {
		n := 0
		for i := range r.NumField() {
			if f := r.Field(i).Type; f.Kind() == reflect.Struct {
				n += count(f)
			} else {
				n++
			}
		}
		return n
	}
	fields := map[any]string{}
	var c Config
	for _, k := range Keys() {
		p := k.field(&c)
		if was, ok := fields[p]; ok {
			t.Errorf("%s and %s share a field", was, k.Name)
		}
		fields[p] = k.Name
	}
	if want := count(reflect.TypeFor[Config]()) - 2; len(fields) != want { // Home and Password are no keys
		t.Errorf("%d keys for %d fields", len(fields), want)
	}
}

func TestDefaultsHold(t *testing.T) {
	c := Default()
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestLayers(t *testing.T) {
	home := t.TempDir()
	write(t, home, FileTOML, "block_time = '3s'\nworkers = 2\n[p2p]\nmax_peers = 5\nprefix_peers = 2\n")
	t.Setenv("PLEXUS_WORKERS", "4")
	t.Setenv("PLEXUS_P2P_PREFIX_PEERS", "3")
	t.Setenv("PLEXUS_P2P_RELAY", "true")
	t.Setenv("PLEXUS_LISTEN", "/ip4/127.0.0.1/udp/2/quic-v1, /ip4/127.0.0.1/tcp/2")
	t.Setenv("PLEXUS_VALIDATE", "3,4")
	t.Setenv("PLEXUS_TEST_SOMETHING", "of another program")
	flags := map[string]any{"workers": 6, "hotkey": "h"}
	c, err := Load(home, flags)
	if err != nil {
		t.Fatal(err)
	}
	if c.BlockTime != 3*time.Second || c.Workers != 6 || c.P2P.MaxPeers != 5 || c.P2P.PrefixPeers != 3 || !c.P2P.Relay ||
		len(c.Listen) != 2 || c.Listen[1] != "/ip4/127.0.0.1/tcp/2" || !reflect.DeepEqual(c.Validate, []ledger.NetUID{3, 4}) {
		t.Errorf("read %+v", c)
	}
	all, err := Settings(home, flags)
	if err != nil {
		t.Fatal(err)
	}
	from := map[string]string{}
	for _, s := range all {
		from[s.Name] = s.Origin
	}
	for name, want := range map[string]string{"genesis": "default", "block_time": filepath.Join(home, FileTOML), "p2p.max_peers": filepath.Join(home, FileTOML),
		"p2p.prefix_peers": "PLEXUS_P2P_PREFIX_PEERS", "listen": "PLEXUS_LISTEN", "workers": "flag"} {
		if from[name] != want {
			t.Errorf("%s comes from %q, want %q", name, from[name], want)
		}
	}
	if len(all) != len(table) {
		t.Errorf("%d settings of %d keys", len(all), len(table))
	}
}

func TestDotsAndNestingAreOne(t *testing.T) {
	for name, c := range map[string]struct{ file, text string }{
		"dots":          {File, "p2p.max_peers: 5\napi.listen: ''\n"},
		"nested":        {File, "p2p:\n  max_peers: 5\napi:\n  listen: ''\n"},
		"both":          {File, "p2p:\n  max_peers: 5\napi.listen: ''\nlog:\n"},
		"empty section": {File, "p2p.max_peers: 5\napi:\n  listen: ''\nprune:\n  # keep: 0\n"},
		"toml":          {FileTOML, "p2p.max_peers = 5\n[api]\nlisten = ''\n"},
		"toml, quoted":  {FileTOML, "'p2p.max_peers' = 5\n[api]\nlisten = ''\n"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			write(t, home, c.file, c.text)
			got, err := Load(home, nil)
			if err != nil || got.P2P.MaxPeers != 5 || got.API.Listen != "" {
				t.Errorf("read %+v, %v", got, err)
			}
		})
	}
}

func TestBadConfig(t *testing.T) {
	for name, c := range map[string]struct {
		file, toml string
		env        [2]string
		flags      map[string]any
		want       []string
	}{
		"unknown key":            {file: "blocktime: 1s", want: []string{File, `"blocktime"`, `"block_time"`}},
		"unknown key in toml":    {toml: "blocktime = '1s'", want: []string{FileTOML, `"blocktime"`, `"block_time"`}},
		"unknown nested key":     {file: "p2p:\n  maxpeers: 1", want: []string{File, `"p2p.maxpeers"`, `"p2p.max_peers"`}},
		"key without section":    {file: "max_peers: 1", want: []string{File, `"max_peers"`, `"p2p.max_peers"`}},
		"unknown section":        {file: "chain:\n  listen: x", want: []string{File, `"chain.listen"`}},
		"section as a text":      {file: "api: on", want: []string{File, "api is a section"}},
		"key as a section":       {file: "genesis:\n  file: x", want: []string{File, `"genesis.file"`, `"genesis"`}},
		"unknown flag":           {flags: map[string]any{"worker": 1}, want: []string{"flag", `"worker"`, `"workers"`}},
		"slip in environment":    {env: [2]string{"PLEXUS_BLOCKTIME", "1s"}, want: []string{"environment", `"PLEXUS_BLOCKTIME"`, `"PLEXUS_BLOCK_TIME"`}},
		"bad value in env":       {env: [2]string{"PLEXUS_WORKERS", "many"}, want: []string{"PLEXUS_WORKERS", "workers many"}},
		"not yaml":               {file: "listen: [", want: []string{File}},
		"not toml":               {toml: "listen = [", want: []string{FileTOML}},
		"a list":                 {file: "- listen", want: []string{File}},
		"twice":                  {file: "p2p.relay: true\np2p:\n  relay: false", want: []string{File, "p2p.relay", "twice"}},
		"two files":              {file: "workers: 1", toml: "workers = 1", want: []string{File, FileTOML, "remove one"}},
		"too large":              {file: "# " + strings.Repeat("x", maxFile), want: []string{File, "at most"}},
		"no unit":                {file: "block_time: 12", want: []string{"block_time", `"12"`, "like 12s", File}},
		"negative":               {file: "block_time: -1s", want: []string{"block_time", "-1s"}},
		"zero":                   {file: "max_call: 0s", want: []string{"max_call", "0s"}},
		"words":                  {file: "max_call: soon", want: []string{"max_call", "soon"}},
		"netuid 0":               {file: "validate: [0]\nhotkey: h", want: []string{"netuid 0", "1..65535"}},
		"netuid 65536":           {file: "validate: [65536]\nhotkey: h", want: []string{"netuid 65536", "1..65535"}},
		"netuid of letters":      {file: "validate: [one]\nhotkey: h", want: []string{"validate", "one"}},
		"no hotkey":              {file: "validate: [1]", want: []string{"hotkey"}},
		"no hotkey for subnets":  {file: "subnets: [{netuid: 1}]", want: []string{"hotkey"}},
		"subnets as a text":      {file: "subnets: all", want: []string{"subnets", "all", "[{netuid: 1"}},
		"subnets as a section":   {file: "subnets:\n  netuid: 1", want: []string{File, `"subnets.netuid"`, `"subnets"`}},
		"subnet as a number":     {file: "subnets: [1]", want: []string{"entry 1", "{netuid: 1"}},
		"subnet without netuid":  {file: "subnets: [{netuid: 2}, {data: x}]", want: []string{"entry 2", "netuid is needed"}},
		"subnet 0":               {file: "subnets: [{netuid: 0}]", want: []string{"netuid 0", "1..65535"}},
		"subnet twice":           {file: "hotkey: h\nsubnets: [{netuid: 2}, {netuid: 2, fuel: 1}]", want: []string{"netuid 2", "twice"}},
		"subnet with a slip":     {file: "subnets: [{netuid: 2, dat: x}]", want: []string{`"dat"`, `"data"`}},
		"subnet's data a number": {file: "subnets: [{netuid: 2, data: 3}]", want: []string{"data 3", "text"}},
		"subnet's fuel too much": {file: "subnets: [{netuid: 2, fuel: 9e18}]", want: []string{"fuel", "fuel/s"}},
		"subnet's memory below":  {toml: "[[subnets]]\nnetuid = 2\nmemory = -1", want: []string{"memory -1", "bytes"}},
		"subnets in env":         {env: [2]string{"PLEXUS_SUBNETS", "[{netuid: 2"}, want: []string{"PLEXUS_SUBNETS", "[{netuid: 1"}},
		"no hotkey to make":      {file: "consensus: c", want: []string{"hotkey"}},
		"no hotkey to sign":      {file: "signer.listen: unix://x", want: []string{"hotkey"}},
		"key in two places":      {file: "hotkey: h\nconsensus: c\nsigner.listen: unix://x", want: []string{"signer.listen", "consensus"}},
		"signer without scheme":  {file: "hotkey: h\nsigner.listen: 127.0.0.1:1", want: []string{"signer.listen", "tcp://"}},
		"no workers":             {file: "workers: 0", want: []string{"workers 0", "1..64"}},
		"workers of letters":     {file: "workers: two", want: []string{"workers", "two"}},
		"workers in part":        {file: "workers: 1.5", want: []string{"workers", "1.5"}},
		"many workers":           {flags: map[string]any{"workers": 65}, want: []string{"workers 65", "1..64"}},
		"below zero":             {file: "prune.keep: -1", want: []string{"prune.keep -1", "0..3200000000 blocks"}},
		"small body":             {file: "api.body: 1", want: []string{"api.body 1", "bytes"}},
		"perhaps":                {file: "p2p.relay: perhaps", want: []string{"p2p.relay", "true or false"}},
		"other transport":        {file: "transport: udp", want: []string{"transport", `"udp"`, "libp2p or tcp"}},
		"other level":            {file: "log.level: loud", want: []string{"log.level", "debug or info or warn or error"}},
		"nothing to hear":        {file: "listen: []", want: []string{"listen"}},
		"listen is a number":     {file: "listen: 4001", want: []string{"listen", "4001"}},
		"listen is a port":       {file: "listen: ['4001']", want: []string{"listen", "4001", "/ip4/"}},
		"join is no peer":        {file: "join: ['/ip4/127.0.0.1/udp/1/quic-v1']", want: []string{"join", "/udp/1/", "/p2p/"}},
		"join of another kind":   {file: "join: ['plexus://zz/x']", want: []string{"join", "plexus://"}},
		"api without port":       {file: "api.listen: 127.0.0.1", want: []string{"api.listen", "HOST:PORT"}},
		"api on a named port":    {file: "api.listen: 127.0.0.1:http", want: []string{"api.listen", "HOST:PORT"}},
		"peer without id":        {file: "tcp.peers: ['10.0.0.1:26656']", want: []string{"tcp.peers", "ID@HOST:PORT"}},
		"trust without a height": {file: "statesync.trust: " + strings.Repeat("0f", 32), want: []string{"statesync.trust", "HEIGHT:HASH"}},
		"genesis is a list":      {file: "genesis: [a, b]", want: []string{"genesis"}},
		"genesis is nothing":     {file: "genesis:", want: []string{"genesis"}},
		"no genesis":             {file: "genesis: ''", want: []string{"genesis"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if c.file != "" {
				write(t, home, File, c.file)
			}
			if c.toml != "" {
				write(t, home, FileTOML, c.toml)
			}
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			got, err := Load(home, c.flags)
			if err == nil {
				t.Fatalf("taken as %+v", got)
			}
			if !errors.Is(err, ErrConfig) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not name %q", err, w)
				}
			}
		})
	}
}

func TestJoinAddrs(t *testing.T) {
	own, other := [32]byte{1}, [32]byte{2}
	direct := "/dns/a/tcp/1/p2p/" + somePeer
	c := Config{Join: []string{direct, "plexus://01" + strings.Repeat("00", 31) + "/dns/b/tcp/1/p2p/" + somePeer + ",/dns/c/tcp/1/p2p/" + somePeer}}
	got, err := c.JoinAddrs(own)
	if err != nil || len(got) != 3 || got[0] != direct || !strings.HasPrefix(got[2], "/dns/c/") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := c.JoinAddrs(other); !errors.Is(err, ErrOtherNetwork) || !strings.Contains(err.Error(), "plexus init") {
		t.Errorf("a join string of another network: %v", err)
	}
}

func TestReference(t *testing.T) {
	want := Reference()
	got, err := os.ReadFile("REFERENCE.md")
	if err != nil || string(got) != want {
		t.Errorf("REFERENCE.md is not what the table says (%v): run go run ./host/cmd/plexus config reference > host/internal/config/REFERENCE.md", err)
	}
	for _, k := range Keys() {
		if !strings.HasSuffix(k.Meaning, ".") || strings.Contains(k.Meaning, "|") {
			t.Errorf("%s: meaning %q", k.Name, k.Meaning)
		}
	}
}

// FuzzFile gives foreign files to the decoder: whatever is taken is read the same
// once it was saved.
func FuzzFile(f *testing.F) {
	f.Add([]byte("p2p:\n  max_peers: 5\nlisten: [/ip4/127.0.0.1/tcp/1]"), false)
	f.Add([]byte("block_time = '3s'\n[api]\nbody = 4096"), true)
	f.Add([]byte("a: &a [*a]"), false)
	c := unusual("")
	f.Add(c.encode(), false)
	f.Fuzz(func(t *testing.T, b []byte, asTOML bool) {
		parse := yaml.Parser().Unmarshal
		if asTOML {
			parse = toml.Parser().Unmarshal
		}
		if len(b) > maxFile {
			return
		}
		values, err := decode(b, parse)
		if err != nil {
			return
		}
		c := Default()
		for name, v := range values {
			k := find(name)
			if k == nil || k.set(&c, v) != nil {
				return
			}
		}
		if c.Check() != nil {
			return
		}
		again, err := decode(c.encode(), yaml.Parser().Unmarshal)
		if err != nil {
			t.Fatalf("a configuration that was taken does not decode once saved: %v\n%s", err, c.encode())
		}
		got := Default()
		for name, v := range again {
			if err := find(name).set(&got, v); err != nil {
				t.Fatal(err)
			}
		}
		for _, k := range Keys() {
			if !reflect.DeepEqual(k.Value(&got), k.Value(&c)) {
				t.Fatalf("%s: %v became %v", k.Name, k.Value(&c), k.Value(&got))
			}
		}
	})
}

func write(t *testing.T, home, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
