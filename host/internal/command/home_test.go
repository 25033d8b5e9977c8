package command

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/solo"
	"github.com/plexus-network/plexus/ledger"
)

// lines collects what a command prints while it runs.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freePort is a port that was free a moment ago, with the next one free too.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// one makes a network of one operator and returns its home.
func one(t *testing.T) (home string, out initialised) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	dir := t.TempDir()
	printed := mustRun(t, "init", "--network", "1", "--home", dir, "--port", freePort(t), "--no-password", "--json", "--set", "block_time=250ms", "--set", "api.listen=", "--set", "admin.socket=")
	wantSchema(t, "init", printed)
	if err := json.Unmarshal([]byte(printed), &out); err != nil || len(out.Homes) != 1 {
		t.Fatal(printed, err)
	}
	return out.Homes[0], out
}

// TestHome makes a network, runs its node, and does what can go wrong with a
// home.
func TestHome(t *testing.T) {
	home, made := one(t)
	for _, name := range []string{hotkeyFile, consensusFile, config.File, "../coldkeys/operator1.key"} {
		if info, err := os.Stat(filepath.Join(home, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, code, err := run(t, "init", "--home", home, "--genesis", filepath.Join(home, genesisFile)); code != 1 || !strings.Contains(err.Error(), "has a node already") {
		t.Error(code, err)
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, done := &lines{}, make(chan error, 1)
	root := newRoot()
	root.SetOut(out)
	root.SetErr(&lines{})
	root.SetArgs([]string{"start", "--home", home, "--set", "log.level=error"})
	go func() { done <- root.ExecuteContext(ctx) }()
	solo.Eventually(t, "a block", func() bool { return strings.Contains(out.String(), "block 4") })

	// A second node on the home, while the first goes on.
	if _, code, err := run(t, "start", "--home", home); code != exitLocked {
		t.Error("a second node on one home:", code, err)
	}
	// Another home of the network, made by the join string, with the same port.
	other := filepath.Join(t.TempDir(), "other")
	mustRun(t, "init", "--home", other, "--join", made.Join, "--hotkey", "--no-password", "--set", "api.listen=", "--set", "admin.socket=")
	cfg, err := config.Load(home, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, code, err := run(t, "start", "--home", other, "--set", "listen="+cfg.Listen[0]); code != exitInUse || !strings.Contains(err.Error(), cfg.Listen[0]) {
		t.Error("a port in use:", code, err)
	}
	// A join string of another network.
	bad := strings.Replace(made.Join, made.Genesis[:6], "000000", 1)
	if _, code, err := run(t, "start", "--home", other, "--set", "join="+bad); code != exitConfig || !strings.Contains(err.Error(), "another network") {
		t.Error("a join string of another network:", code, err)
	}
	printed, _, err := run(t, "doctor", "--home", other, "--json")
	if err != nil {
		t.Error(printed, err)
	}
	wantSchema(t, "doctor", printed)
	var all []finding
	if err := json.Unmarshal([]byte(printed), &all); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, f := range all {
		seen[f.Check] = f.Status
	}
	for _, check := range []string{"config", "genesis", "keys", "ports", "peers", "clock", "kept"} {
		if seen[check] != fine {
			t.Errorf("%s: %s", check, seen[check])
		}
	}
	stop()
	if err := <-done; err != nil || !strings.Contains(out.String(), "stopped in order") {
		t.Error(err, out)
	}

	// The genesis of another network in the home of this one.
	_, foreign := one(t)
	b, err := os.ReadFile(filepath.Join(foreign.Home, genesisFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, genesisFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, code, err := run(t, "start", "--home", home); code != exitConfig || !strings.Contains(err.Error(), "genesis") {
		t.Error("another genesis:", code, err)
	}
	if err := os.Remove(filepath.Join(home, genesisFile)); err != nil {
		t.Fatal(err)
	}
	if _, code, err := run(t, "start", "--home", home); code != exitConfig || !strings.Contains(err.Error(), "plexus init") {
		t.Error("no genesis:", code, err)
	}
}

func TestNetworkOfHosts(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(passwordEnv, "pw")
	out := mustRun(t, "init", "--network", "3", "--home", dir, "--chain-id", "ours", "--host", "a.example", "--host", "10.0.0.2", "--host", "2001:db8::3", "--set", "prune.keep=1000")
	if !strings.Contains(out, "plexus://") {
		t.Error(out)
	}
	gen, err := os.ReadFile(filepath.Join(dir, genesisFile))
	if err != nil {
		t.Fatal(err)
	}
	g, err := ledger.DecodeGenesis(gen)
	if err != nil || g.ChainID != "ours" || len(g.Producers) != 3 {
		t.Fatal(err)
	}
	c, err := config.Load(filepath.Join(dir, "operator1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Join) != 2 || !strings.HasPrefix(c.Join[0], "/ip4/10.0.0.2/udp/4001/quic-v1/p2p/") || !strings.HasPrefix(c.Join[1], "/ip6/2001:db8::3/") ||
		!strings.HasPrefix(c.Listen[0], "/ip4/0.0.0.0/") || c.API.Listen != "127.0.0.1:9650" || c.Prune.Keep != 1000 || !c.P2P.Relay {
		t.Errorf("%+v", c)
	}
	var rows []keyRow
	if err := json.Unmarshal([]byte(mustRun(t, "key", "list", "--keys", filepath.Join(dir, "coldkeys"), "--json")), &rows); err != nil || len(rows) != 3 || !rows[0].Encrypted {
		t.Errorf("%+v, %v", rows, err)
	}
	for _, args := range []string{"--network 101", "--network 2 --host a", "--network 1 --port 70000", "--network 1 --stake x", "--network 1 --genesis f", ""} {
		if _, code, err := run(t, append([]string{"init", "--home", t.TempDir()}, strings.Fields(args)...)...); code != exitUsage {
			t.Errorf("%s: %d, %v", args, code, err)
		}
	}
	if _, code, err := run(t, "init", "--home", t.TempDir(), "--network", "1", "--set", "blocktime=1s"); code != exitConfig || !strings.Contains(err.Error(), "block_time") {
		t.Error(code, err)
	}
}

func TestProgress(t *testing.T) {
	now := time.UnixMilli(1_000_000_000)
	p := &following{blockTime: time.Second, now: func() time.Time { return now }}
	at := func(behind time.Duration) int64 { return now.Add(-behind).UnixMilli() }
	for _, c := range []struct {
		e       event.Event
		want    string
		passing bool
	}{
		{event.Event{Kind: "block", Height: 7, Time: at(100 * time.Second), Entries: 1}, "syncing block 7 of about 106, 1m40s behind", true},
		{event.Event{Kind: "block", Height: 8, Time: at(99 * time.Second), Entries: 1}, "", false}, // within the same second
		{event.Event{Kind: "block", Height: 106, Time: at(time.Second), Entries: 1}, "block 106, 0 transactions", true},
		{event.Event{Kind: "block", Height: 107, Time: at(0), Entries: 2}, "block 107, 1 transaction", true},
		{event.Event{Kind: "stopped"}, "stopped in order", false},
		{event.Event{Kind: "paid"}, "", false},
	} {
		if got, passing := p.line(c.e); got != c.want || passing != c.passing {
			t.Errorf("%+v: %q, %v", c.e, got, passing)
		}
	}
}

func TestDoctorFinds(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	if out, code, err := run(t, "doctor", "--home", t.TempDir()); code != 1 || !strings.Contains(out, "plexus init") {
		t.Error(out, code, err)
	}
	if out, code, err := run(t, "doctor", "--home", t.TempDir(), "--set", "workers=0"); code != 1 || !strings.Contains(out, "1..64") {
		t.Error(out, code, err)
	}
	home, _ := one(t)
	os.Chmod(filepath.Join(home, hotkeyFile), 0o644)
	if out, code, err := run(t, "doctor", "--home", home); code != 1 || !strings.Contains(out, "chmod 600") {
		t.Error(out, code, err)
	}
	now := time.Now()
	for off, want := range map[time.Duration]string{0: fine, time.Second: fine, -5 * time.Second: failed, time.Hour: warning} {
		if f := checkClock(7, now.Add(-off), now, 12*time.Second); f.Status != want {
			t.Errorf("%s: %+v", off, f)
		}
	}
}

func TestVersion(t *testing.T) {
	if out := mustRun(t, "version"); !strings.HasPrefix(out, "plexus ") || strings.Count(out, "\n") != 1 {
		t.Error(out)
	}
	wantSchema(t, "version", mustRun(t, "version", "--json"))
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := mustRun(t, "completion", shell); !strings.Contains(out, "plexus") {
			t.Errorf("no completion for %s", shell)
		}
	}
}
