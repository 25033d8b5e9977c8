package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

var cacheDir string

// TestMain is also the worker: the pool starts this binary again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		fmt.Fprintln(os.Stderr, Serve(context.Background(), ServeConfig{}))
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "plexus-worker-")
	if err != nil {
		panic(err)
	}
	cacheDir = dir
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

var guest = sync.OnceValues(func() ([]byte, error) {
	return plugins.Build(context.Background(), "../wasm/testdata/guest", os.Stderr)
})

func open(t testing.TB, cfg Config) (*Pool, plugins.Caller) {
	t.Helper()
	cfg.CacheDir = cacheDir
	p, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	g, err := guest()
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Load(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	return p, m
}

func (p *Pool) pid() int {
	w, err := p.queue.take(context.Background(), nil, plugins.ID{}, 0)
	if err != nil {
		panic(err)
	}
	defer p.queue.give(w, plugins.ID{}, 0, 0)
	return w.proc.PID()
}

// running returns when a call holds a worker.
func running(t testing.TB, p *Pool) {
	t.Helper()
	for start := time.Now(); p.Stats().Running == 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatal("no call holds a worker")
		}
	}
}

func outcome(r plugins.Reply, err error) string {
	var f *plugins.Fault
	if errors.As(err, &f) {
		return fmt.Sprintf("%v %d %q fuel %d log %q id %v op %v", f.Kind, f.Status, f.Detail, f.Fuel, f.Log, f.ID, f.Op)
	}
	return fmt.Sprintf("%q fuel %d log %q %v", r.Body, r.Fuel, r.Log, err)
}

// TestSame: a worker shows what the module shows in this process.
func TestSame(t *testing.T) {
	_, m := open(t, Config{Workers: 2})
	g, _ := guest()
	e, err := wasm.NewEngine(wasm.Config{CacheDir: cacheDir})
	if err != nil {
		t.Fatal(err)
	}
	here, err := e.Load(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close(t.Context())
	if m.ID() != here.ID() || m.Manifest().Name != here.Manifest().Name {
		t.Fatal("another module")
	}
	var wait sync.WaitGroup
	for _, in := range []string{"", "ehello", "e" + strings.Repeat("long", 1<<20), "sno", "pouch", "x", "k", "m", "r", "oline"} {
		wait.Go(func() {
			want := outcome(here.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{5}))
			if got := outcome(m.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{5})); got != want {
				t.Errorf("%.9q: %.300s\nwant %.300s", in, got, want)
			}
		})
	}
	wait.Wait()
	if _, err := m.Call(t.Context(), abi.OpRank, nil, [32]byte{}); !errors.Is(err, plugins.ErrNoOp) {
		t.Error(err)
	}
}

func TestRefusedModule(t *testing.T) {
	p, _ := open(t, Config{})
	g, _ := guest()
	bad := bytes.Replace(bytes.Clone(g), []byte(abi.ExportMarker), []byte("plexus_abi_v9"), 1)
	if _, err := p.Load(t.Context(), bad); !errors.Is(err, plugins.ErrABI) || !plugins.IsGuest(err) {
		t.Errorf("wrong marker: %v", err)
	}
	if _, err := p.Load(t.Context(), g[:1000]); !errors.Is(err, plugins.ErrABI) {
		t.Errorf("cut off: %v", err)
	}
}

// TestDeadline: the wall clock stops what fuel alone would allow, and the next
// call finds a worker again.
func TestDeadline(t *testing.T) {
	_, m := open(t, Config{Timeout: 300 * time.Millisecond})
	start := time.Now()
	_, err := m.Call(t.Context(), abi.OpSolve, []byte("l"), [32]byte{})
	if !errors.Is(err, plugins.ErrDeadline) || !plugins.IsGuest(err) {
		t.Fatalf("%v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if r, err := m.Call(t.Context(), abi.OpSolve, []byte("ealive"), [32]byte{}); err != nil || string(r.Body) != "alive" {
		t.Fatalf("after: %q %v", r.Body, err)
	}
}

// TestKilled: a worker killed in the middle of a call is replaced and the call
// made again; killed again, the call fails and it is not the module's fault.
func TestKilled(t *testing.T) {
	p, m := open(t, Config{})
	done := make(chan error, 1)
	call := func() {
		_, err := m.Call(t.Context(), abi.OpSolve, []byte("l"), [32]byte{})
		done <- err
	}
	pid := p.pid()
	go call()
	running(t, p)
	syscall.Kill(pid, syscall.SIGKILL)
	if err := <-done; !errors.Is(err, plugins.ErrFuel) {
		t.Fatalf("killed once: %v", err)
	}
	if p.pid() == pid {
		t.Fatal("the same process")
	}

	p.cfg.Command = []string{os.Args[0], "-test.run=NoSuchTest"} // the next one is no worker
	pid = p.pid()
	go call()
	running(t, p)
	syscall.Kill(pid, syscall.SIGKILL)
	if err := <-done; err == nil || plugins.IsGuest(err) {
		t.Fatalf("no worker to be had: %v", err)
	}
	p.cfg.Command = []string{os.Args[0], "worker"}
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); err != nil {
		t.Fatalf("after: %v", err)
	}
	// Killed while idle, it costs nothing.
	syscall.Kill(p.pid(), syscall.SIGKILL)
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); err != nil {
		t.Fatalf("killed while idle: %v", err)
	}
}

func TestCancelAndClose(t *testing.T) {
	p, m := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := m.Call(ctx, abi.OpSolve, []byte("l"), [32]byte{}); !errors.Is(err, context.DeadlineExceeded) || plugins.IsGuest(err) {
		t.Fatalf("context ended: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := m.Call(context.Background(), abi.OpSolve, []byte("l"), [32]byte{})
		done <- err
	}()
	running(t, p)
	start := time.Now()
	p.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Fatalf("closed in a call: %v", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("close took %v", took)
	}
	if _, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}); !errors.Is(err, ErrClosed) {
		t.Fatalf("after close: %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Workers: -1}, {Workers: 257}, {Timeout: -1}, {Limits: plugins.Limits{Fuel: 1}}} {
		if _, err := Open(c); err == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	if err := Serve(t.Context(), ServeConfig{}); err == nil {
		t.Error("served without a host")
	}
}

func FuzzWire(f *testing.F) {
	f.Add(settings{cacheDir: "/x", limits: plugins.DefaultLimits()}.append(nil))
	f.Add(load{limits: plugins.DefaultLimits(), module: []byte("m")}.append(nil))
	f.Add(request{op: 3, input: []byte("in")}.append(nil))
	f.Add(answer{outcome: 1, body: (&plugins.Fault{Kind: plugins.ErrTrap}).Append(nil)}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeSettings(b); err == nil && !bytes.Equal(s.append(nil), b) {
			t.Error("settings not canonical")
		}
		if l, err := decodeLoad(b); err == nil && !bytes.Equal(l.append(nil), b) {
			t.Error("load not canonical")
		}
		if r, err := decodeRequest(b); err == nil && !bytes.Equal(r.append(nil), b) {
			t.Error("request not canonical")
		}
		if a, err := decodeAnswer(b); err == nil {
			a.result()
			if !bytes.Equal(a.append(nil), b) {
				t.Error("answer not canonical")
			}
		}
	})
}
