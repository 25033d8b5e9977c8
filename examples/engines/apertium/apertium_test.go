package apertium

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/translate"
	"github.com/plexus-network/plexus/examples/subnets/translate/model"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine.
const envDirection = "PLEXUS_TEST_DIRECTION"

func TestMain(m *testing.M) {
	if d := os.Getenv(envDirection); d != "" {
		fmt.Fprintln(os.Stderr, Run(d, "", 10*time.Second))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const direction = "eng-spa"

// installed skips a test where Apertium is not.
func installed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	all, err := Directions(ctx)
	if errors.Is(err, ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(all, " "), direction) {
		t.Skip("Apertium has no English-Spanish: apt-get install apertium-eng-spa")
	}
}

func chain(t *testing.T) *Chain {
	t.Helper()
	c, err := Open(t.Context(), direction)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestTranslate(t *testing.T) {
	installed(t)
	c := chain(t)
	for _, x := range []struct {
		in, out string
		unknown int
	}{
		{"I have two books.", "Tengo dos libros.", 0},
		{"I have two books", "Tengo dos libros", 0},
		{"the house", "La casa", 0},
		{"the qwzrtx house", "El qwzrtx casa", 1},
		{"zaplo mirkun tesh", "zaplo mirkun tesh", 3},
		{"", "", 0},
	} {
		got, unknown, err := c.Translate(t.Context(), x.in)
		if err != nil || got != x.out || unknown != x.unknown {
			t.Errorf("%q: %q, %d unknown, %v; want %q, %d", x.in, got, unknown, err, x.out, x.unknown)
		}
	}
	// What the stream's format gives a meaning does not upset it.
	for _, s := range []string{`[[]`, `a [b] c`, `^x$`, `\`, `{}<a>@/`, `*house`, `a.[]`, "mañana ñ 中文 🙂", strings.Repeat("house ", 40), "]]]][[["} {
		if _, _, err := c.Translate(t.Context(), s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if got, _, err := c.Translate(t.Context(), "I have two books."); err != nil || got != "Tengo dos libros." {
			t.Fatalf("after %q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"a\nb", "a\x00b"} {
		if _, _, err := c.Translate(t.Context(), s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
	begin := time.Now()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if got, _, err := c.Translate(t.Context(), "the house"); err != nil || got != "La casa" {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%v for a short sentence", (time.Since(begin) / 20).Round(10*time.Microsecond))
}

// A chain that is killed or stopped costs one sentence.
func TestChainBreaks(t *testing.T) {
	installed(t)
	c := chain(t)
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		if _, _, err := c.Translate(t.Context(), "the house"); err != nil {
			t.Fatal(err)
		}
		_ = syscall.Kill(-c.cmd.Process.Pid, sig)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if got, _, err := c.Translate(ctx, "the house"); !errors.Is(err, ErrChain) {
			t.Errorf("%v: %q, %v", sig, got, err)
		}
		cancel()
		if got, _, err := c.Translate(t.Context(), "the house"); err != nil || got != "La casa" {
			t.Errorf("after %v: %q, %v", sig, got, err)
		}
	}
	group := c.cmd.Process.Pid
	c.Close()
	left := func() (n int) {
		stats, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, name := range stats {
			b, _ := os.ReadFile(name)
			f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
			if len(f) > 2 && f[0] != "Z" && f[2] == fmt.Sprint(group) {
				n++
			}
		}
		return n
	}
	for deadline := time.Now().Add(5 * time.Second); left() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d programs of the chain are left", left())
		}
	}
}

func TestOpen(t *testing.T) {
	t.Run("not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if _, err := Open(t.Context(), direction); !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), "apt-get install") {
			t.Error(err)
		}
		if err := Run(direction, "", time.Second); !errors.Is(err, ErrNotInstalled) {
			t.Error(err)
		}
	})
	installed(t)
	if _, err := Open(t.Context(), "eng-xyz"); !errors.Is(err, ErrDirection) || !strings.Contains(err.Error(), direction) {
		t.Error(err)
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("no tab\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{bad, bad + "-missing"} {
		if _, err := NewMiner(t.Context(), direction, data); err == nil {
			t.Errorf("took %s", data)
		}
	}
	if err := Run(direction, "", 0); err == nil {
		t.Error("ran without a clock")
	}
}

// The Apertium miner out-scores the dictionary miner, which has learned from the
// published half, on English-Spanish sentences: in each of 20 runs of 8 tasks, by the
// module's own score.
func TestBeatsTheDictionary(t *testing.T) {
	installed(t)
	pairs, err := translate.ReadPairs("testdata/pairs.tsv")
	if err != nil {
		t.Fatal(err)
	}
	hidden, public, err := translate.Cut(pairs, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	published, err := model.Pairs(public)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMiner(t.Context(), direction, "")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	// Each hidden sentence is translated once; the tasks repeat them.
	memo := map[string]string{}
	translated := func(p *translate.Public) (a translate.Answer) {
		for _, s := range p.Sources {
			if _, ok := memo[s]; !ok {
				line, _, err := m.chain.Translate(t.Context(), s)
				if err != nil {
					t.Fatal(err)
				}
				memo[s] = asWritten(s, line)
			}
			a = append(a, memo[s])
		}
		return a
	}
	const runs, tasks = 20, 8
	var means [4]float64
	least := 1.0
	for run := range uint64(runs) {
		r := rand.New(rand.NewPCG(run, 1))
		var sums [4]float64
		for n := range tasks {
			req := &abi.TaskRequest{}
			for i := range req.Beta {
				req.Beta[i] = byte(r.Uint32())
			}
			for range translate.Slices {
				at := r.IntN(len(hidden)/translate.SliceLen) * translate.SliceLen
				req.Slices = append(req.Slices, hidden[at:at+translate.SliceLen])
			}
			task, err := translate.DrawTask(req)
			if err != nil {
				t.Fatal(err)
			}
			p, err := translate.DecodePublic(task.Public)
			if err != nil {
				t.Fatal(err)
			}
			var payloads [][]byte
			a := translated(&p)
			payloads = append(payloads, a.Append(nil))
			if run == 0 && n == 0 {
				if own, err := m.Answer(t.Context(), task.Public); err != nil || !bytes.Equal(own, payloads[0]) {
					t.Fatalf("%q, %v", own, err)
				}
			}
			for _, name := range []string{model.Baseline, model.Good, model.Lazy} {
				a, err := model.Answer(name, published, &p)
				if err != nil {
					t.Fatal(err)
				}
				payloads = append(payloads, a.Append(nil))
			}
			scores, err := translate.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: payloads})
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range scores {
				sums[i] += float64(s) / float64(abi.One) / tasks
			}
		}
		for i := range sums {
			means[i] += sums[i] / runs
		}
		least = min(least, sums[0]-sums[1])
		if sums[0] < sums[1]+0.1 || sums[0] < sums[2]+0.1 {
			t.Errorf("run %d: Apertium %.3f, dictionary %.3f, by example %.3f", run, sums[0], sums[1], sums[2])
		}
	}
	t.Logf("mean of %d tasks: Apertium %.3f, dictionary %.3f, by example %.3f, the sentence itself %.3f; least lead over the dictionary in %d tasks %.3f",
		runs*tasks, means[0], means[1], means[2], means[3], tasks, least)
}

// As a real child, on default tasks: half of a language that Apertium cannot know.
func TestChild(t *testing.T) {
	installed(t)
	e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: "apertium", Timeout: 20 * time.Second,
		Env: []string{envDirection + "=" + direction}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	hidden, _, err := translate.Cut(translate.DefaultPairs(), 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	req := &abi.TaskRequest{Beta: [32]byte{3}}
	for i := range translate.Slices {
		req.Slices = append(req.Slices, hidden[i*translate.SliceLen:][:translate.SliceLen])
	}
	task, err := translate.DrawTask(req)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	begin := time.Now()
	answer, err := e.Answer(ctx, 4, task.Public)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	scores, err := translate.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: [][]byte{answer}})
	if err != nil {
		t.Fatal(err)
	}
	score := float64(scores[0]) / float64(abi.One)
	t.Logf("a default task in %v, score %.3f", took.Round(time.Millisecond), score)
	if score < 0.35 {
		t.Errorf("score %.3f", score)
	}
	if _, err := e.Answer(ctx, 4, []byte("rubbish")); !errors.Is(err, engine.ErrRefused) {
		t.Error(err)
	}
	// Nothing of the chain outlives the engine, however that ends.
	_ = syscall.Kill(e.Health().PID, syscall.SIGKILL)
	e.Close()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, _ := exec.Command("pgrep", "-f", "eng-spa.autogen.bin").Output()
		if len(strings.TrimSpace(string(out))) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("left behind: %s", out)
			break
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a [b] \\c *d")
	f.Add("]^$")
	f.Fuzz(func(t *testing.T, s string) {
		clean := strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(s, "*", ""), "")), " ")
		// Whatever the programs leave as it is comes back as it was.
		if got, unknown := unescape(escape(clean)); got != clean || unknown != 0 {
			t.Fatalf("%q came back as %q with %d unknown", clean, got, unknown)
		}
		_, _ = unescape(s)
	})
}

func TestAsWritten(t *testing.T) {
	for _, c := range [][3]string{{"the house", "La casa", "la casa"}, {"The house", "La casa", "La casa"}, {"the house", "", ""}, {"", "La", "La"}, {"ñu", "Ñu", "ñu"}} {
		if got := asWritten(c[0], c[1]); got != c[2] {
			t.Errorf("%q for %q, want %q", got, c[0], c[2])
		}
	}
}
