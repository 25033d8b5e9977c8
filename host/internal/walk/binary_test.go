package walk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// scratch has the binary and is removed after the tests.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "plexus-walk-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

var build = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "plexus")
	out, err := exec.Command("go", "build", "-o", file, "../../cmd/plexus").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("building plexus: %w: %s", err, out)
	}
	return file, err
})

// binary is the program, built once.
func binary(t *testing.T) string {
	t.Helper()
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// environ is the environment of a user whose home is empty.
func environ(home string, more ...string) []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PLEXUS_") && !strings.HasPrefix(v, "HOME=") && !strings.HasPrefix(v, "XDG_") {
			out = append(out, v)
		}
	}
	return append(append(out, "HOME="+home), more...)
}

// result is how a command ended.
type result struct {
	out, err string
	code     int
}

// command runs the binary to its end.
func command(t *testing.T, env []string, args ...string) result {
	t.Helper()
	return finish(t, exec.Command(binary(t), args...), env)
}

func finish(t *testing.T, c *exec.Cmd, env []string) result {
	t.Helper()
	return finishWithin(t, c, env, time.Minute)
}

// finishWithin is finish of a command that may take longer.
func finishWithin(t *testing.T, c *exec.Cmd, env []string, limit time.Duration) result {
	t.Helper()
	var out, errs bytes.Buffer
	c.Env, c.Stdout, c.Stderr = env, &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(limit, func() { c.Process.Signal(syscall.SIGQUIT) })
	err := c.Wait()
	late.Stop()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), c.ProcessState.ExitCode()}
}

// works runs the binary and wants success.
func works(t *testing.T, env []string, args ...string) string {
	t.Helper()
	r := command(t, env, args...)
	if r.code != 0 {
		t.Fatalf("plexus %s: exit code %d\n%s%s", strings.Join(args, " "), r.code, r.out, r.err)
	}
	return r.out
}

// running is a node started from its home, whose events are read.
type running struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	errs  *os.File
	ended chan struct{}

	mu     sync.Mutex
	height uint64
	roots  map[uint64]string
	api    string
	scored map[[2]uint64]bool // rounds that it scored as a validator, by epoch and round
}

// start runs `plexus start --json`, wrapped in a command of the system's if one
// is given.
func start(t *testing.T, env []string, home string, wrap []string, more ...string) *running {
	t.Helper()
	return startLogged(t, env, home, home+".log", wrap, more...)
}

// startLogged is start with another place for the log.
func startLogged(t *testing.T, env []string, home, log string, wrap []string, more ...string) *running {
	t.Helper()
	args := append(append(wrap[:len(wrap):len(wrap)], binary(t), "start", "--json", "--home", home), more...)
	r := &running{t: t, name: filepath.Base(home), cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{}), roots: map[uint64]string{}, scored: map[[2]uint64]bool{}}
	var err error
	if r.errs, err = os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
	r.cmd.Env, r.cmd.Stderr = env, r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			var e struct {
				Event, Root, API     string
				Height, Epoch, Round uint64
			}
			if json.Unmarshal(s.Bytes(), &e) != nil {
				continue
			}
			r.mu.Lock()
			if e.Event == "my-round" {
				r.scored[[2]uint64{e.Epoch, e.Round}] = true
			}
			if e.Event == "ready" {
				r.api = e.API
			}
			if e.Event == "block" {
				if old, ok := r.roots[e.Height]; ok && old != e.Root {
					t.Errorf("%s made two blocks of height %d", r.name, e.Height)
				}
				r.height, r.roots[e.Height] = e.Height, e.Root
			}
			r.mu.Unlock()
		}
	}()
	t.Cleanup(func() { r.end(syscall.SIGKILL) })
	return r
}

// end sends a signal, waits, and returns the exit code, -1 for a killed process.
func (r *running) end(s syscall.Signal) int {
	if r.cmd.ProcessState != nil {
		return r.cmd.ProcessState.ExitCode()
	}
	if s != 0 {
		r.cmd.Process.Signal(s)
	}
	late := time.AfterFunc(40*time.Second, func() { r.cmd.Process.Kill() })
	defer late.Stop()
	<-r.ended // all events are read
	r.cmd.Wait()
	r.errs.Close()
	return r.cmd.ProcessState.ExitCode()
}

func (r *running) at() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.height
}

// log is what the node wrote to standard error.
func (r *running) log() string {
	b, err := os.ReadFile(r.errs.Name())
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b[max(0, len(b)-4000):])
}

// reach waits for a height and returns how long it took.
func (r *running) reach(height uint64, patience time.Duration) time.Duration {
	r.t.Helper()
	began := time.Now()
	for r.at() < height {
		select {
		case <-r.ended:
			r.t.Fatalf("%s ended at block %d, before %d\n%s", r.name, r.at(), height, r.log())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(began) > patience {
			r.t.Fatalf("%s is at block %d after %v, want %d\n%s", r.name, r.at(), patience, height, r.log())
		}
	}
	return time.Since(began)
}

// freePort is a port that was free a moment ago.
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
