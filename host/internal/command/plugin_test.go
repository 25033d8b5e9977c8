package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// TestPlugin goes through a store as an operator does.
func TestPlugin(t *testing.T) {
	home := t.TempDir()
	if _, code, err := run(t, "plugin", "ls", "--home", home); code != 64 || !strings.Contains(err.Error(), "--home") {
		t.Errorf("no store: %d %v", code, err)
	}
	store, err := plugins.OpenStore(filepath.Join(home, "modules"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, v := range []string{"1", "2"} {
		b, err := plugins.AppendManifest([]byte("\x00asm\x01\x00\x00\x00"), abi.Manifest{Name: "demo", Version: v, Meter: plugins.MeterVersion,
			Ops: []abi.Op{abi.OpScore}, Fuel: 7, Pages: 1, Answer: 1, Input: []abi.Field{{Name: "length", Kind: abi.KindUint, Unit: "token"}}})
		if err != nil {
			t.Fatal(err)
		}
		id, err := store.Put(b)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id.String())
	}
	out, _, err := run(t, "plugin", "ls", "--home", home, "--json")
	var l []pluginEntry
	if err != nil || json.Unmarshal([]byte(out), &l) != nil || len(l) != 2 || l[0].Name != "demo" || l[0].Pinned {
		t.Fatalf("%s %v", out, err)
	}
	if out, _, err := run(t, "plugin", "info", ids[0][:8], "--home", home); err != nil || !strings.Contains(out, "length uint token") || !strings.Contains(out, ids[0]) {
		t.Errorf("%s %v", out, err)
	}
	if _, _, err := run(t, "plugin", "pin", ids[0][:8], "--home", home); err != nil {
		t.Error(err)
	}
	if out, _, err := run(t, "plugin", "gc", "--home", home, "--dry-run"); err != nil || !strings.Contains(out, ids[1][:16]) || strings.Contains(out, ids[0][:16]) {
		t.Errorf("dry run: %s %v", out, err)
	}
	if out, _, err := run(t, "plugin", "gc", "--home", home); err != nil || !strings.Contains(out, ids[1][:16]) {
		t.Errorf("%s %v", out, err)
	}
	if _, code, err := run(t, "plugin", "info", ids[1], "--home", home); code == 0 || !strings.Contains(err.Error(), "plexus plugin ls") {
		t.Errorf("collected: %d %v", code, err)
	}
	// A module without the entry points is whole, but would not run.
	if out, code, err := run(t, "plugin", "verify", "--home", home); code == 0 || !strings.Contains(out, "plexus_abi_v1") || !strings.Contains(err.Error(), "1 of 1") {
		t.Errorf("verify: %s %d %v", out, code, err)
	}
	file := filepath.Join(home, "modules", ids[0]+".wasm")
	if err := os.WriteFile(file, []byte("other bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code, _ := run(t, "plugin", "verify", "--home", home); code == 0 || !strings.Contains(out, "damaged") {
		t.Errorf("verify of damage: %s", out)
	}
	if _, _, err := run(t, "plugin", "unpin", ids[0][:8], "--home", home); err != nil {
		t.Error(err)
	}
	if _, code, _ := run(t, "plugin", "pin", "ab", "--home", home); code != 64 {
		t.Errorf("two digits: %d", code)
	}
}
