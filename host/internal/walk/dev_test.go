package walk

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// devWalk are the lines of the README's path through the development network.
func devWalk(t *testing.T) (lines []string) {
	t.Helper()
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(b), "<!-- dev walk:")
	text, _, ends := strings.Cut(rest, "<!-- end of dev walk -->")
	if !begins || !ends {
		t.Fatal("README.md has no dev walk between its markers")
	}
	for _, line := range strings.Split(text, "\n") {
		command, ok := strings.CutPrefix(line, "    ")
		command, _, _ = strings.Cut(command, " # ")
		if command = strings.TrimSpace(command); ok && command != "" {
			lines = append(lines, command)
		}
	}
	return lines
}

// clone copies the project's files as a clone has them.
func clone(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "-C", "../../..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatalf("listing the project's files: %v", err)
	}
	to := filepath.Join(t.TempDir(), "plexus")
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		from := filepath.Join("../../..", name)
		info, err := os.Lstat(from)
		if err != nil || !info.Mode().IsRegular() {
			continue // deleted, or no file
		}
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, info.Mode()&fs.ModePerm)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// devNetwork is a `plexus dev` that a line of the README starts.
type devNetwork struct {
	cmd *exec.Cmd
	log string
}

// launch starts a line in the background, its output in a file.
func launch(t *testing.T, env []string, dir, log, line string) *devNetwork {
	t.Helper()
	f, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &devNetwork{exec.Command("sh", "-c", "exec "+line), log}
	d.cmd.Dir, d.cmd.Env, d.cmd.Stdout, d.cmd.Stderr = dir, env, f, f
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cmd.Process.Kill() })
	return d
}

// says waits until the output holds the pattern, and returns the first match and
// its groups.
func (d *devNetwork) says(t *testing.T, pattern string, patience time.Duration) []string {
	t.Helper()
	began, want := time.Now(), regexp.MustCompile(pattern)
	for {
		b, err := os.ReadFile(d.log)
		if err != nil {
			t.Fatal(err)
		}
		if found := want.FindStringSubmatch(string(b)); found != nil {
			t.Logf("%q after %v", pattern, time.Since(began).Round(time.Second))
			return found
		}
		if time.Since(began) > patience {
			t.Fatalf("no %q after %v:\n%s", pattern, patience, b[max(0, len(b)-6000):])
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// interrupt ends it as Ctrl-C does, which must not take long.
func (d *devNetwork) interrupt(t *testing.T) {
	t.Helper()
	start := time.Now()
	d.cmd.Process.Signal(os.Interrupt)
	late := time.AfterFunc(10*time.Second, func() { d.cmd.Process.Signal(syscall.SIGKILL) })
	err := d.cmd.Wait()
	late.Stop()
	if took := time.Since(start); err != nil || took > 5*time.Second {
		t.Errorf("%v: ended with %v after %v, want code 0 within 5 s", d.cmd.Args, err, took)
	}
}

// toolchain is the environment of a user whose home is empty, with plexus in the
// path, and what Go has compiled already.
func toolchain(t *testing.T, home string) []string {
	t.Helper()
	goEnv, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.Split(strings.TrimSpace(string(goEnv)), "\n")
	return environ(home, "PATH="+filepath.Dir(binary(t))+":"+os.Getenv("PATH"), "GOCACHE="+paths[0], "GOMODCACHE="+paths[1], "GOPATH="+paths[2])
}

// The README's path of a new user, line by line, from the files of a clone and
// with an empty home: the network is watched, a miner of one's own joins it and is
// scored, a subnet is written, run, and upgraded while it runs. It takes some four
// minutes: set WALK_TEST_DEV.
func TestReadmeDev(t *testing.T) {
	if os.Getenv("WALK_TEST_DEV") == "" {
		t.Skip("minutes of networks: set WALK_TEST_DEV")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the walk is for a Unix shell")
	}
	dir, env := clone(t), toolchain(t, t.TempDir())
	var network, miner *devNetwork
	seen := map[string]bool{}
	for i, line := range devWalk(t) {
		log := filepath.Join(t.TempDir(), fmt.Sprintf("line%d.log", i))
		words := strings.Fields(line)
		if words[0] != "plexus" {
			seen["edit"] = true
		} else {
			seen[words[1]] = true
		}
		t.Log(line)
		switch {
		case strings.HasPrefix(line, "plexus dev"):
			if miner != nil {
				miner.interrupt(t)
				miner = nil
			}
			if network != nil {
				network.interrupt(t)
			}
			network = launch(t, env, dir, log, line+" --plain")
			network.says(t, "join it with", 3*time.Minute)
		case strings.HasPrefix(line, "plexus miner"):
			miner = launch(t, env, dir, log, line)
			miner.says(t, `"event":"ready"`, time.Minute)
			network.says(t, `scored round .* bob 0\.[0-9]*[1-9]`, 2*time.Minute)
		default:
			c := exec.Command("sh", "-c", line)
			c.Dir = dir
			if r := finish(t, c, env); r.code != 0 {
				t.Fatalf("%s: exit code %d\n%s%s", line, r.code, r.out, r.err)
			}
			if strings.HasPrefix(line, "plexus subnet upgrade") {
				upgraded(t, env, dir, line, network)
			}
		}
	}
	network.interrupt(t)
	for _, want := range []string{"dev", "miner", "subnet", "plugin", "edit"} {
		if !seen[want] {
			t.Errorf("the README's path has no %q", want)
		}
	}
}

// upgraded waits until the module of the line is in force and rounds are scored
// by it.
func upgraded(t *testing.T, env []string, dir, line string, network *devNetwork) {
	t.Helper()
	words := regexp.MustCompile(`--netuid (\d+) --module (\S+)`).FindStringSubmatch(line)
	if words == nil {
		t.Fatalf("%s: no netuid and module", line)
	}
	var info struct{ Module string }
	c := exec.Command("sh", "-c", "plexus plugin inspect --json "+words[2])
	c.Dir = dir
	if r := finish(t, c, env); json.Unmarshal([]byte(r.out), &info) != nil || len(info.Module) != 64 {
		t.Fatalf("no module in %s%s", r.out, r.err)
	}
	for start := time.Now(); ; time.Sleep(time.Second) {
		var m struct {
			Epoch  uint64
			Module struct{ Module string }
		}
		out := works(t, env, "metagraph", "--json", "--netuid", words[1])
		if err := json.Unmarshal([]byte(out), &m); err != nil {
			t.Fatal(err, out)
		}
		if m.Module.Module == info.Module {
			t.Logf("the new module is in force in epoch %d, after %v", m.Epoch, time.Since(start).Round(time.Second))
			network.says(t, fmt.Sprintf(`demo: .* scored round \d of epoch %d`, m.Epoch), time.Minute)
			return
		}
		if time.Since(start) > 3*time.Minute {
			t.Fatalf("module %s is not in force: %s", info.Module, out)
		}
	}
}
