package command

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/index"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/host/internal/why"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// said runs a command line and returns what it prints.
func said(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

// serveAPI is a chain of one producer with its API.
func serveAPI(t *testing.T) (*solo.Chain, string) {
	t.Helper()
	c := solo.Start(t, solo.Genesis(t), t.TempDir())
	return c, apiOf(t, c)
}

// apiOf serves the API of a chain.
func apiOf(t *testing.T, c *solo.Chain) string {
	t.Helper()
	x, err := index.Open(c.Work, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	a := api.Config{Listen: "127.0.0.1:0", Rate: 10_000, Genesis: c.Gen, Index: x, Version: "test", Network: func() api.Network { return api.Network{Addrs: []string{}} }}
	a.UseNode(c.Node)
	a.Why = why.Sources{}.Explain
	s, err := api.New(a)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- x.Run(ctx, c.Node) }()
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		c.Stop(t)
	})
	return "http://" + s.Addr()
}

func TestStatusAndHistory(t *testing.T) {
	c, url := serveAPI(t)
	bob := key.ID{0xb0}
	_, height := c.Include(t, c.Transfer(0, bob, 5*unit.Coin/2))
	c.Reach(t, height+2)

	out, err := said(t, "status", "--node", url, "--account", bob.String())
	if err != nil || !strings.Contains(out, "up to date") || !strings.Contains(out, "2.5 TAO of "+bob.String()) || !strings.Contains(out, "subnet 1     epoch 0 [") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = said(t, "status", "--node", url, "--json", "--account", bob.String())
	var r statusReport
	if err != nil || json.Unmarshal([]byte(out), &r) != nil || r.Height < height || r.Account.Balance != 25e8 || r.ChainID != "solo" {
		t.Errorf("%v\n%s", err, out)
	}
	solo.Eventually(t, "the history", func() bool {
		out, err = said(t, "history", bob.String(), "--node", url)
		return err != nil || strings.Contains(out, "balance     2.5 TAO (+2.5)")
	})
	if err != nil || strings.Count(out, "\n") != 3 || !strings.Contains(out, "transfer") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err = said(t, "history", bob.String(), "--node", url, "--limit", "1"); err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("limit: %v\n%s", err, out)
	}
	out, err = said(t, "history", solo.Alice.Public().String(), "--node", url, "--csv", "--limit", "0")
	rows, e := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || e != nil || len(rows) != 3 || rows[1][2] != "balance" || !strings.HasPrefix(rows[1][9], "-2.5") || rows[2][3] != "transfer" || rows[2][5] != "ok" {
		t.Errorf("%v, %v\n%s", err, e, out)
	}
	if out, err = said(t, "history", key.ID{9}.String(), "--node", url); err != nil || !strings.Contains(out, "nothing since block 1") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, c := range []struct {
		code int
		args []string
		want string
	}{
		{exitNetwork, []string{"status", "--node", "127.0.0.1:1"}, "is the node running?"},
		{exitUsage, []string{"status", "--node", "ftp://x"}, "http://HOST:PORT"},
		{exitUsage, []string{"history"}, "one address"},
		{exitUsage, []string{"history", "5Grw", "--node", url}, "5Grw"},
		{exitUsage, []string{"history", bob.String(), "--csv", "--json"}, "exclude"},
		{exitUsage, []string{"history", bob.String(), "--limit", "-1"}, "--limit"},
		{exitUsage, []string{"admin", "peers"}, "--home"},
		{exitUsage, []string{"admin", "ban", "--home", t.TempDir()}, "admin ban PEER, got []"},
		{exitNetwork, []string{"admin", "peers", "--home", t.TempDir()}, "is the node running"},
		{exitUsage, []string{"metagraph", "--netuid", "70000"}, `"70000" for "--netuid" flag: value out of range: see`},
	} {
		if out, err := said(t, c.args...); err == nil || exitCode(err) != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v\n%s", c.args, err, out)
		}
	}
}

// What a stranger sent cannot fill the log, in either form, and its level can be
// changed while it is written.
func TestLog(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, format := range []string{"text", "json"} {
		var b bytes.Buffer
		log, level := openLog(&b, config.Log{Level: "warn", Format: format})
		log.Info("not yet")
		log.Warn(long[:100], "peer", long, "err", fmt.Errorf("peer says %s", long), "any", []string{long}, "n", 7)
		if b.Len() > 5*maxLogged || !strings.Contains(b.String(), "10000 bytes") || strings.Contains(b.String(), "not yet") {
			t.Errorf("%s: %d bytes", format, b.Len())
		}
		if format == "json" && !json.Valid(b.Bytes()) {
			t.Errorf("no JSON: %s", b.Bytes())
		}
		level.Set(slog.LevelInfo)
		log.Info("now")
		if !strings.Contains(b.String(), "now") {
			t.Errorf("%s: the level stays", format)
		}
	}
}
