package model

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/order"
	"github.com/plexus-network/plexus/examples/subnets/translate"
)

// copier stands for a miner that repeats the best answer to an earlier task.
const copier = "copier"

// The scores are of the default pairs; the pairs of miners are those that the network
// checks.
var claim = order.Claim{
	Expected: map[string]float64{Good: 0.51, Baseline: 0.37, Lazy: 0.08, copier: 0.001},
	Above:    [][2]string{{Good, Baseline}, {Baseline, Lazy}, {Baseline, copier}},
	Margin:   0.04, Few: 8,
}

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

// TestOrder plays 128 tasks.
func TestOrder(t *testing.T) {
	_, pairs := data()
	played := order.Played{}
	var before []byte
	for i := range 128 {
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
		played.Add([]string{Good, Baseline, Lazy, copier}, s)
	}
	claim.Check(t, played)
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
