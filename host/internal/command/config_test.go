package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
)

func TestConfigShow(t *testing.T) {
	home := t.TempDir()
	t.Setenv(homeEnv, home)
	t.Setenv("PLEXUS_WORKERS", "3")
	if err := os.WriteFile(filepath.Join(home, config.File), []byte("p2p:\n  max_peers: 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, err := run(t, "config", "show", "--origin", "--set", "block_time=2s")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"block_time \"2s\" flag", "workers 3 processes PLEXUS_WORKERS", "p2p.max_peers 9 connections " + filepath.Join(home, config.File), "genesis \"genesis.cbor\" default"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out, _, err = run(t, "config", "show", "--json"); err != nil {
		t.Fatal(err)
	}
	wantSchema(t, "config show", out)
	var all []config.Setting
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != len(config.Keys()) {
		t.Error(len(all), err)
	}
	if out, _, err = run(t, "config", "reference"); err != nil || out != config.Reference() {
		t.Error(err)
	}
}

func TestConfigTypo(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, config.File), []byte("blocktime: 1s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"config", "show", "--home", home}, {"node", "--home", home}} {
		if _, code, err := run(t, args...); code != exitConfig || err == nil || !strings.Contains(err.Error(), `did you mean "block_time"`) {
			t.Errorf("%v: %d, %v", args, code, err)
		}
	}
	for _, c := range []struct {
		set, say string
		code     int
	}{{"x", "KEY=VALUE", exitUsage}, {"worker=1", `did you mean "workers"`, exitConfig}, {"workers=0", "1..64", exitConfig}} {
		if _, code, err := run(t, "config", "show", "--home", t.TempDir(), "--set", c.set); code != c.code || err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("--set %s: %d, %v", c.set, code, err)
		}
	}
}
