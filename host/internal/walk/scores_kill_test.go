package walk

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// arena is a subnet of one's own in processes: four operators that validate, and
// miners.
type arena struct {
	t     *testing.T
	dir   string
	env   []string
	keys  string
	homes []string
	nodes []*running
}

func newArena(t *testing.T) *arena {
	a := &arena{t: t, dir: t.TempDir()}
	a.env, a.keys = goEnviron(t, environ(a.dir, "PLEXUS_ADMIN_SOCKET=")), filepath.Join(a.dir, "net", "coldkeys")
	demo := filepath.Join(a.dir, "demo")
	fresh := exec.Command(binary(t), "subnet", "new", "demo")
	fresh.Dir = a.dir
	if r := finish(t, fresh, a.env); r.code != 0 {
		t.Fatal(r.out, r.err)
	}
	works(t, a.env, "plugin", "build", demo)
	var made struct {
		Homes []string
		Join  string
	}
	out := works(t, a.env, "init", "--network", "4", "--home", filepath.Join(a.dir, "net"), "--no-password", "--json", "--port", freePorts(t, 4), "--stake", "100000",
		"--subnet", filepath.Join(demo, "demo.wasm"), "--tempo", "20", "--param", "skip_max=400", "--set", "block_time=1s", "--set", "api.listen=", "--set", "log.level=warn")
	if err := json.Unmarshal([]byte(out), &made); err != nil || len(made.Homes) != 4 {
		t.Fatal(out, err)
	}
	a.homes, a.env = made.Homes, append(a.env, "PLEXUS_JOIN="+made.Join)
	for _, home := range a.homes {
		a.nodes = append(a.nodes, start(t, a.env, home, nil))
	}
	for _, n := range a.nodes {
		n.reach(3, 60*time.Second)
	}
	for i, home := range a.homes {
		b, err := os.ReadFile(filepath.Join(home, "hotkey.key"))
		if err == nil {
			err = os.WriteFile(filepath.Join(a.keys, fmt.Sprintf("validator%d.key", i+1)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		works(t, a.env, "register", "--hotkey", fmt.Sprintf("validator%d", i+1), "--validate-only", "--from", fmt.Sprintf("operator%d", i+1), "--keys", a.keys, "--yes")
	}
	return a
}

// miner registers a hotkey and returns its address and the way to start it.
func (a *arena) miner(name string, engine ...string) (address string, run func() *exec.Cmd) {
	a.t.Helper()
	address = strings.Split(strings.TrimSpace(works(a.t, a.env, "key", "new", name, "--no-password", "--keys", a.keys)), "\t")[1]
	works(a.t, a.env, "register", "--hotkey", name, "--from", "operator1", "--keys", a.keys, "--yes")
	args := []string{"miner", "--hotkey", name, "--keys", a.keys}
	for _, word := range engine {
		args = append(args, "--engine", word)
	}
	return address, func() *exec.Cmd {
		log, err := os.OpenFile(filepath.Join(a.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			a.t.Fatal(err)
		}
		defer log.Close() // the child has its own
		c := exec.Command(binary(a.t), args...)
		c.Env, c.Stdout, c.Stderr = a.env, log, log
		if err := c.Start(); err != nil {
			a.t.Fatal(err)
		}
		a.t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		return c
	}
}

// wait waits until ok.
func (a *arena) wait(what string, patience time.Duration, ok func() bool) {
	a.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			logs := ""
			for _, n := range a.nodes {
				logs += n.name + ": " + n.log() + "\n"
			}
			a.t.Fatalf("no %s within %v\n%s", what, patience, logs)
		}
	}
}

// statuses are what the bundles of an epoch say of a miner, by validator, and in how
// many of them the first round was run.
func (a *arena) statuses(epoch uint64, miner string) (by map[string][]string, first int) {
	a.t.Helper()
	dir := filepath.Join(a.dir, fmt.Sprintf("bundles%d", epoch)) + string(os.PathSeparator)
	works(a.t, a.env, "evidence", "get", "--epoch", fmt.Sprint(epoch), "--out", dir)
	files, err := filepath.Glob(dir + "*.bundle")
	if err != nil {
		a.t.Fatal(err)
	}
	by = map[string][]string{}
	for _, file := range files {
		var b struct {
			Validator string
			Leaves    []struct {
				Round          int
				Hotkey, Status string
			}
		}
		if err := json.Unmarshal([]byte(works(a.t, a.env, "evidence", "show", file, "--offline", "--json")), &b); err != nil {
			a.t.Fatal(err)
		}
		if len(b.Leaves) > 0 && b.Leaves[0].Round == 0 {
			first++
		}
		for _, l := range b.Leaves {
			if l.Hotkey == miner {
				by[b.Validator] = append(by[b.Validator], l.Status)
			}
		}
	}
	return by, first
}

// A miner is killed while its model works on an answer, and a validator in the
// middle of an epoch; both are started again. The miner is only said not to have
// answered what it did not answer, no finished round of the validator is lost, and
// everybody's scores of both epochs replay as equal.
func TestScoresSurviveKills(t *testing.T) {
	if os.Getenv("WALK_TEST_SCORES") == "" {
		t.Skip("epochs of six processes take two minutes: set WALK_TEST_SCORES=1")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the slow model is a shell script")
	}
	t.Parallel()
	a := newArena(t)
	_, ada := a.miner("ada", "wasm", "--module", filepath.Join(a.dir, "demo", "demo.wasm"))
	asked := filepath.Join(a.dir, "asked")
	model := filepath.Join(a.dir, "slow.sh")
	if err := os.WriteFile(model, []byte("#!/bin/sh\ncat >/dev/null\necho $$ >>"+asked+"\nsleep 0.7\necho an answer\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	slow, run := a.miner("slow", "exec", "--", model)
	ada()
	miner := run()

	// In the middle of an answer.
	a.wait("request to the slow miner", 90*time.Second, func() bool { _, err := os.Stat(asked); return err == nil })
	if err := miner.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	miner.Wait()
	hit := (a.nodes[0].at() - 1) / 20 // its epoch, as long as no step was put off
	run()

	// In the middle of an epoch, when the first of its three rounds is finished.
	victim := a.nodes[1]
	epoch := hit + 1
	a.wait("first round of the next epoch", 60*time.Second, func() bool {
		victim.mu.Lock()
		defer victim.mu.Unlock()
		return victim.scored[[2]uint64{epoch, 0}]
	})
	victim.end(syscall.SIGKILL)
	a.nodes[1] = start(t, a.env, a.homes[1], nil)

	a.wait("evidence of both epochs that replays as equal", 150*time.Second, func() bool {
		r := command(t, a.env, "replay", "--epoch", fmt.Sprint(epoch))
		if r.code == 1 {
			t.Fatalf("%s%s", r.out, r.err)
		}
		return r.code == 0 && strings.Count(r.out, ": equal (") == 4
	})
	if r := command(t, a.env, "replay", "--epoch", fmt.Sprint(hit)); r.code != 0 {
		t.Errorf("epoch %d: exit code %d\n%s%s", hit, r.code, r.out, r.err)
	}
	again := a.nodes[1]
	again.mu.Lock()
	twice := again.scored[[2]uint64{epoch, 0}]
	again.mu.Unlock()
	if twice {
		t.Error("the validator played its finished round again after the restart")
	}
	before, _ := a.statuses(hit, slow)
	after, first := a.statuses(epoch, slow)
	if first != 4 || len(after) != 4 {
		t.Errorf("epoch %d: the first round is in the evidence of %d validators, and %d asked the slow miner, want 4", epoch, first, len(after))
	}
	missed, answered := 0, 0
	for _, all := range before {
		for _, s := range all {
			if s == "none" {
				missed++
			}
		}
	}
	for _, all := range after {
		for _, s := range all {
			if s == "answered" {
				answered++
			}
		}
	}
	if missed == 0 || answered == 0 {
		t.Errorf("the slow miner was killed in epoch %d, which says %v, and answered in epoch %d: %v", hit, before, epoch, after)
	}
	t.Logf("miner killed in epoch %d: %v; validator in epoch %d: %v", hit, before, epoch, after)
}
