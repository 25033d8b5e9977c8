package child

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test binary is its own child: envMode says which part it plays.
const envMode = "PLEXUS_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(envMode); mode != "" {
		play(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

func play(mode string) {
	switch mode {
	case "good":
	case "noisy":
		for range 20000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 50))
		}
	case "rubbish":
		fmt.Println("hello, I am not a child")
	case "endless":
		for {
			fmt.Print(strings.Repeat("x", 1<<16))
		}
	case "cookie":
		os.Unsetenv(handshake.MagicCookieKey)
	case "version":
		fmt.Println("1|99|unix|/nowhere|grpc|")
		time.Sleep(time.Hour)
	case "elsewhere":
		fmt.Println("1|1|tcp|192.0.2.1:80|grpc|")
		time.Sleep(time.Hour)
	case "lies":
		fmt.Println("1|1|unix|/nowhere/at/all|grpc|")
		time.Sleep(time.Hour)
	case "silent":
		time.Sleep(time.Hour)
	case "exits":
		fmt.Fprintln(os.Stderr, "no model file")
		os.Exit(3)
	case "host":
		p, err := Start(context.Background(), config("family"))
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		grandchild, err := p.Call(context.Background(), "spawn", nil)
		fmt.Println(p.PID(), string(grandchild), err)
		time.Sleep(time.Hour)
	}
	if err := Serve(handle); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func handle(ctx context.Context, method string, body []byte) ([]byte, error) {
	switch method {
	case "echo":
		return body, nil
	case "refuse":
		return nil, errors.New("I would rather not")
	case "die":
		os.Exit(7)
	case "panic":
		panic("the sky fell")
	case "hang":
		select {}
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {} // the signal may take a moment
	case "large":
		n, _ := strconv.Atoi(string(body))
		return make([]byte, n), nil
	case "env":
		return []byte(strings.Join(os.Environ(), "\n")), nil
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "spawn":
		cmd := exec.Command("/bin/sleep", "3600")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return []byte(strconv.Itoa(cmd.Process.Pid)), nil
	}
	return nil, nil
}

func config(mode string) Config {
	return Config{Command: []string{os.Args[0]}, Env: []string{envMode + "=" + mode}, Name: mode,
		MaxMessage: 1 << 20, StartTimeout: 30 * time.Second}
}

func start(t *testing.T, mode string) *Process {
	t.Helper()
	p, err := Start(t.Context(), config(mode))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// bothWays runs a test over gRPC and over a link.
func bothWays(t *testing.T, test func(*testing.T, func(*testing.T, string) *Process)) {
	t.Run("grpc", func(t *testing.T) { test(t, start) })
	t.Run("link", func(t *testing.T) {
		test(t, func(t *testing.T, mode string) *Process {
			t.Helper()
			c := config(mode)
			c.Link = true
			p, err := Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.Kill)
			if runtime.GOOS != "windows" && p.link == nil {
				t.Fatal("no link")
			}
			return p
		})
	})
}

// FuzzLink: whatever a host writes, the child's end neither panics nor hangs,
// and what it answers is whole.
func FuzzLink(f *testing.F) {
	f.Add([]byte("\x04\x00\x00\x00\x02echohi\x06\x00\x00\x00\x00refuse"))
	f.Add([]byte("\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		s := &script{in: bytes.NewReader(in)}
		serveLink(s, 1<<10, func(_ context.Context, method string, body []byte) ([]byte, error) {
			if method == "refuse" {
				return nil, errors.New("no")
			}
			return body, nil
		})
		for out := s.out.Bytes(); len(out) > 0; {
			if len(out) < linkHead || out[0] > linkLarge {
				t.Fatalf("answer %x", out)
			}
			n := int(binary.BigEndian.Uint32(out[1:]))
			if n > 1<<10 || n > len(out)-linkHead {
				t.Fatalf("answer of %d bytes", n)
			}
			out = out[linkHead+n:]
		}
	})
}

// script is the child's end of a link whose host has said everything.
type script struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *script) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *script) Close() error                { return nil }

// gone waits until no process has the id.
func gone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err := syscall.Kill(pid, 0); err == syscall.ESRCH {
			return
		}
		// A zombie whose parent is init or the test's own reaper counts as gone.
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && bytes.Contains(b, []byte(") Z ")) {
			return
		}
	}
	t.Fatalf("process %d is still there", pid)
}

func TestCall(t *testing.T) { bothWays(t, testCall) }

func testCall(t *testing.T, start func(*testing.T, string) *Process) {
	p := start(t, "good")
	big := bytes.Repeat([]byte("z"), 1<<20)
	for _, body := range [][]byte{nil, []byte("hello"), big} {
		got, err := p.Call(t.Context(), "echo", body)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("echo of %d bytes: %d bytes, %v", len(body), len(got), err)
		}
	}
	for _, c := range []struct {
		method, body string
		want         error
		text         string
	}{
		{"refuse", "", ErrRefused, "I would rather not"},
		{"large", strconv.Itoa(1<<20 + 1), ErrTooLarge, "1048576"},
		{"large", strconv.Itoa(64 << 20), ErrTooLarge, "1048576"},
		{"Bad Method", "", nil, "method"},
		{"", "", nil, "method"},
	} {
		_, err := p.Call(t.Context(), c.method, []byte(c.body))
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v", c.method, err, c.want)
		}
	}
	if _, err := p.Call(t.Context(), "echo", make([]byte, 1<<20+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("large request: %v", err)
	}
	if got, err := p.Call(t.Context(), "echo", []byte("still")); err != nil || string(got) != "still" {
		t.Errorf("after the errors: %q, %v", got, err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			want := []byte(strconv.Itoa(i))
			if got, err := p.Call(t.Context(), "echo", want); err != nil || !bytes.Equal(got, want) {
				t.Errorf("overlapping call: %q, %v", got, err)
			}
		})
	}
	wg.Wait()
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_HOST", "1")
	p := start(t, "good")
	env, err := p.Call(t.Context(), "env", nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(env, []byte("SECRET_OF_THE_HOST")) || !bytes.Contains(env, []byte(envMode+"=good")) {
		t.Errorf("environment:\n%s", env)
	}
}

