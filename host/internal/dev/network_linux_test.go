package dev_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plexus-network/plexus/host/internal/command"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/host/internal/event"
)

// TestMain lets the test's own binary be every process of the network: the
// arguments of the test runner begin with a dash, those of plexus do not.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		os.Exit(command.Main())
	}
	os.Exit(m.Run())
}

const (
	producerCount  = 4
	validatorCount = 3
	textNetuid     = 1
)

var minerNames = []string{"mix", "order0", "constant", "copy"}

// journal is what the events of a network told.
type journal struct {
	mu      sync.Mutex
	changed chan struct{} // closed and replaced with each event
	heights map[string]uint64
	roots   map[uint64]map[string]string // by height and node
	rounds  map[int]map[string][]string  // by number since genesis and validator: statuses by miner
	last    int                          // highest round that all validators reported
	paid    map[uint64]bool              // epochs that paid a miner
	earned  map[string]uint64            // by hotkey, as producer0 saw it
	scores  map[string][]event.Score     // by hotkey
	errors  map[string][]string          // that miners met, by name
	news    int                          // registrations
	notes   []string
}

func newJournal() *journal {
	return &journal{changed: make(chan struct{}), heights: map[string]uint64{}, roots: map[uint64]map[string]string{},
		rounds: map[int]map[string][]string{}, last: -1, paid: map[uint64]bool{},
		earned: map[string]uint64{}, scores: map[string][]event.Score{}, errors: map[string][]string{}}
}

func (j *journal) take(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch e.Kind {
	case "block":
		j.heights[e.From] = e.Height
		if j.roots[e.Height] == nil {
			j.roots[e.Height] = map[string]string{}
		}
		j.roots[e.Height][e.From] = e.Root
	case "my-round":
		for _, s := range e.Scores {
			j.scores[s.Hotkey] = append(j.scores[s.Hotkey], s)
		}
		if e.Netuid != textNetuid {
			break
		}
		n := int(e.Epoch)*100 + e.Round
		if j.rounds[n] == nil {
			j.rounds[n] = map[string][]string{}
		}
		for _, s := range e.Scores {
			j.rounds[n][e.From] = append(j.rounds[n][e.From], s.Status)
		}
		if len(j.rounds[n]) == validatorCount {
			j.last = max(j.last, n)
		}
	case "registered":
		j.news++
	case "paid":
		if dev.IsMiner(e.Hotkey) {
			j.paid[e.Epoch] = true
		}
		if e.From == "producer0" {
			j.earned[e.Hotkey] += e.Amount
		}
	case "exchange":
		if list := j.errors[e.From]; e.Err != "" && !slices.Contains(list, e.Err) {
			j.errors[e.From] = append(list, e.Err)
		}
	case "restart", "my-skipped", "stopped":
		j.notes = append(j.notes, e.From+" "+e.Kind+" "+e.Text+e.Err)
	}
	close(j.changed)
	j.changed = make(chan struct{})
}

// until waits for a condition on the journal, which is locked meanwhile.
func (j *journal) until(t *testing.T, what string, limit time.Duration, is func() bool) {
	t.Helper()
	start := time.Now()
	over := time.After(limit)
	for {
		j.mu.Lock()
		ok, changed := is(), j.changed
		if ok {
			t.Logf("%s: after %.1f s", what, time.Since(start).Seconds())
			j.mu.Unlock()
			return
		}
		j.mu.Unlock()
		select {
		case <-changed:
		case <-over:
			j.mu.Lock()
			defer j.mu.Unlock()
			t.Fatalf("%s: not within %v; heights %v, rounds %v, notes %q", what, limit, j.heights, j.rounds, j.notes)
		}
	}
}

// quiet waits until no round is under way, and returns the number of the last.
func (j *journal) quiet(t *testing.T) (last int) {
	t.Helper()
	j.mu.Lock()
	was := j.last
	j.mu.Unlock()
	j.until(t, "a round ends at all validators", 40*time.Second, func() bool { last = j.last; return last > was })
	return last
}

// answered waits for a round after the given one in which every validator has
// an answer of every miner.
func (j *journal) answered(t *testing.T, after int) {
	t.Helper()
	j.until(t, "a round that all miners answered", 40*time.Second, func() bool {
		for n, by := range j.rounds {
			if n <= after || len(by) < validatorCount {
				continue
			}
			all := 0
			for _, statuses := range by {
				for _, s := range statuses {
					if s == "answered" {
						all++
					}
				}
			}
			if all == validatorCount*len(minerNames) {
				return true
			}
		}
		return false
	})
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("killing %d: %v", pid, err)
	}
}

