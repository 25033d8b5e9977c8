package trial

import (
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
	"github.com/plexus-network/plexus/plugins/wasm"
)

// The test binary is its own engine: envMode says of which kind, envSolver which
// module knows the answers.
const envMode, envSolver = "PLEXUS_TEST_EXAM", "PLEXUS_TEST_EXAM_SOLVER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(envMode); mode != "" {
		fmt.Fprintln(os.Stderr, sit(mode))
		os.Exit(1)
	}
	var err error
	if compiled, err = os.MkdirTemp("", "plexus-trial-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(compiled)
	os.Exit(code)
}

func sit(mode string) error {
	code, err := os.ReadFile(os.Getenv(envSolver))
	if err != nil {
		return err
	}
	e, err := wasm.NewEngine(wasm.Config{CacheDir: filepath.Join(filepath.Dir(os.Getenv(envSolver)), "cache")})
	if err != nil {
		return err
	}
	m, err := e.Load(context.Background(), code)
	if err != nil {
		return err
	}
	n := 0
	return engine.Serve(func(ctx context.Context, t engine.Task) ([]byte, error) {
		n++
		r := abi.SolveRequest{Public: t.Public}
		reply, err := m.Call(ctx, abi.OpSolve, r.Append(nil), [32]byte{})
		switch {
		case mode == "brittle" && len(t.Public) == 0:
			os.Exit(5)
		case mode == "stuck" && err != nil:
			select {}
		case mode == "slow":
			time.Sleep(150 * time.Millisecond)
		case mode == "tight" && n == 1:
			time.Sleep(2500 * time.Millisecond)
		case mode == "lazy":
			return []byte("e"), nil
		case mode == "long":
			return make([]byte, 1<<20), nil
		case mode == "shy" && n%2 == 0:
			return nil, errors.New("not in the mood")
		case mode == "careless" && err != nil:
			return []byte("something"), nil
		}
		return reply.Body, err
	})
}

func TestExamine(t *testing.T) {
	m := spell(t)
	code, err := plugins.Build(t.Context(), filepath.Join("..", "..", "sdk-wasm", "go", "spell"), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "solver.wasm")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode     string
		deadline time.Duration
		findings []string // parts of each, in their order
		holds    func(x *Exam, engine, repeated, empty, solver Mark) bool
	}{
		{"good", 0, nil, func(x *Exam, engine, repeated, empty, solver Mark) bool {
			return x.Answered == x.Tasks && engine.Mean > solver.Mean*3/4 && engine.Mean > 2*repeated.Mean && empty.Mean < repeated.Mean+1 && x.P50 > 0 && x.P50 <= x.P95 && x.First <= x.P50 && x.Bytes > 0
		}},
		{"careless", 0, nil, func(x *Exam, _, _, _, _ Mark) bool { return x.Oddities[len(x.Oddities)-1].Outcome == "answered" }},
		{"brittle", 0, []string{"a task that is none (empty) ends the engine"}, func(x *Exam, _, _, _, _ Mark) bool {
			return x.Answered == x.Tasks && x.Oddities[0] == (Oddity{"empty", "died"}) && x.Oddities[1].Outcome != "died"
		}},
		{"stuck", 0, []string{"(noise of 4 MiB) ends"}, func(x *Exam, _, _, _, _ Mark) bool { return x.Oddities[len(x.Oddities)-1].Outcome == "hung" }},
		{"slow", 100 * time.Millisecond, []string{"4 of 4 answers came after the deadline", "earn nothing"}, func(x *Exam, engine, _, _, solver Mark) bool {
			return x.Late == 4 && engine.Most == 0 && solver.Mean > 0 && x.P50 >= 150
		}},
		// Between what it sleeps and its deadline lies more than a machine's stall.
		{"tight", 3 * time.Second, []string{"one answer in twenty"}, func(x *Exam, engine, _, _, _ Mark) bool { return x.Late == 0 && engine.Mean > 0 }},
		{"lazy", 0, []string{"does not look at the task"}, func(x *Exam, engine, repeated, _, _ Mark) bool { return x.Answered == 4 }},
		{"long", 0, []string{"4 of 4 tasks got no answer", "seed 0: answer of 1048576 bytes", "seed 1", "seed 2", "earn nothing"}, func(x *Exam, _, _, _, _ Mark) bool { return x.Failed == 4 }},
		{"shy", 0, []string{"2 of 4 tasks got no answer", "seed 1: ", "seed 3: "}, func(x *Exam, engine, _, _, solver Mark) bool {
			return x.Failed == 2 && engine.Least == 0 && strings.Contains(x.Findings[1], "not in the mood")
		}},
	} {
		t.Run(c.mode, func(t *testing.T) {
			t.Parallel()
			timeout := 30 * time.Second
			if c.mode == "stuck" {
				timeout = 2 * time.Second // it is what ends it
			}
			e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: c.mode, Timeout: timeout,
				Env: []string{envMode + "=" + c.mode, envSolver + "=" + file}})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			last, total := 0, 0
			x, err := Examine(t.Context(), m, e, ExamOptions{Deadline: c.deadline, Options: Options{Tasks: 4, Progress: func(done, of int) {
				if done != last+1 {
					t.Errorf("progress %d after %d", done, last)
				}
				last, total = done, of
			}}})
			if err != nil {
				t.Fatal(err)
			}
			if last != total || len(x.Oddities) != total-4 || len(x.Examples) != 4 || x.Answered+x.Late+x.Failed != 4 {
				t.Errorf("%d of %d, %+v", last, total, x)
			}
			marks := map[string]Mark{}
			for _, k := range x.Marks {
				marks[k.Name] = k
				if k.Least > k.Mean || k.Mean > k.Most || k.Most > abi.One {
					t.Errorf("%+v", k)
				}
			}
			if !c.holds(x, marks[MarkEngine], marks[MarkRepeated], marks[MarkEmpty], marks[MarkSolver]) {
				t.Errorf("%+v", x)
			}
			for i, want := range c.findings {
				if i >= len(x.Findings) || !strings.Contains(x.Findings[i], want) {
					t.Fatalf("findings %q, want %q", x.Findings, c.findings)
				}
			}
			if c.findings == nil && len(x.Findings) > 0 {
				t.Errorf("findings %q", x.Findings)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		q    float64
		want float64
	}{{nil, 0.5, 0}, {[]float64{3}, 0.95, 3}, {[]float64{3, 1, 2}, 0.5, 2}, {[]float64{4, 3, 2, 1}, 0.5, 2}, {[]float64{4, 3, 2, 1}, 0.95, 4}} {
		if got := quantile(c.v, c.q); got != c.want {
			t.Errorf("%v of %v: %v, want %v", c.q, c.v, got, c.want)
		}
	}
}