func TestDeath(t *testing.T) { bothWays(t, testDeath) }

func testDeath(t *testing.T, start func(*testing.T, string) *Process) {
	for _, c := range []struct{ method, text string }{
		{"die", "exit status 7"}, {"panic", "the sky fell"},
	} {
		p := start(t, "good")
		_, err := p.Call(t.Context(), c.method, nil)
		if !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.method, err)
		}
		<-p.Done()
		if _, err := p.Call(t.Context(), "echo", nil); p.Alive() || !errors.Is(err, ErrDied) {
			t.Errorf("%s: a dead child answered: %v", c.method, err)
		}
		p.Kill()
	}
}

func TestHang(t *testing.T) { bothWays(t, testHang) }

func testHang(t *testing.T, start func(*testing.T, string) *Process) {
	for _, method := range []string{"hang", "wait", "stop"} {
		p := start(t, "good")
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		_, err := p.Call(ctx, method, nil)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", method, err)
		}
		if !p.Alive() {
			t.Errorf("%s: killed without having been asked", method)
		}
		begin := time.Now()
		p.Kill()
		if d := time.Since(begin); d > time.Second {
			t.Errorf("%s: kill took %v", method, d)
		}
		if p.Alive() {
			t.Errorf("%s: survived", method)
		}
		gone(t, p.PID())
	}
}

func TestKilledDuringCall(t *testing.T) { bothWays(t, testKilledDuringCall) }

func testKilledDuringCall(t *testing.T, start func(*testing.T, string) *Process) {
	p := start(t, "good")
	time.AfterFunc(100*time.Millisecond, func() { _ = syscall.Kill(p.PID(), syscall.SIGKILL) })
	if _, err := p.Call(t.Context(), "hang", nil); !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("%v", err)
	}
}

func TestKillTakesTheGroup(t *testing.T) {
	p := start(t, "good")
	pid, err := p.Call(t.Context(), "spawn", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Kill()
	p.Kill()
	n, _ := strconv.Atoi(string(pid))
	gone(t, n)
}

// A host that is killed without a chance to clean up leaves no child.
func TestHostKilled(t *testing.T) {
	host := exec.Command(os.Args[0])
	host.Env = []string{envMode + "=host"}
	out, err := host.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var pid, grandchild int
	if _, serr := fmt.Sscan(line, &pid, &grandchild); err != nil || serr != nil {
		t.Fatalf("%q: %v %v", line, err, serr)
	}
	_ = host.Process.Kill()
	_ = host.Wait()
	gone(t, pid)
	_ = syscall.Kill(grandchild, syscall.SIGKILL) // nothing promises this one's end
}

func TestNoHandshake(t *testing.T) {
	for _, c := range []struct {
		mode, text string
		want       error
	}{
		{"rubbish", "not a child", ErrHandshake}, {"endless", "", ErrHandshake},
		{"cookie", "started by plexus itself", ErrHandshake}, {"version", "99", ErrHandshake},
		{"elsewhere", "loopback", ErrHandshake}, {"exits", "no model file", ErrHandshake},
		{"lies", "", ErrHandshake}, {"silent", "deadline", context.DeadlineExceeded},
	} {
		cfg := config(c.mode)
		if c.mode == "silent" {
			cfg.StartTimeout = 300 * time.Millisecond
		}
		begin := time.Now()
		p, err := Start(t.Context(), cfg)
		if err == nil {
			p.Kill()
		}
		if !errors.Is(err, c.want) || !errors.Is(err, ErrHandshake) || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 4<<10 {
			t.Errorf("%s: %.5000v", c.mode, err)
		}
		if d := time.Since(begin); d > 20*time.Second {
			t.Errorf("%s took %v", c.mode, d)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, config("silent")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestNotStartable(t *testing.T) {
	for _, c := range []Config{
		{}, {Command: []string{"/nowhere/at/all"}}, {Command: []string{"plexus-no-such-program"}},
		{Command: []string{os.Args[0]}, MaxMessage: 2 << 30}, {Command: []string{"/"}},
	} {
		if _, err := Start(t.Context(), c); err == nil || errors.Is(err, ErrHandshake) {
			t.Errorf("%v: %v", c.Command, err)
		}
	}
	if err := Serve(handle); !errors.Is(err, ErrNotChild) {
		t.Errorf("serve by hand: %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var log, raw lockedBuffer
	cfg := config("noisy")
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	cfg.Stderr = &raw
	p, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if _, err := p.Call(t.Context(), "print", nil); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if strings.Contains(raw.String(), "to stdout") && strings.Contains(raw.String(), "to stderr") {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if s := raw.String(); len(s) < 1<<20 || !strings.Contains(s, "to stdout") || !strings.Contains(s, "to stderr") {
		t.Errorf("raw output of %d bytes", len(s))
	}
	if n := strings.Count(log.String(), "\n"); n == 0 || n > 2*linesPerSpan+10 {
		t.Errorf("%d lines logged", n)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
