package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine: the module's file, its parameter and its data
// stand in the environment.
const envModule = "PLEXUS_TEST_SOLVER"

func TestMain(m *testing.M) {
	if module := os.Getenv(envModule); module != "" {
		fmt.Fprintln(os.Stderr, Run(Config{Module: module, Param: os.Getenv("PARAM"), Data: os.Getenv("DATA"), Cache: os.Getenv("CACHE")}, 2*time.Second))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// build compiles the solver once for all tests.
func build(t *testing.T) (module string, code []byte) {
	t.Helper()
	code, err := plugins.Build(t.Context(), "testdata/solver", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	module = filepath.Join(t.TempDir(), "solver.wasm")
	if err := os.WriteFile(module, code, 0o600); err != nil {
		t.Fatal(err)
	}
	return module, code
}

func TestSolver(t *testing.T) {
	module, code := build(t)
	cache := t.TempDir()
	data := filepath.Join(t.TempDir(), "data.csv")
	open := func(c Config) *Solver {
		t.Helper()
		c.Module, c.Cache = module, cache
		s, err := Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	answer := func(s *Solver, want string) {
		t.Helper()
		if got, err := s.Answer(t.Context(), []byte("task")); err != nil || string(got) != want {
			t.Fatalf("%.60q, %v, want %.60q", got, err, want)
		}
	}
	t.Run("data", func(t *testing.T) {
		answer(open(Config{Param: "echo"}), "task|")
		s := open(Config{Param: "echo", Data: data})
		answer(s, "task|") // it is not there yet
		for _, text := range []string{"1,2\n", "1,2\n3,4\n", ""} {
			if err := os.WriteFile(data, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			answer(s, "task|"+text)
		}
		long := strings.Repeat("0123456789\n", MaxData/11+100)
		if err := os.WriteFile(data, []byte(long), 0o600); err != nil {
			t.Fatal(err)
		}
		answer(s, "task|"+long[len(long)-MaxData/11*11:])
	})
	t.Run("seed", func(t *testing.T) {
		s := open(Config{Param: "seed"})
		one, err1 := s.Answer(t.Context(), nil)
		two, err2 := s.Answer(t.Context(), nil)
		if err1 != nil || err2 != nil || len(one) != 32 || bytes.Equal(one, two) || bytes.Equal(one, make([]byte, 32)) {
			t.Errorf("%x, %v; %x, %v", one, err1, two, err2)
		}
	})
	t.Run("faults", func(t *testing.T) {
		for _, c := range []struct {
			config Config
			want   error
			text   string
		}{
			{Config{Param: "other"}, plugins.ErrRefused, "no such mode"},
			{Config{Param: "spin", Fuel: 50e6}, plugins.ErrFuel, ""},
			{Config{Param: "long"}, nil, "its manifest allows 307200"},
			{Config{Param: "echo", Data: cache}, nil, "is no file"},
		} {
			_, err := open(c.config).Answer(t.Context(), nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v", c.config.Param, err)
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		dir := t.TempDir()
		man, err := plugins.ReadManifest(code)
		if err != nil {
			t.Fatal(err)
		}
		put := func(name string, b []byte) string {
			name = filepath.Join(dir, name)
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return name
		}
		man.Ops = []abi.Op{abi.OpTask}
		bare := []byte("\x00asm\x01\x00\x00\x00")
		other, err := plugins.AppendManifest(bare, man)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			config Config
			want   error
			text   string
		}{
			{Config{}, nil, "--module"},
			{Config{Module: dir}, nil, "plugin build"},
			{Config{Module: filepath.Join(dir, "none")}, os.ErrNotExist, "none"},
			{Config{Module: put("empty", nil)}, plugins.ErrABI, ""},
			{Config{Module: put("bare", bare)}, plugins.ErrManifest, ""},
			{Config{Module: put("other", other)}, ErrNoSolver, "other"},
			{Config{Module: put("cut", code[:len(code)/2])}, plugins.ErrABI, ""},
			{Config{Module: module, Param: strings.Repeat("x", MaxParam+1)}, nil, "at most"},
		} {
			if s, err := Open(t.Context(), c.config); err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v", c.config.Module, err)
				if err == nil {
					s.Close()
				}
			}
		}
	})
	t.Run("child", func(t *testing.T) {
		child := func(param string) *engine.Engine {
			e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: param, Timeout: 20 * time.Second,
				Env: []string{envModule + "=" + module, "PARAM=" + param, "CACHE=" + cache}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(e.Close)
			return e
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if got, err := child("echo").Answer(ctx, 1, []byte("task")); err != nil || string(got) != "task|" {
			t.Errorf("%q, %v", got, err)
		}
		// Some seconds of fuel are stopped by the clock, with a word of why.
		if _, err := child("spin").Answer(ctx, 1, nil); !errors.Is(err, engine.ErrDied) || !strings.Contains(err.Error(), "--timeout") {
			t.Errorf("%v", err)
		}
		if err := Run(Config{Module: module, Cache: cache}, 0); err == nil {
			t.Error("ran without a clock")
		}
	})
}

func TestTail(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct{ text, want string }{
		{"", ""}, {"abc", "abc"}, {"0123456789", "0123456789"},
		{"x\n012345678", "012345678"}, {"line one\nline two\n", "line two\n"},
		{"\n0123456789", "0123456789"}, {"0123456789ab", "23456789ab"},
	} {
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := tail(name, 10); err != nil || string(got) != c.want {
			t.Errorf("%q: %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

func TestDefaultCache(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "")
	with := DefaultCache()
	t.Setenv("HOME", "")
	if without := DefaultCache(); without != "" && (with == "" || filepath.Base(without) != "modules") {
		t.Errorf("%q without HOME, %q with it", without, with)
	}
}
