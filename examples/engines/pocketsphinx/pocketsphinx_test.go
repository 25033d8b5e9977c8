package pocketsphinx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine.
const envRun = "PLEXUS_TEST_SPHINX"

func TestMain(m *testing.M) {
	if os.Getenv(envRun) != "" {
		fmt.Fprintln(os.Stderr, Run(Config{}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func recogniser(t *testing.T, c Config) *Recogniser {
	t.Helper()
	r, err := New(c)
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func task(t *testing.T, seed int) abi.Task {
	t.Helper()
	recipes := speech.Recipes()
	req := &abi.TaskRequest{Beta: [32]byte{byte(seed)}}
	for i := range speech.Clips {
		at := (seed*speech.Clips + i) % (len(recipes) / speech.RecipeLen) * speech.RecipeLen
		req.Slices = append(req.Slices, recipes[at:at+speech.RecipeLen])
	}
	got, err := speech.DrawTask(req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// It understands a part of what the synthesiser says: more than a constant answer
// gets, by a margin.
func TestScore(t *testing.T) {
	r := recogniser(t, Config{Timeout: time.Minute})
	const tasks = 6
	var heard, lazy float64
	begin := time.Now()
	for seed := range tasks {
		x := task(t, seed)
		own, err := r.Answer(t.Context(), x.Public)
		if err != nil {
			t.Fatal(err)
		}
		same, err := model.Solve(&abi.SolveRequest{Params: []byte("lazy"), Public: x.Public})
		if err != nil {
			t.Fatal(err)
		}
		s, err := speech.Score(&abi.ScoreRequest{Public: x.Public, Private: x.Private, Payloads: [][]byte{own, same}})
		if err != nil {
			t.Fatal(err)
		}
		heard += float64(s[0]) / float64(abi.One) / tasks
		lazy += float64(s[1]) / float64(abi.One) / tasks
	}
	t.Logf("mean of %d tasks: PocketSphinx %.3f, a constant answer %.3f, %v a task", tasks, heard, lazy, (time.Since(begin) / tasks).Round(time.Millisecond))
	if heard < lazy+0.1 || heard < 0.25 {
		t.Errorf("PocketSphinx %.3f, a constant answer %.3f", heard, lazy)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "plexus-speech-*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestFaults(t *testing.T) {
	r := recogniser(t, Config{})
	if _, err := r.Answer(t.Context(), []byte("rubbish")); err == nil {
		t.Error("rubbish was answered")
	}
	bad := filepath.Join(t.TempDir(), "bad.gram")
	if err := os.WriteFile(bad, []byte("no grammar"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := recogniser(t, Config{Grammar: bad}).Answer(t.Context(), task(t, 1).Public); !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := r.Answer(ctx, task(t, 1).Public); !errors.Is(err, ErrFailed) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if got, err := recogniser(t, Config{Free: true, Timeout: time.Minute}).Answer(t.Context(), task(t, 1).Public); err != nil || len(got) == 0 {
		t.Error(err)
	}
	for _, c := range []Config{{Timeout: -1}, {Grammar: bad + "-missing"}, {Model: t.TempDir()}, {Free: true, Grammar: bad}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

func TestNotInstalled(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Run(Config{}); !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "apt-get install") {
		t.Error(err)
	}
}

func TestChild(t *testing.T) {
	recogniser(t, Config{})
	e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: "pocketsphinx", Timeout: 30 * time.Second, Env: []string{envRun + "=1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	x := task(t, 2)
	got, err := e.Answer(t.Context(), 5, x.Public)
	if err != nil {
		t.Fatal(err)
	}
	if texts, err := speech.DecodeTexts(got, speech.Clips); err != nil || len(texts) != speech.Clips {
		t.Errorf("%q, %v", texts, err)
	}
	if _, err := e.Answer(t.Context(), 5, nil); !errors.Is(err, engine.ErrRefused) {
		t.Error(err)
	}
}

// FuzzTranscripts: whatever the program writes, there are as many texts as clips,
// which an answer may hold.
func FuzzTranscripts(f *testing.F) {
	f.Add("one two (0 -123)\n(1 -5)\nthree four (2 -9)\n", 3)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, min(n, 8))
		got := transcripts(s, n)
		if len(got) != n {
			t.Fatalf("%d texts of %d clips", len(got), n)
		}
		for _, x := range got {
			if len(x) > speech.MaxText || !utf8.ValidString(x) {
				t.Fatalf("%q", x)
			}
		}
	})
}
