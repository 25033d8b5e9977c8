package text

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/engines/study"
	"github.com/plexus-network/plexus/examples/subnets/text"
	"github.com/plexus-network/plexus/plugins/engine"
)

// The test binary is its own engine: envModel says which.
const envModel = "PLEXUS_TEST_MODEL"

func TestMain(m *testing.M) {
	if name := os.Getenv(envModel); name != "" {
		fmt.Fprintln(os.Stderr, Run(name, Options{Train: os.Getenv("TRAIN"), Evidence: os.Getenv("EVIDENCE")}))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var corpus = sync.OnceValues(func() (train, hidden []byte) {
	c, err := text.ReadCorpus("")
	if err != nil {
		panic(err)
	}
	return text.Split(c)
})

var trained = sync.OnceValue(func() *Mix {
	train, _ := corpus()
	return NewMix(train)
})

// place is a context with its true next byte and what the models say of it.
type place struct {
	context []byte
	truth   byte
	says    map[string]text.Distribution
}

// draw draws real tasks from slices of the hidden half.
func draw(t *testing.T, tasks int) (places []place) {
	t.Helper()
	_, hidden := corpus()
	r := rand.New(rand.NewPCG(1, 1))
	for range tasks {
		req := &abi.TaskRequest{}
		for i := range req.Beta {
			req.Beta[i] = byte(r.Uint32())
		}
		for range text.Contexts {
			o := r.IntN(len(hidden)/text.SliceLen) * text.SliceLen
			req.Slices = append(req.Slices, hidden[o:o+text.SliceLen])
		}
		task, err := text.DrawTask(req)
		if err != nil {
			t.Fatal(err)
		}
		contexts, err := text.DecodeContexts(task.Public)
		if err != nil {
			t.Fatal(err)
		}
		truth := task.Private[len(task.Private)-text.Contexts:]
		for i, c := range contexts {
			places = append(places, place{context: c, truth: truth[i], says: map[string]text.Distribution{}})
		}
	}
	return places
}

// score scores answers to the given places by the module's own function.
func score(t *testing.T, places []place, truth []byte, answers ...text.Answer) abi.Scores {
	t.Helper()
	// The contexts do not matter to the score, and 16 KiB of them take longer to
	// encode than all the rest.
	r := &abi.ScoreRequest{Public: text.AppendContexts(nil, make([][]byte, len(places)))}
	r.Private = append([]byte{0x82, 1, 0x58, byte(len(truth))}, truth...)
	for _, a := range answers {
		r.Payloads = append(r.Payloads, a.Append(nil))
	}
	s, err := text.Score(r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	mix      = "text-mix"
	order0   = "text-order0"
	constant = "text-constant"
	copier   = "text-copy"
)

// Each model's expected score, which the subnet's README states. They are of
// the default corpus.
var expected = map[string]float64{mix: 0.75, order0: 0.38, constant: 0.13, copier: 0.07}

// TestOrder deals 64 tasks for each of 100 seeds, from 1,024 places, and gives each model other
// tasks than the others, as on the network. The models' order by summed scores
// must be right for every seed, after 64 tasks and already after 6, and by a
// margin. The copier has the best answer to the task before.
func TestOrder(t *testing.T) {
	const tasks, few, seeds = 64, 6, 100
	places := draw(t, 32)
	models := map[string]Model{mix: trained(), order0: Order0{}, constant: Constant{}}
	for name, m := range models {
		for i := 0; i < len(places); i += text.Contexts {
			var contexts [][]byte
			for _, p := range places[i : i+text.Contexts] {
				contexts = append(contexts, p.context)
			}
			for j, d := range m.Answer(contexts) {
				places[i+j].says[name] = d
			}
		}
	}
	deal := func(r *rand.Rand) (dealt []place, truth []byte) {
		for range text.Contexts {
			p := places[r.IntN(len(places))]
			dealt, truth = append(dealt, p), append(truth, p.truth)
		}
		return dealt, truth
	}
	says := func(dealt []place, name string) (a text.Answer) {
		for _, p := range dealt {
			a = append(a, p.says[name])
		}
		return a
	}
	names := []string{mix, order0, constant, copier}
	mean, square := map[string]float64{}, map[string]float64{}
	closest := map[int]float64{few: 1, tasks: 1}
	for seed := range uint64(seeds) {
		sums := map[string]float64{}
		for n := 1; n <= tasks; n++ {
			for k, name := range names {
				r := rand.New(rand.NewPCG(seed, uint64(n*len(names)+k)))
				before, _ := deal(r)
				dealt, truth := deal(r)
				var a text.Answer
				if name == copier {
					for _, d := range says(before, mix) {
						a = append(a, hedge(d))
					}
				} else {
					a = says(dealt, name)
				}
				s := float64(score(t, dealt, truth, a)[0]) / float64(abi.One)
				sums[name] += s
				mean[name] += s / (tasks * seeds)
				square[name] += s * s / (tasks * seeds)
			}
			if n != few && n != tasks {
				continue
			}
			// The margin is a tenth of a point per task.
			weak := max(sums[constant], sums[copier])
			gap := min(sums[mix]-sums[order0], sums[order0]-weak) / float64(n)
			closest[n] = min(closest[n], gap)
			if gap < 0.1 {
				t.Errorf("seed %d after %d tasks: %v", seed, n, sums)
			}
		}
	}
	for _, name := range names {
		t.Logf("%-14s mean %.4f, deviation of one task %.4f", name, mean[name], math.Sqrt(square[name]-mean[name]*mean[name]))
		if d := mean[name] - expected[name]; d < -0.02 || d > 0.02 {
			t.Errorf("%s scores %.3f, the README says %.2f", name, mean[name], expected[name])
		}
	}
	t.Logf("smallest gap: %.3f after %d tasks, %.3f after %d", closest[few], few, closest[tasks], tasks)
}

func TestMixIsPure(t *testing.T) {
	places := draw(t, 1)
	var contexts [][]byte
	for _, p := range places {
		contexts = append(contexts, p.context)
	}
	m := trained()
	answer := m.Answer(contexts)
	first := answer.Append(nil)
	_ = m.Answer([][]byte{[]byte("something quite different, and rather longer than that")})
	if !bytes.Equal(first, m.Answer(contexts).Append(nil)) {
		t.Error("an answer changed the model")
	}
	for i := range contexts[:4] {
		if !bytes.Equal(m.Answer(contexts[i : i+1])[0].Symbols, answer[i].Symbols) {
			t.Error("an answer depends on the other contexts")
		}
	}
	for _, c := range [][][]byte{{nil}, {{}, {0}}, {bytes.Repeat([]byte{0xff}, 512)}} {
		if _, err := text.DecodeAnswer(m.Answer(c).Append(nil), len(c)); err != nil {
			t.Errorf("%q: %v", c, err)
		}
	}
	if empty := NewMix(nil); len(empty.Answer(contexts)) != len(contexts) {
		t.Error("a model without a text")
	}
}

func TestQuantise(t *testing.T) {
	for _, fill := range []func(i int) float64{
		func(i int) float64 { return 1.0 / 256 },
		func(i int) float64 { return 0 },
		func(i int) float64 { return 1 },
		func(i int) float64 { return math.Pow(0.5, float64(i)) },
		func(i int) float64 { return math.NaN() },
		func(i int) float64 {
			if i == 9 {
				return 1
			}
			return 0
		},
	} {
		var p [256]float64
		for i := range p {
			p[i] = fill(i)
		}
		d := Quantise(&p)
		if err := d.Check(); err != nil || d.Escape == 0 {
			t.Errorf("%v: %v", d, err)
		}
	}
}

func TestCopier(t *testing.T) {
	dir := t.TempDir()
	contexts := make([][]byte, text.Contexts)
	c := Copier{Evidence: study.NewFolder(dir)}
	before := c.Answer(contexts).Append(nil)
	if !bytes.Equal(before, Copier{Evidence: study.NewFolder(filepath.Join(dir, "missing"))}.Answer(contexts).Append(nil)) {
		t.Error("a missing directory matters")
	}
	if err := os.WriteFile(filepath.Join(dir, "rubbish.answer"), []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	write := func(name string, score uint64, payload []byte) {
		t.Helper()
		if err := study.Write(dir, name, score, payload); err != nil {
			t.Fatal(err)
		}
	}
	write("malformed", abi.One, []byte("not an answer"))
	write("other-shape", abi.One, Order0{}.Answer(contexts[:3]).Append(nil))
	if !bytes.Equal(before, c.Answer(contexts).Append(nil)) {
		t.Error("it copied what is no answer")
	}
	low, high := Order0{}.Answer(contexts), Constant{}.Answer(contexts)
	write("a-low", 1<<30, low.Append(nil))
	write("b-high", 1<<31, high.Append(nil))
	write("c-low", 1<<29, low.Append(nil))
	if got := c.Answer(contexts); !bytes.Equal(got[5].Symbols, high[5].Symbols) || got[5].Masses[0] <= got[5].Masses[1] || got[5].Check() != nil {
		t.Errorf("got %v", got[5])
	}
}

func TestNew(t *testing.T) {
	if _, err := New("text-oracle", Options{}); !errors.Is(err, ErrUnknownModel) {
		t.Error(err)
	}
	if _, err := New(copier, Options{}); err == nil {
		t.Error("a copier without a directory")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, filepath.Join(t.TempDir(), "none")} {
		if _, err := New(mix, Options{Train: path}); err == nil {
			t.Errorf("trained on %s", path)
		}
	}
	if err := Run(constant, Options{}); err == nil {
		t.Error("ran by hand")
	}
}

// Every model answers as a real child process what it answers in this one.
func TestChildren(t *testing.T) {
	dir := t.TempDir()
	train := filepath.Join(dir, "train.txt")
	half, _ := corpus()
	if err := os.WriteFile(train, half[:40000], 0o600); err != nil {
		t.Fatal(err)
	}
	places := draw(t, 1)
	var contexts [][]byte
	for _, p := range places {
		contexts = append(contexts, p.context)
	}
	o := Options{Train: train, Evidence: dir}
	for _, name := range Names() {
		e, err := engine.Open(t.Context(), engine.Config{Command: []string{os.Args[0]}, Name: name, Timeout: 20 * time.Second,
			Env: []string{envModel + "=" + name, "TRAIN=" + train, "EVIDENCE=" + dir}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		got, err := e.Answer(ctx, 1, text.AppendContexts(nil, contexts))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := e.Answer(ctx, 1, []byte("rubbish")); !errors.Is(err, engine.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		e.Close()
		m, err := New(name, o)
		if err != nil {
			t.Fatal(err)
		}
		if want := m.Answer(contexts).Append(nil); !bytes.Equal(got, want) {
			t.Errorf("%s: the child answers otherwise", name)
		}
	}
}
