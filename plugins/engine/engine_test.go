package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/internal/child"
	"github.com/plexus-network/plexus/plugins/internal/enginepb"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

// The test binary is its own model: envMode says which part it plays.
const envMode = "PLEXUS_TEST_ENGINE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(envMode); mode != "" {
		play(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

func play(mode string) {
	switch mode {
	case "rubbish":
		fmt.Println("loading weights… done")
	case "cookie":
		os.Unsetenv("PLEXUS_CHILD")
	case "worker": // a child, but no engine
		_ = child.Serve(func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("no such method") })
	case "once": // starts only if it is the first
		if _, err := os.Stat(os.Getenv("MARK")); err == nil {
			os.Exit(9)
		}
		_ = os.WriteFile(os.Getenv("MARK"), nil, 0o600)
	}
	if err := serve(mode); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(mode string) error {
	switch mode {
	case "stream":
		return ServeStream(stream)
	case "rogue":
		return serveRogue()
	}
	return Serve(answer)
}

func answer(ctx context.Context, t Task) ([]byte, error) {
	switch string(t.Public) {
	case "die":
		os.Exit(7)
	case "hang":
		select {}
	case "refuse":
		return nil, errors.New("this subnet is beyond me")
	case "large":
		return make([]byte, 5000), nil
	case "huge":
		return make([]byte, 64<<20), nil
	case "stop": // at the latest a moment after this, when another thread takes the signal
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			return nil, err
		}
		time.Sleep(time.Hour)
	case "slow":
		time.Sleep(400 * time.Millisecond)
	case "print":
		for range 5000 {
			fmt.Println(strings.Repeat("rubbish ", 20))
		}
	case "burn":
		for i := 0; ; i++ {
			_ = i
		}
	case "eat":
		for all := [][]byte{}; ; {
			all = append(all, bytes.Repeat([]byte{1}, 16<<20))
		}
	case "who":
		groups, _ := os.Getgroups()
		return fmt.Appendf(nil, "%d:%d %v", os.Geteuid(), os.Getegid(), groups), nil
	case "other user":
		_, err := Open(ctx, Config{Command: []string{"/bin/true"}, User: "root"})
		return nil, err
	case "spawn":
		cmd := exec.Command("/bin/sleep", "3600")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return fmt.Append(nil, cmd.Process.Pid), nil
	}
	return fmt.Appendf(nil, "%d:%s", t.NetUID, t.Public), nil
}

func config(mode string) Config {
	return Config{Command: []string{os.Args[0]}, Env: []string{envMode + "=" + mode}, Name: mode,
		Timeout: 20 * time.Second, StartTimeout: 30 * time.Second, MaxAnswer: 4096}
}

func open(t *testing.T, c Config) *Engine {
	t.Helper()
	e, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// works asks until the model answers, as it must within some seconds.
func works(t *testing.T, e *Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if got, err := e.Answer(ctx, 7, []byte("hello")); err != nil || string(got) != "7:hello" {
		t.Fatalf("%q, %v", got, err)
	}
}

func gone(pid int) bool {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if syscall.Kill(pid, 0) == syscall.ESRCH || bytes.Contains(stat, []byte(") Z ")) {
			return true
		}
	}
	return false
}

func TestAnswer(t *testing.T) {
	e := open(t, config("good"))
	works(t, e)
	for _, c := range []struct {
		task, text string
		want       error
	}{
		{"refuse", "beyond me", ErrRefused}, {"large", "5000", ErrTooLarge}, {"huge", "", ErrTooLarge},
		{strings.Repeat("x", abi.MaxPayload+1), "", ErrTooLarge},
	} {
		_, err := e.Answer(t.Context(), 7, []byte(c.task))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%.10s: %v, want %v", c.task, err, c.want)
		}
	}
	works(t, e)
	if h := e.Health(); !h.Alive || h.Restarts != 0 || h.LastErr != nil || h.PID == 0 {
		t.Errorf("health %+v", h)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { works(t, e) })
	}
	wg.Wait()
}

func TestDiesMidAnswer(t *testing.T) {
	e := open(t, config("good"))
	works(t, e)
	for i := range 3 {
		before := e.Health().PID
		if _, err := e.Answer(t.Context(), 7, []byte("die")); !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "exit status 7") {
			t.Fatal(err)
		}
		works(t, e)
		h := e.Health()
		if h.Restarts != i+1 || h.PID == before || !errors.Is(h.LastErr, ErrDied) {
			t.Errorf("health %+v", h)
		}
	}
}

func TestKilledBetweenAnswers(t *testing.T) {
	e := open(t, config("good"))
	works(t, e)
	pid := e.Health().PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for h := e.Health(); h.Alive && h.PID == pid; h = e.Health() {
		time.Sleep(time.Millisecond)
	}
	works(t, e)
	if h := e.Health(); h.Restarts != 1 || !strings.Contains(h.LastErr.Error(), "killed") {
		t.Errorf("health %+v", h)
	}
}

