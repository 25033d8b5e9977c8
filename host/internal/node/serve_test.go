package node

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// A whole node with its API, figures and socket; then operated until it stops.
func TestServedAndOperated(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the socket's mode is another matter there")
	}
	g := testGenesis(t, "served")
	home := newHome(t, g)
	c, err := config.Load(home, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "adm") // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c.API.Listen, c.Admin.Socket, c.API.Rate = "127.0.0.1:0", filepath.Join(dir, "s"), 1000
	n, err := openConfig(t, c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var level slog.LevelVar
	fresh := c
	n.Control(Control{Level: &level, Config: func() (config.Config, error) { return fresh, nil }})
	done := make(chan error, 1)
	go func() { done <- n.Run(context.Background()) }()

	client, err := api.NewClient(n.API())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		st, err := client.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if st.History.Last >= 3 && st.Network != nil && st.ChainID == "served" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	resp, err := http.Get(n.API() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, want := range []string{"plexus_height", "cometbft_consensus_height", "libp2p_", `plexus_api_requests_total{route="/v1/node/status",status="200"}`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s among the figures", want)
		}
	}

	ask := func(r admin.Request) (*admin.Answer, error) { return admin.Ask(ctx, c.Admin.Socket, r) }
	raw := ledger.Sign(key.Seed{7}, "served", 0, 1000, &ledger.Transfer{To: key.ID{1}, Amount: 1})
	if _, err := n.chain.Submit(raw); err == nil {
		t.Error("a transfer without a balance was taken")
	}
	if a, err := ask(admin.Request{Do: "mempool"}); err != nil || a.Text != "0 wait" {
		t.Errorf("mempool: %+v, %v", a, err)
	}
	const stranger = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
	if a, err := ask(admin.Request{Do: "ban", Peer: stranger, For: time.Hour}); err != nil || !strings.Contains(a.Text, "banned until") {
		t.Errorf("ban: %+v, %v", a, err)
	}
	again, err := newBans(n.net.Libp2p(), n.work) // as after a restart
	if err != nil || len(again.list()) != 1 {
		t.Errorf("bans kept: %v, %v", again, err)
	}
	again.close()
	if a, err := ask(admin.Request{Do: "peers"}); err != nil || len(a.Peers) != 1 || a.Peers[0].ID != stranger || a.Peers[0].Banned == nil {
		t.Errorf("peers: %+v, %v", a, err)
	}
	if a, err := ask(admin.Request{Do: "unban", Peer: stranger}); err != nil || !strings.Contains(a.Text, "again") {
		t.Errorf("unban: %+v, %v", a, err)
	}
	for _, bad := range []admin.Request{{Do: "ban", Peer: "x"}, {Do: "ban", Peer: stranger, For: 1}, {Do: "log-level", Level: "loud"}, {Do: "dance"}} {
		if a, err := ask(bad); err == nil {
			t.Errorf("%+v: %+v", bad, a)
		}
	}
	fresh.Log.Level, fresh.API.Rate, fresh.BlockTime = "debug", 77, time.Minute
	a, err := ask(admin.Request{Do: "reload"})
	if err != nil || level.Level() != slog.LevelDebug || !strings.Contains(a.Text, "api.rate 1000 -> 77") || !strings.Contains(a.Text, "restart: block_time") {
		t.Errorf("reload: %+v, %v", a, err)
	}
	fresh.Evidence.Keep, fresh.Datasets.Quota = 99, 12345
	if a, err := ask(admin.Request{Do: "reload"}); err != nil || !strings.Contains(a.Text, "evidence.keep") || !strings.Contains(a.Text, "datasets.quota") {
		t.Errorf("reload: %+v, %v", a, err)
	}
	a, err = ask(admin.Request{Do: "settings"})
	if err != nil || len(a.Settings) != len(config.Keys()) || a.Text == "" {
		t.Errorf("settings: %+v, %v", a, err)
	}
	for _, s := range a.Settings {
		want := map[string]any{"evidence.keep": 99.0, "datasets.quota": 12345.0, "api.rate": 77.0, "block_time": c.BlockTime.String()}[s.Name]
		if want != nil && s.Value != want {
			t.Errorf("%s runs as %v, want %v", s.Name, s.Value, want)
		}
	}
	if a, err := ask(admin.Request{Do: "reindex"}); err != nil || a.Text == "" {
		t.Errorf("reindex: %+v, %v", a, err)
	}
	if _, err := ask(admin.Request{Do: "shutdown"}); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("it does not stop")
	}
}

// Two banned hosts cannot connect, in either direction.
func TestBansHold(t *testing.T) {
	n, err := open(t, newHome(t, testGenesis(t, "bans")))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	m, err := open(t, newHomeWith(t, testGenesis(t, "bans-other"), "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Join(t.Context(), n.Addrs()...); err != nil {
		t.Fatal(err)
	}
	if _, err := n.served.bans.ban(m.net.ID(), time.Hour); err != nil {
		t.Fatal(err)
	}
	gone := func() bool { return len(n.net.Libp2p().Network().ConnsToPeer(m.net.ID())) == 0 }
	wait := func(what string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !gone(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what)
			}
		}
	}
	wait("the connection stays")
	m.Join(t.Context(), n.Addrs()...) // may seem to work for a moment
	wait("it came back")
}
