package model

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/translate"
)

// copier stands for a miner that repeats the best answer to an earlier task.
const copier = "copier"

// Each miner's expected score, which the subnet's README states, and the pairs
// that the network checks. They are of the default pairs.
var expected = map[string]float64{Good: 0.56, Baseline: 0.41, Lazy: 0.08, copier: 0.001}

var above = [][2]string{{Good, Baseline}, {Baseline, Lazy}, {Baseline, copier}}

var data = sync.OnceValues(func() (hidden []byte, pairs []translate.Pair) {
	hidden, public, err := translate.Cut(translate.DefaultPairs(), 2, 2)
	if err != nil {
		panic(err)
	}
	if pairs, err = Pairs(public); err != nil {
		panic(err)
	}
	return hidden, pairs
})

// draw draws task i as a round does.
func draw(t *testing.T, i int) (abi.Task, translate.Public) {
	t.Helper()
	hidden, _ := data()
	r := &abi.TaskRequest{Beta: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))}
	for _, k := range rand.New(rand.NewPCG(7, uint64(i))).Perm(len(hidden) / translate.SliceLen)[:translate.Slices] {
		r.Slices = append(r.Slices, hidden[k*translate.SliceLen:(k+1)*translate.SliceLen])
	}
	task, err := translate.DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := translate.DecodePublic(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	return task, p
}

// TestOrder scores the miners on 128 real tasks and deals from these, for each of
// 100 seeds, 64 tasks to each miner, other ones than to the others. The order by
// summed scores must be right for every seed after 64 tasks and already after the
// number that a network waits for, by a margin.
func TestOrder(t *testing.T) {
	const pool, tasks, few, seeds = 128, 64, 8, 100
	const margin = 0.04 // of a task's score, per task
	_, pairs := data()
	scores := map[string][]float64{}
	var before []byte
	for i := range pool {
		task, p := draw(t, i)
		r := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
		for _, name := range []string{Good, Baseline, Lazy} {
			a, err := Answer(name, pairs, &p)
			if err != nil {
				t.Fatal(err)
			}
			r.Payloads = append(r.Payloads, a.Append(nil))
		}
		r.Payloads = append(r.Payloads, before)
		before = r.Payloads[0]
		s, err := translate.Score(r)
		if err != nil {
			t.Fatal(err)
		}
		for k, name := range []string{Good, Baseline, Lazy, copier} {
			scores[name] = append(scores[name], float64(s[k])/float64(abi.One))
		}
	}
	for name, list := range scores {
		var mean, square float64
		for _, s := range list {
			mean, square = mean+s/pool, square+s*s/pool
		}
		t.Logf("%-9s mean %.4f, deviation of one task %.4f", name, mean, math.Sqrt(square-mean*mean))
		if d := mean - expected[name]; d < -0.02 || d > 0.02 {
			t.Errorf("%s scores %.3f, the README says %.2f", name, mean, expected[name])
		}
	}
	closest := map[int]float64{few: 1, tasks: 1}
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 1))
		sums := map[string]float64{}
		for n := 1; n <= tasks; n++ {
			for _, name := range []string{Good, Baseline, Lazy, copier} {
				sums[name] += scores[name][r.IntN(pool)]
			}
			if n != few && n != tasks {
				continue
			}
			for _, p := range above {
				gap := (sums[p[0]] - sums[p[1]]) / float64(n)
				closest[n] = min(closest[n], gap)
				if gap < margin {
					t.Errorf("seed %d after %d tasks: %s over %s by %.3f a task", seed, n, p[0], p[1], gap)
				}
			}
		}
	}
	t.Logf("smallest gap: %.3f after %d tasks, %.3f after %d", closest[few], few, closest[tasks], tasks)
}

func TestAnswers(t *testing.T) {
	_, pairs := data()
	task, p := draw(t, 1)
	for _, name := range []string{Good, Baseline, Lazy} {
		a, err := Answer(name, pairs, &p)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := translate.Check(&abi.CheckRequest{Public: task.Public, Payload: a.Append(nil)}); err != nil || !v.OK {
			t.Errorf("%s: %v %v", name, v, err)
		}
		b, err := Answer(name, nil, &p)
		if err != nil || len(b) != len(a) {
			t.Errorf("%s without published pairs: %v", name, err)
		}
	}
	odd := translate.Public{Sources: []string{"?", "(", "a b c d e f", "été", "Dogs", "."}, Examples: []translate.Pair{{Source: "x", Target: "y"}, {Source: "!", Target: "¡"}, {Source: "dog", Target: "kan"}}}
	for _, name := range []string{Good, Baseline} {
		if a, err := Answer(name, nil, &odd); err != nil || len(a) != len(odd.Sources) {
			t.Errorf("%s: %q %v", name, a, err)
		}
	}
	if _, err := Answer("oracle", nil, &p); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := Pairs([]byte("no tab\n")); !errors.Is(err, ErrPairs) {
		t.Error(err)
	}
	if many, err := Pairs([]byte(strings.Repeat("a\tb\n", MaxPairs+5))); err != nil || len(many) != MaxPairs {
		t.Error(len(many), err)
	}
}

// What the lexicon finds in a language whose grammar is known.
func TestExamples(t *testing.T) {
	var pairs []translate.Pair
	for _, p := range [][2]string{
		{"the dog saw a cat", "kan wo tilu miso"}, {"the cat saw a dog", "tilu wo kan miso"}, {"a dog saw the red cat", "kan tilu wo ro miso"},
		{"the red dog found a cat", "kan wo ro tilu penu"}, {"a cat found the dog", "tilu kan wo penu"}, {"a red cat saw a dog", "tilu ro kan miso"},
		{"the dog found the cat", "kan wo tilu wo penu"}, {"a dog found a bird", "kan sefa penu"}, {"the dogs saw a bird", "kanmo wo sefa miso"},
		{"a bird saw the cats", "sefa tilumo wo miso"}, {"the cats found a dog", "tilumo wo kan penu"}, {"the bird saw a red dog", "sefa wo kan ro miso"},
	} {
		pairs = append(pairs, translate.Pair{Source: p[0], Target: p[1]})
	}
	l := newLexicon(pairs)
	for source, want := range map[string]string{
		"the dog saw a cat":      "kan wo tilu miso",
		"a red bird saw a dog":   "sefa ro kan miso",
		"the birds saw a dog":    "sefamo wo kan miso",
		"the red bird saw a cat": "sefa wo ro tilu miso",
		"the wolf saw a cat":     "wolf wo tilu miso",
	} {
		if got := l.byExample(source); got != want {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
	}
	if got := l.byWord("the dog saw a wolf"); !strings.HasPrefix(got, "wo kan miso") || !strings.HasSuffix(got, "wolf") {
		t.Errorf("word by word %q", got)
	}
}

func FuzzPairs(f *testing.F) {
	f.Add([]byte("a dog\tkan\nthe dogs\tkanmo wo\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pairs, err := Pairs(b)
		if err != nil || len(b) > 4096 {
			return
		}
		p := translate.Public{Examples: pairs, Sources: []string{"the dogs", "a dog"}}
		for _, e := range pairs[:min(len(pairs), 4)] {
			p.Sources = append(p.Sources, e.Source)
		}
		for _, name := range []string{Good, Baseline} {
			if a, err := Answer(name, pairs, &p); err != nil || len(a) != len(p.Sources) {
				t.Fatal(err)
			}
		}
	})
}
