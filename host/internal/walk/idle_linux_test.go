package walk

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Bounds of a node that has nothing to do, at twelve seconds a block.
const (
	mostResident = 150 << 20
	mostCPU      = 0.03 // of a core
	mostVersion  = 50 * time.Millisecond
)

// An idle producer is light on memory and processor, and the program starts
// fast. It needs a length: WALK_TEST_IDLE=120s.
func TestIdle(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("WALK_TEST_IDLE"))
	if err != nil {
		t.Skip("a node at rest: set WALK_TEST_IDLE to how long to look at it, like 120s")
	}
	dir := t.TempDir()
	env := environ(dir)
	var made struct{ Homes []string }
	out := works(t, env, "init", "--network", "1", "--home", dir, "--no-password", "--json", "--port", freePort(t), "--set", "api.listen=127.0.0.1:"+freePort(t))
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	n := start(t, env, made.Homes[0], nil)
	n.reach(2, time.Minute)
	proc := fmt.Sprintf("/proc/%d/", n.cmd.Process.Pid)
	ticks := func() float64 { // a hundredth of a second each
		b, err := os.ReadFile(proc + "stat")
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
		user, _ := strconv.ParseFloat(f[11], 64)
		system, _ := strconv.ParseFloat(f[12], 64)
		return user + system
	}
	before, at, began := ticks(), n.at(), time.Now()
	time.Sleep(length)
	cpu := (ticks() - before) / 100 / time.Since(began).Seconds()
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		t.Fatal(err)
	}
	resident := 0
	for _, line := range strings.Split(string(status), "\n") {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			resident, _ = strconv.Atoi(strings.Fields(kb)[0])
			resident <<= 10
		}
	}
	if n.at() == at {
		t.Error("it made no block")
	}
	if resident == 0 || resident > mostResident || cpu > mostCPU {
		t.Errorf("%d MiB resident and %.2f %% of a core, at most %d MiB and %.0f %%", resident>>20, 100*cpu, mostResident>>20, 100*mostCPU)
	}
	t.Logf("idle for %v, %d blocks: %d MiB resident, %.2f %% of a core, %d MiB of files", length, n.at()-at, resident>>20, 100*cpu, size(t, made.Homes[0])>>20)

	var took []time.Duration
	for range 11 {
		began := time.Now()
		works(t, env, "version")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	if took[5] > mostVersion {
		t.Errorf("plexus version takes %v, at most %v", took[5], mostVersion)
	}
	t.Logf("plexus version: %v, %v at worst", took[5].Round(time.Millisecond), took[10].Round(time.Millisecond))
}

// size is that of all files below a folder.
func size(t *testing.T, dir string) (n int64) {
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil // a file may go while it is looked at
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
