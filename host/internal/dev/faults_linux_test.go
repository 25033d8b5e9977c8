package dev_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/scaffold"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/plugins"
)

// badEngines do what engines must not; says is what their miner reports of them.
var badEngines = []struct{ name, script, says string }{
	{"dies", "kill -9 $PPID", "signal: killed"},
	{"stops", "kill -STOP $PPID; exec sleep 60", "deadline exceeded"},
	{"fails", "echo no weights >&2; exit 3", `exit status 3, last words "no weights"`},
	{"hangs", "exec sleep 60", "deadline exceeded"},
	{"rubbish", `printf '\000\377{"rubbish"'`, ""}, // is for the module to judge
	{"huge", "exec cat /dev/zero", "more than an answer may have"},
}

// badSubnet makes the folder of a subnet with these engines and one that is good.
func badSubnet(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "bad")
	if _, err := scaffold.New(dir, "bad", plugins.Go); err != nil {
		t.Fatal(err)
	}
	type miner struct {
		Name   string   `json:"name"`
		Engine []string `json:"engine"`
	}
	run := map[string]any{"tempo": 20, "rounds": []int{2, 7, 12}, "deadline_ms": 2000}
	list := []miner{{"solver", []string{"wasm", "--module", "{module}"}}}
	for _, e := range badEngines {
		list = append(list, miner{e.name, []string{"exec", "--timeout", "30s", "--", "sh", "-c", e.script}})
	}
	run["miners"] = list
	b, err := json.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, scaffold.DevFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// testBadEngines: they earn nothing, the miner beside them is paid, and so is the
// other subnet.
func testBadEngines(t *testing.T, j *journal) {
	hotkey := func(name string) string { return keys.Development("bad-" + name + "/hotkey").Public().String() }
	solver := hotkey("solver")
	j.until(t, "the good miner beside bad ones is paid", 60*time.Second, func() bool { return j.earned[solver] > 0 && len(j.paid) > 0 })
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range badEngines {
		key := hotkey(e.name)
		if len(j.scores[key]) == 0 {
			t.Errorf("%s was never asked", e.name)
		}
		statuses := map[string]int{}
		for _, s := range j.scores[key] {
			if statuses[s.Status]++; strings.Trim(s.Score, "0.") != "" {
				t.Errorf("%s: %+v", e.name, s)
			}
		}
		if j.earned[key] > 0 {
			t.Errorf("%s earned %d", e.name, j.earned[key])
		}
		told := strings.Join(j.errors["bad-"+e.name], "; ")
		if !strings.Contains(told, e.says) || (statuses["answered"] > 0) != (e.says == "") {
			t.Errorf("%s: %v, and the miner reports %q, want %q", e.name, statuses, told, e.says)
		}
		t.Logf("%s: %v", e.name, statuses)
	}
}