// TestNetwork runs the whole network in real processes, beside a subnet whose engines
// are bad, and kills some of them; then the command that a user runs, on the same
// directory.
func TestNetwork(t *testing.T) {
	home := filepath.Join(t.TempDir(), "net")
	if !t.Run("kills", func(t *testing.T) { testKills(t, home) }) {
		t.FailNow()
	}
	t.Run("resume and kill dev", func(t *testing.T) { testResume(t, home) })
	t.Run("resume and interrupt", func(t *testing.T) { testInterrupt(t, home) })
}

func testKills(t *testing.T, home string) {
	start := time.Now()
	cfg := textOnly(home, "")
	cfg.Load = []string{badSubnet(t)}
	net, err := dev.Open(t.Context(), cfg, io.Discard, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	j := newJournal()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	up := make(chan *dev.Running, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- net.Run(ctx, j.take, func(ctx context.Context, r *dev.Running) error {
			up <- r
			<-ctx.Done()
			return nil
		})
	}()
	// Whatever happens below, nothing is left running.
	var started []proc
	end := func() {
		started = append(started, descendants(t, os.Getpid())...)
		stop := time.Now()
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run has not ended 10 s later")
		}
		allGone(t, started, home, 5*time.Second-time.Since(stop))
	}
	defer func() { end() }()
	var r *dev.Running
	select {
	case r = <-up:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	case <-time.After(90 * time.Second):
		t.Fatal("the network is not up after 90 s")
	}
	t.Logf("set up after %.1f s", time.Since(start).Seconds())
	started = descendants(t, os.Getpid())
	j.answered(t, -1)

	t.Run("producer", func(t *testing.T) { testProducerKilled(t, r, j) })
	t.Run("miners", func(t *testing.T) {
		last := j.quiet(t)
		was := r.Processes()["miners"]
		kill(t, was)
		j.answered(t, last)
		if r.Processes()["miners"] == was {
			t.Error("the miners' process is the same")
		}
	})
	t.Run("model", func(t *testing.T) {
		last := j.quiet(t)
		was := child(t, r.Processes()["miners"], "engine text-order0")
		kill(t, was.pid)
		j.answered(t, last)
		if now := child(t, r.Processes()["miners"], "engine text-order0"); now.pid == was.pid {
			t.Error("the model's process is the same")
		}
	})
	t.Run("worker", func(t *testing.T) {
		last := j.quiet(t)
		node := r.Processes()["producer0"]
		was := child(t, node, " worker")
		kill(t, was.pid)
		j.answered(t, last)
		// Short calls do without a worker, so that a new one is started only for the
		// next long one.
		for _, p := range descendants(t, node) {
			if p.pid == was.pid && p.start == was.start && !p.zombie {
				t.Error("the worker is the same")
			}
		}
		if r.Processes()["producer0"] != node {
			t.Error("the producer did not survive its worker")
		}
	})
	t.Run("bad engines", func(t *testing.T) { testBadEngines(t, j) })
	if s := r.State.Split(); s != "" {
		t.Error(s)
	}
}

// testProducerKilled keeps a validating producer dead for some blocks, and then
// lets it come back.
func testProducerKilled(t *testing.T, r *dev.Running, j *journal) {
	const victim = "producer1"
	last := j.quiet(t)
	j.mu.Lock()
	from := map[string]uint64{}
	for name, h := range j.heights {
		from[name] = h
	}
	j.mu.Unlock()
	// It is started again at once, so it is killed again until others went on.
	dead := map[int]bool{}
	stop := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for {
			if pid := r.Processes()[victim]; !dead[pid] {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Errorf("killing %s: %v", victim, err)
				}
				dead[pid] = true
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	j.until(t, "five blocks without "+victim, 30*time.Second, func() bool {
		for name, h := range from {
			if name != victim && j.heights[name] < h+5 {
				return false
			}
		}
		return true
	})
	j.mu.Lock()
	reached := j.heights["producer0"]
	missed := reached - j.heights[victim]
	j.mu.Unlock()
	close(stop)
	killer.Wait()
	if missed < 4 {
		t.Errorf("%s was only %d blocks behind", victim, missed)
	}
	j.until(t, victim+" rejoins", 40*time.Second, func() bool { return j.heights[victim] >= reached+3 })
	j.mu.Lock()
	same := 0
	for h := from[victim]; h <= reached+3; h++ {
		mine, others := j.roots[h][victim], 0
		for name, root := range j.roots[h] {
			if root != j.roots[h]["producer0"] {
				t.Errorf("block %d: %s has state %s, producer0 %s", h, name, root, j.roots[h]["producer0"])
			}
			others++
		}
		if mine != "" && others > 1 {
			same++
		}
	}
	j.mu.Unlock()
	t.Logf("%s: killed %d times, %d blocks behind, %d blocks compared", victim, len(dead), missed, same)
	if same < int(missed) {
		t.Errorf("only %d blocks of %s could be compared, want the %d it missed", same, victim, missed)
	}
	j.answered(t, last)
}

// user is a `plexus dev` as someone would start it.
type user struct {
	cmd    *exec.Cmd
	stderr strings.Builder
	j      *journal
	read   chan struct{} // closed at the end of its output
}

func startDev(t *testing.T, home string, args ...string) *user {
	t.Helper()
	u := &user{j: newJournal(), read: make(chan struct{})}
	u.cmd = devCommand(t, append([]string{"--json", "--keep", home}, args...)...)
	u.cmd.Stderr = &u.stderr
	out, err := u.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(u.read)
		s := bufio.NewScanner(out)
		for s.Scan() {
			var e event.Event
			if err := json.Unmarshal(s.Bytes(), &e); err != nil {
				t.Errorf("line %q: %v", s.Text(), err)
			}
			u.j.take(e)
		}
	}()
	t.Cleanup(func() { u.cmd.Process.Kill() })
	return u
}

