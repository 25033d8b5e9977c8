package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine, whose program is a line of shell.
const envScript = "PLEXUS_TEST_SCRIPT"

func TestMain(m *testing.M) {
	if script := os.Getenv(envScript); script != "" {
		fmt.Fprintln(os.Stderr, Run(Config{Command: []string{"sh", "-c", script}, Timeout: 5 * time.Second}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func shell(t *testing.T, c Config, script string) *Program {
	t.Helper()
	c.Command = []string{"sh", "-c", script}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnswer(t *testing.T) {
	dir := t.TempDir()
	every := make([]byte, 0, 1<<16)
	for i := range 1 << 16 {
		every = append(every, byte(i))
	}
	for _, c := range []struct {
		name, script string
		config       Config
		in, out      string
		want         error
		text         string
	}{
		{"echo", "cat", Config{}, string(every), string(every), nil, ""},
		{"deaf", "echo -n hello", Config{}, strings.Repeat("x", 1<<20), "hello", nil, ""},
		{"empty", "cat >/dev/null", Config{}, "", "", nil, ""},
		{"environment", `echo -n "$PLEXUS_NETUID $PLEXUS_MAX_ANSWER $PLEXUS_TIMEOUT_MS $A $HOME"`, Config{Env: []string{"A=b c"}, MaxAnswer: 300}, "", "7 300 10000 b c ", nil, ""},
		{"folder", "pwd -P | tr -d '\\n'", Config{Dir: dir}, "", dir, nil, ""},
		{"fails", "echo nearly; echo no model >&2; exit 4", Config{}, "", "nearly\n", ErrFailed, "exit status 4, last words \"no model\""},
		{"dies", "kill -9 $$", Config{}, "", "", ErrFailed, "killed"},
		{"hangs", "echo loading >&2; sleep 60", Config{Timeout: 300 * time.Millisecond}, "", "", ErrTimeout, "loading"},
		{"stops", "kill -STOP $$", Config{Timeout: 300 * time.Millisecond}, "", "", ErrTimeout, ""},
		{"floods", "cat /dev/zero", Config{MaxAnswer: 1000}, "", "", ErrTooLong, "1000"},
		{"too long for the task", "printf %0600d 1", Config{}, "", "", ErrTooLong, "512"},
		{"leaves somebody", "sleep 60 & echo -n done", Config{}, "", "done", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := shell(t, c.config, c.script)
			var out bytes.Buffer
			task := engine.Task{NetUID: 7, Public: []byte(c.in), MaxAnswer: 1 << 20}
			if c.name == "too long for the task" {
				task.MaxAnswer = 512
			}
			begin := time.Now()
			err := p.Answer(t.Context(), task, &out)
			if took := time.Since(begin); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if c.want != ErrTooLong && out.String() != c.out {
				t.Errorf("%.100q, want %.100q", out.String(), c.out)
			}
			if n := out.Len(); c.want == ErrTooLong && n > p.cfg.MaxAnswer {
				t.Errorf("%d bytes got through", n)
			}
		})
	}
}

func gone(pid int) bool {
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) == syscall.ESRCH || bytes.Contains(stat, []byte(") Z ")) {
			return true
		}
	}
	return false
}

// family starts a child, which leaves its session and starts another, and prints
// the ids of both.
const family = `setsid sh -c 'echo $$; sleep 61 & echo $!; wait' & %s`

func pids(t *testing.T, out string) (ids []int) {
	t.Helper()
	for _, f := range strings.Fields(out) {
		id, err := strconv.Atoi(f)
		if err != nil {
			t.Fatalf("%q", out)
		}
		ids = append(ids, id)
	}
	if len(ids) != 2 {
		t.Fatalf("%d processes in %q, want 2", len(ids), out)
	}
	return ids
}

func TestNothingOutlivesItsTask(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells who is left behind")
	}
	for script, want := range map[string]error{"sleep 0.3": nil, "sleep 0.3; exit 1": ErrFailed, "sleep 60": ErrTimeout} {
		p := shell(t, Config{Timeout: time.Second}, fmt.Sprintf(family, script))
		var out bytes.Buffer
		if err := p.Answer(t.Context(), engine.Task{}, &out); !errors.Is(err, want) {
			t.Errorf("%s: %v", script, err)
		}
		for _, id := range pids(t, out.String()) {
			if !gone(id) {
				t.Errorf("%s: process %d is left", script, id)
			}
		}
	}
}

// Runs beside one another do not end each other's programs.
func TestTogether(t *testing.T) {
	p := shell(t, Config{}, "sleep 0.$(cat); echo -n well")
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			var out bytes.Buffer
			if err := p.Answer(t.Context(), engine.Task{Public: []byte{'0' + byte(i%6)}}, &out); err != nil || out.String() != "well" {
				t.Errorf("%q, %v", out.String(), err)
			}
		})
	}
	wg.Wait()
}

func TestLogIsBounded(t *testing.T) {
	var log bytes.Buffer
	p := shell(t, Config{Log: slog.New(slog.NewTextHandler(&log, nil))},
		`i=0; while [ $i -lt 300 ]; do echo "line $i" >&2; i=$((i+1)); done; head -c 100000 /dev/zero | tr '\0' z >&2`)
	if err := p.Answer(t.Context(), engine.Task{}, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "line "); n != maxLines {
		t.Errorf("%d lines in the log", n)
	}
	if strings.Contains(log.String(), strings.Repeat("z", maxLine+1)) {
		t.Error("a line without end in the log")
	}
}

func TestNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{}, {Command: []string{""}}, {Command: []string{"no-such-program-anywhere"}}, {Command: []string{file}},
		{Command: []string{"sh"}, Timeout: -1}, {Command: []string{"sh"}, MaxAnswer: -1}, {Command: []string{"sh"}, MaxAnswer: 1 << 30},
		{Command: []string{"sh"}, Dir: file}, {Command: []string{"sh"}, Env: []string{"=x"}}, {Command: []string{"sh"}, Env: []string{"x"}}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
	if err := Run(Config{Command: []string{"sh"}}); err == nil {
		t.Error("ran by hand")
	}
}

// As a real child: answers, fails by name, and dies with all that it runs.
func TestChild(t *testing.T) {
	open := func(script string) *engine.Engine {
		e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: "exec", Timeout: 20 * time.Second,
			Env: []string{envScript + "=" + script}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		return e
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if got, err := open("tr a-z A-Z").Answer(ctx, 1, []byte("task")); err != nil || string(got) != "TASK" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := open("echo half; echo out of luck >&2; exit 3").Answer(ctx, 1, nil); !errors.Is(err, engine.ErrRefused) || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("%v", err)
	}
	e := open("echo $$; sleep 60 & echo $!; wait")
	part := make(chan string, 10)
	died := make(chan error)
	go func() {
		_, err := e.AnswerTo(ctx, 1, nil, func(b []byte) { part <- string(b) })
		died <- err
	}()
	var out string
	for strings.Count(out, "\n") < 2 {
		out += <-part
	}
	_ = syscall.Kill(e.Health().PID, syscall.SIGKILL)
	if err := <-died; !errors.Is(err, engine.ErrDied) {
		t.Error(err)
	}
	for _, id := range pids(t, out) {
		if !gone(id) {
			t.Errorf("process %d is left", id)
		}
	}
}