func TestHangs(t *testing.T) {
	c := config("good")
	c.Timeout = 300 * time.Millisecond
	e := open(t, c)
	pid := e.Health().PID
	begin := time.Now()
	if _, err := e.Answer(t.Context(), 7, []byte("hang")); !errors.Is(err, ErrHung) {
		t.Fatal(err)
	}
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("took %v", d)
	}
	if !gone(pid) {
		t.Error("the hung model lives on")
	}
	works(t, e)
	if h := e.Health(); !errors.Is(h.LastErr, ErrHung) {
		t.Errorf("health %+v", h)
	}
}

// A caller that gives up costs the model nothing.
func TestCallerGivesUp(t *testing.T) {
	e := open(t, config("good"))
	pid := e.Health().PID
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.Answer(ctx, 7, []byte("slow")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrHung) {
		t.Error(err)
	}
	if _, err := e.Answer(ctx, 7, []byte("hello")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	works(t, e)
	if e.Health().PID != pid {
		t.Error("the model was restarted")
	}
}

func TestCannotRestart(t *testing.T) {
	c := config("once")
	c.Env = append(c.Env, "MARK="+filepath.Join(t.TempDir(), "mark"))
	e := open(t, c)
	if _, err := e.Answer(t.Context(), 7, []byte("die")); !errors.Is(err, ErrDied) {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if h := e.Health(); h.LastErr != nil && strings.Contains(h.LastErr.Error(), "exit status 9") {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := e.Answer(ctx, 7, nil); !errors.Is(err, ErrDown) || !strings.Contains(err.Error(), "exit status 9") {
		t.Errorf("%v", err)
	}
	if h := e.Health(); h.Alive || h.Restarts != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestNotAnEngine(t *testing.T) {
	for _, c := range []struct{ mode, text string }{
		{"rubbish", "loading weights"}, {"cookie", "not by hand"},
	} {
		if e, err := Open(t.Context(), config(c.mode)); !errors.Is(err, ErrHandshake) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.mode, err)
			if err == nil {
				e.Close()
			}
		}
	}
	e := open(t, config("worker"))
	if _, err := e.Answer(t.Context(), 7, nil); !errors.Is(err, ErrHandshake) || !strings.Contains(err.Error(), "plexus.engine.v1.Engine") {
		t.Error(err)
	}
	for _, c := range []Config{{}, {Command: []string{"/nowhere"}}, {Command: []string{os.Args[0]}, MaxAnswer: -1},
		{Command: []string{os.Args[0]}, MaxAnswer: abi.MaxPayload + 1}, {Command: []string{os.Args[0]}, Parallel: -1}} {
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%+v was opened", c)
		}
	}
	if err := Serve(answer); !errors.Is(err, child.ErrNotChild) {
		t.Error(err)
	}
}

func TestCloseLeavesNoOrphan(t *testing.T) {
	e := open(t, config("good"))
	out, err := e.Answer(t.Context(), 7, []byte("spawn"))
	if err != nil {
		t.Fatal(err)
	}
	var grandchild int
	if _, err := fmt.Sscan(string(out), &grandchild); err != nil {
		t.Fatal(err)
	}
	pid := e.Health().PID
	hung := make(chan error)
	go func() {
		_, err := e.Answer(t.Context(), 7, []byte("hang"))
		hung <- err
	}()
	time.Sleep(100 * time.Millisecond)
	begin := time.Now()
	e.Close()
	if d := time.Since(begin); d > 10*time.Second {
		t.Errorf("close took %v", d)
	}
	if err := <-hung; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if !gone(pid) || !gone(grandchild) {
		t.Error("an orphan")
	}
	if _, err := e.Answer(t.Context(), 7, nil); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	e.Close()
}

func TestPin(t *testing.T) {
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	c := config("good")
	c.SHA256 = sha256.Sum256(program)
	e := open(t, c)
	works(t, e)
	e.Close()
	c.SHA256[0] ^= 1
	if _, err := Open(t.Context(), c); !errors.Is(err, ErrPin) {
		t.Error(err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// FuzzTask: what a child takes keeps the bounds, whatever it is sent.
func FuzzTask(f *testing.F) {
	b, err := proto.Marshal(&enginepb.Task{Netuid: 7, Public: []byte("x"), MaxAnswer: 5, TimeoutMs: 9})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("\x08\xff\xff\xff\xff\x0f\x18\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := new(enginepb.Task)
		if proto.Unmarshal(b, in) != nil {
			return
		}
		task, err := takeTask(in)
		if err == nil && (uint32(task.NetUID) != in.Netuid || len(task.Public) > len(b) || task.MaxAnswer > abi.MaxPayload || task.MaxAnswer < 0) {
			t.Fatalf("%+v", task)
		}
	})
}