// devCommand is `plexus dev` with a home of its own for what it leaves there.
func devCommand(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, append([]string{"dev", "--cache", config.DefaultCache()}, args...)...)
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOPATH").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Split(strings.TrimSpace(string(out)), "\n")
	c.Env = append(os.Environ(), "HOME="+t.TempDir(), "GOCACHE="+dirs[0], "GOMODCACHE="+dirs[1], "GOPATH="+dirs[2])
	return c
}

// end waits for the process and returns its exit code, -1 for a signal.
func (u *user) end() int {
	<-u.read
	var exit *exec.ExitError
	if err := u.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return -2
	}
	return u.cmd.ProcessState.ExitCode()
}

func testResume(t *testing.T, home string) {
	u := startDev(t, home)
	first := uint64(0)
	u.j.until(t, "the first block", 30*time.Second, func() bool { first = u.j.heights["producer0"]; return first > 0 })
	if first < 20 {
		t.Errorf("the first block after the resume has height %d: the chain began anew", first)
	}
	// A second one in the same directory is refused.
	out, err := devCommand(t, "--keep", home, "--plain").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 73 || !strings.Contains(string(out), home) || !strings.Contains(string(out), "locked") {
		t.Errorf("a second dev in the directory ended with %v, want code 73, and said %q", err, out)
	}
	u.j.until(t, "an epoch is paid", 60*time.Second, func() bool { return len(u.j.paid) > 0 })
	u.j.mu.Lock()
	if u.j.news > 0 {
		t.Errorf("%d registrations after the resume: uids were not kept", u.j.news)
	}
	u.j.mu.Unlock()
	// Its evidence is being replayed by a process that nobody else knows of, and
	// workers are started with the first long call.
	var before []proc
	var count map[string]int
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		before, count = descendants(t, u.cmd.Process.Pid), map[string]int{}
		for _, p := range before {
			for _, kind := range []string{" node ", " miners ", " engine text-", " worker", " replay "} {
				if strings.Contains(p.args, kind) {
					count[kind]++
				}
			}
		}
		if count[" replay "] == 1 && count[" worker"] >= validatorCount {
			break
		}
		if time.Since(start) > 40*time.Second {
			t.Fatalf("processes of the network: %v in %v", count, before)
		}
	}
	if count[" node "] != producerCount || count[" miners "] != 1 || count[" engine text-"] != len(minerNames) || count[" worker"] < validatorCount {
		t.Fatalf("processes of the network: %v in %v", count, before)
	}
	kill(t, u.cmd.Process.Pid)
	if code := u.end(); code != -1 {
		t.Errorf("killed, but the code is %d", code)
	}
	// Nobody is told that it was killed: each process finds out by itself.
	allGone(t, before, home, 30*time.Second)
}

func testInterrupt(t *testing.T, home string) {
	u := startDev(t, home)
	u.j.until(t, "a round", 40*time.Second, func() bool { return len(u.j.rounds) > 0 })
	before := descendants(t, u.cmd.Process.Pid)
	start := time.Now()
	if err := u.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	code := u.end()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("an interrupt took %v", took)
	}
	if code != 0 || u.stderr.Len() > 0 {
		t.Errorf("after an interrupt: code %d and %q on standard error, want 0 and nothing", code, u.stderr.String())
	}
	allGone(t, before, home, 5*time.Second-time.Since(start))
}
