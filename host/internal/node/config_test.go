package node

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

func TestConfigIsRead(t *testing.T) {
	c := DefaultConfig()
	c.Home, c.Listen, c.Join, c.BlockTime = t.TempDir(), []string{"/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/1"}, []string{"/dns/a/udp/1/quic-v1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"}, 3*time.Second
	c.Hotkey, c.Consensus, c.Validate, c.Data, c.Cache, c.Workers, c.MaxCall = "h", "c", []ledger.NetUID{1, 7}, "d", "/cache", 3, time.Minute
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	got, err := LoadConfig(c.Home, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, c) {
		t.Errorf("read %+v\nwrote %+v", got, c)
	}
	// The environment is over the file, flags over both.
	t.Setenv("PLEXUS_BLOCK_TIME", "4s")
	t.Setenv("PLEXUS_WORKERS", "5")
	if _, err = LoadConfig(c.Home, map[string]any{"workers": 6}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PLEXUS_LISTEN", "/ip4/127.0.0.1/udp/2/quic-v1, /ip4/127.0.0.1/tcp/2")
	t.Setenv("PLEXUS_VALIDATE", "3,4")
	if got, err = LoadConfig(c.Home, map[string]any{"workers": 6}); err != nil {
		t.Fatal(err)
	}
	if len(got.Listen) != 2 || got.Listen[1] != "/ip4/127.0.0.1/tcp/2" || !reflect.DeepEqual(got.Validate, []ledger.NetUID{3, 4}) {
		t.Errorf("listen %q, validate %v from the environment", got.Listen, got.Validate)
	}
	if got.BlockTime != 4*time.Second || got.Workers != 6 {
		t.Errorf("block time %v, workers %d: want 4s from the environment, 6 from the flag", got.BlockTime, got.Workers)
	}
}

func TestBadConfig(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		over map[string]any
		want []string
	}{
		"unknown key":        {file: "blocktime: 1s", want: []string{"config.yaml", `"blocktime"`, `"block_time"`}},
		"nested unknown key": {file: "chain:\n  listen: x", want: []string{"config.yaml", `"chain.listen"`}},
		"not yaml":           {file: "listen: [", want: []string{"config.yaml"}},
		"a list":             {file: "- listen", want: []string{"config.yaml"}},
		"no unit":            {file: "block_time: 12", want: []string{"block_time", `"12"`, "like 12s"}},
		"negative":           {file: "block_time: -1s", want: []string{"block_time", "-1s"}},
		"zero":               {file: "max_call: 0s", want: []string{"max_call", "0s"}},
		"words":              {file: "max_call: soon", want: []string{"max_call", "soon"}},
		"netuid 0":           {file: "validate: [0]\nhotkey: h", want: []string{"netuid 0", "1..65535"}},
		"netuid 65536":       {file: "validate: [65536]\nhotkey: h", want: []string{"netuid 65536", "1..65535"}},
		"netuid of letters":  {file: "validate: [one]\nhotkey: h", want: []string{"validate", "one"}},
		"no hotkey":          {file: "validate: [1]", want: []string{"hotkey"}},
		"no hotkey to make":  {file: "consensus: c", want: []string{"hotkey"}},
		"no workers":         {file: "workers: 0", want: []string{"workers 0", "1..64"}},
		"workers of letters": {file: "workers: two", want: []string{"workers", "two"}},
		"many workers":       {over: map[string]any{"workers": 65}, want: []string{"workers 65", "1..64"}},
		"nothing to hear":    {file: "listen: []", want: []string{"listen"}},
		"listen is a number": {file: "listen: 4001", want: []string{"listen", "4001"}},
		"listen is a port":   {file: "listen: ['4001']", want: []string{"listen", "4001", "/ip4/"}},
		"join is no peer":    {file: "join: ['/ip4/127.0.0.1/udp/1/quic-v1']", want: []string{"join", "/udp/1/", "/p2p/"}},
		"genesis is a list":  {file: "genesis: [a, b]", want: []string{"genesis"}},
		"no genesis":         {file: "genesis: ''", want: []string{"genesis"}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			if err := os.WriteFile(filepath.Join(home, ConfigFile), []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := LoadConfig(home, c.over)
			if err == nil {
				t.Fatalf("taken as %+v", got)
			}
			wantError(t, err, ErrConfig, c.want...)
		})
	}
}
