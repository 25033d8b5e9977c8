package wasm

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// TestCompiledOnce has many processes load one module into one empty cache:
// exactly one of them compiles it.
func TestCompiledOnce(t *testing.T) {
	if dir := os.Getenv("PLEXUS_TEST_CACHE"); dir != "" {
		loadFrom(t, dir, guest(t), slog.New(slog.NewTextHandler(os.Stdout, nil)))
		return
	}
	guest(t) // so that the children find it in Go's cache
	dir := t.TempDir()
	var all bytes.Buffer
	var mu sync.Mutex
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestCompiledOnce$", "-test.v")
			cmd.Env = append(os.Environ(), "PLEXUS_TEST_CACHE="+dir)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			all.Write(out)
		})
	}
	wait.Wait()
	if n := strings.Count(all.String(), "compiled module"); n != 1 {
		t.Errorf("compiled %d times: %s", n, all.String())
	}
}

func loadFrom(t *testing.T, dir string, module []byte, log *slog.Logger) {
	t.Helper()
	e, err := NewEngine(Config{CacheDir: dir, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	m, err := e.Load(context.Background(), module)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	if _, err := m.Call(context.Background(), abi.OpSolve, []byte("eworks"), [32]byte{}); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedCache: compiled code that is not what was written is not run.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	module := spec{}.bytes() // compiles in a millisecond
	load := func(want string) {
		t.Helper()
		var log bytes.Buffer
		loadFrom(t, dir, module, slog.New(slog.NewTextHandler(&log, nil)))
		if got := log.String(); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("log %q, want %q", got, want)
		}
	}
	load("compiled module")
	load("")
	for name, harm := range map[string]func(b []byte) []byte{
		"cut off":   func(b []byte) []byte { return b[:len(b)/2] },
		"one bit":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"an offset": func(b []byte) []byte { b[30] ^= 0x10; return b },
		"emptied":   func(b []byte) []byte { return nil },
	} {
		files, err := filepath.Glob(filepath.Join(dir, "m*", "wazero-*", "*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%v %v", files, err)
		}
		b, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], harm(b), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		load("damaged")
		load("")
	}
}
