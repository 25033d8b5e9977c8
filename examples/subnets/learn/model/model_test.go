package model

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/learn"
	"github.com/plexus-network/plexus/examples/subnets/text"
)

// copier stands for a miner that repeats the best update of an earlier epoch.
const copier = "copier"

var (
	names = []string{Good, Baseline, Poisoner, Lazy, copier}
	// expected are the miners' expected scores over 8 epochs, which the subnet's README
	// states, and above the pairs that a network checks.
	expected = map[string]float64{Good: 0.08, Baseline: 0.07, Poisoner: 0, Lazy: 0, copier: 0.04}
	above    = [][2]string{{Good, Baseline}, {Baseline, Lazy}, {Baseline, copier}}
)

var corpus = sync.OnceValues(func() (public, hidden []byte) {
	c, err := text.ReadCorpus("")
	if err != nil {
		panic(err)
	}
	return text.Split(c)
})

// pieces draws text held out, as a round or a merge does.
func pieces(r *rand.Rand) (out [][]byte) {
	_, hidden := corpus()
	for range learn.Slices {
		o := r.IntN(len(hidden)/learn.SliceLen) * learn.SliceLen
		out = append(out, hidden[o:o+learn.SliceLen])
	}
	return out
}

// loss is what a model costs on text all over the hidden half, in bits for each byte.
func loss(m learn.Model) float64 {
	_, hidden := corpus()
	var bits []learn.Bit
	for o := 0; o+learn.SliceLen < len(hidden); o += len(hidden) / 60 {
		bits = learn.Read(bits, hidden[o:o+learn.SliceLen])
	}
	return float64(m.Loss(bits)) / (1 << 24) / float64(len(bits)/8)
}

func learners(t *testing.T, public []byte, names ...string) (out []*Learner) {
	t.Helper()
	for i, name := range names {
		l, err := Open(name, public, i+1, len(names))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

func answer(t *testing.T, l *Learner, epoch int, model []byte) []byte {
	t.Helper()
	b, err := l.Answer(&learn.Public{Last: uint64(epoch), Model: model})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// merge merges as the network does for validators that agree.
func merge(t *testing.T, r *rand.Rand, base []byte, payloads [][]byte) []byte {
	t.Helper()
	m, err := learn.Merge(&abi.MergeRequest{Artifact: base, Slices: pieces(r), Payloads: payloads})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Artifact) == 0 {
		return base
	}
	return m.Artifact
}

// TestOrder plays 8 epochs of a network with one miner of each kind, in which an update
// is one epoch old when it is merged, as on chain. In each epoch it scores 48 rounds on
// text held out; from these it deals, for each of 100 seeds, nine to an epoch, as three
// validators with three rounds draw. All miners have the same tasks. The order by
// summed scores must be right for every seed after 18 and after 72 tasks, by a margin.
func TestOrder(t *testing.T) {
	const epochs, perEpoch, few, pool, seeds = 8, 9, 18, 48, 100
	const margin = 0.005 // of a task's score, per task
	r := rand.New(rand.NewPCG(3, 1))
	public, _ := corpus()
	all := learners(t, public, names[:4]...)
	models := [][]byte{nil, nil}
	var before []byte
	harm := 0.0
	scores := make([][pool][5]float64, epochs)
	for e := range epochs {
		var payloads [][]byte
		for _, l := range all {
			payloads = append(payloads, answer(t, l, e, models[e]))
		}
		payloads = append(payloads, before)
		before = payloads[0]
		m, err := learn.DecodeModel(models[e])
		if err != nil {
			t.Fatal(err)
		}
		for k := range pool {
			task, err := learn.DrawTask(&abi.TaskRequest{Slices: pieces(r), Artifact: models[e]})
			if err != nil {
				t.Fatal(err)
			}
			s, err := learn.Score(&abi.ScoreRequest{Public: task.Public, Private: task.Private, Payloads: payloads})
			if err != nil {
				t.Fatal(err)
			}
			for i := range s {
				scores[e][k][i] = float64(s[i]) / float64(abi.One)
			}
			if k == 0 {
				harm += float64(learn.Worths(m, pieces(r), payloads)[2]) / (1 << 24) / (learn.Slices * (learn.SliceLen - 2)) / epochs
			}
		}
		models = append(models, merge(t, r, models[e+1], payloads))
	}
	mean, square := map[string]float64{}, map[string]float64{}
	for e := range epochs {
		line := map[string]float64{}
		for k := range pool {
			for i, name := range names {
				v := scores[e][k][i]
				line[name] += v / pool
				mean[name], square[name] = mean[name]+v/pool/epochs, square[name]+v*v/pool/epochs
			}
		}
		m, _ := learn.DecodeModel(models[e])
		t.Logf("epoch %d, model at %.3f bits: good %.4f, baseline %.4f, copier %.4f", e, loss(m), line[Good], line[Baseline], line[copier])
	}
	for _, name := range names {
		t.Logf("%-9s mean %.4f, deviation of one task %.4f", name, mean[name], math.Sqrt(square[name]-mean[name]*mean[name]))
		if d := mean[name] - expected[name]; d < -0.01 || d > 0.01 {
			t.Errorf("%s scores %.3f, the README says %.2f", name, mean[name], expected[name])
		}
	}
	// Nothing of its answers is refused: it is what they do that is worth nothing.
	t.Logf("the poisoner's updates are worth %.3f bits a byte", harm)
	if mean[Poisoner] != 0 || harm > -0.5 {
		t.Errorf("the poisoner scores %.4f for a worth of %.3f", mean[Poisoner], harm)
	}
	closest := map[int]float64{few: 1, epochs * perEpoch: 1}
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 2))
		sums := map[string]float64{}
		for n := 1; n <= epochs*perEpoch; n++ {
			row := scores[(n-1)/perEpoch][r.IntN(pool)]
			for i, name := range names {
				sums[name] += row[i]
			}
			if _, ok := closest[n]; !ok {
				continue
			}
			for _, p := range above {
				gap := (sums[p[0]] - sums[p[1]]) / float64(n)
				closest[n] = min(closest[n], gap)
				if gap < margin {
					t.Errorf("seed %d after %d tasks: %s over %s by %.4f a task", seed, n, p[0], p[1], gap)
				}
			}
		}
	}
	t.Logf("smallest gaps: %v", closest)
}

// TestCurve shows what learning together is for. Of 96 KB of text each of six learners
// holds a sixth. Their shared model is better, after each epoch, than the model that any
// of them makes alone, by the same method, from its own shard, in as many steps. So it is
// with a poisoner for a sixth.
func TestCurve(t *testing.T) {
	const epochs = 10
	for _, poisoned := range []bool{false, true} {
		r := rand.New(rand.NewPCG(5, 1))
		field, honest := []string{Good, Good, Good, Good, Good, Good}, 6
		if poisoned {
			field[5], honest = Poisoner, 5
		}
		public, _ := corpus()
		public = public[:6*4*block]
		together, apart := learners(t, public, field...), learners(t, public, field...)[:honest]
		models := [][]byte{nil}
		alone := make([]learn.Model, honest)
		for i := range alone {
			alone[i] = make(learn.Model, learn.Weights)
		}
		for e := range epochs {
			var payloads [][]byte
			for _, l := range together {
				payloads = append(payloads, answer(t, l, e, models[e]))
			}
			models = append(models, merge(t, r, models[e], payloads))
			var own []float64
			for i, l := range apart {
				u, err := learn.DecodeUpdate(answer(t, l, e, alone[i].Append(nil)))
				if err != nil {
					t.Fatal(err)
				}
				u.Apply(alone[i])
				own = append(own, loss(alone[i]))
			}
			m, err := learn.DecodeModel(models[e+1])
			if err != nil {
				t.Fatal(err)
			}
			shared := loss(m)
			t.Logf("poisoned %v, after %2d updates: shared %.3f bits a byte, alone %.3f", poisoned, e+1, shared, own)
			best := slices.Min(own)
			if shared >= best || e >= 4 && shared > best-0.05 {
				t.Errorf("after %d updates the shared model costs %.3f bits a byte, one alone %.3f", e+1, shared, best)
			}
		}
	}
}

func TestLearner(t *testing.T) {
	public, _ := corpus()
	all := learners(t, public, names[:4]...)
	for i, l := range all {
		a := answer(t, l, 7, nil)
		if u, err := learn.DecodeUpdate(a); err != nil || i < 3 && (len(u.At) < 100 || len(u.At) > learn.MaxChanges) || i == 3 && len(u.At) != 0 {
			t.Errorf("%s: %d changes, %v", names[i], len(u.At), err)
		}
		if b := answer(t, l, 7, nil); !bytes.Equal(a, b) {
			t.Errorf("%s: another update in the same epoch", names[i])
		}
		if b := answer(t, l, 8, nil); bytes.Equal(a, b) != (i == 3) {
			t.Errorf("%s: the same update in another epoch: %v", names[i], bytes.Equal(a, b))
		}
	}
	// What the good one leaves out goes into the next: it differs from one that forgot.
	fresh := learners(t, public, names[:4]...)[0]
	if bytes.Equal(answer(t, all[0], 9, nil), answer(t, fresh, 9, nil)) {
		t.Error("the good learner remembers nothing")
	}
	if _, err := all[0].Answer(&learn.Public{Last: 10, Model: []byte{1}}); !errors.Is(err, learn.ErrModel) {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	public, _ := corpus()
	for _, c := range []struct {
		say  string
		want error
	}{
		{"good 1/4", nil}, {"baseline 4/4", nil}, {"lazy", nil}, {"poisoner", nil}, {" baseline 1/2\r", nil}, {"oracle 1/1", ErrUnknown}, {"good 0/4", ErrShard},
		{"good 5/4", ErrShard}, {"good 1/1000", ErrShard}, {"good x/y", ErrShard}, {"good 1", ErrShard}, {"", ErrUnknown},
	} {
		name, k, n, err := Parse(c.say)
		if err == nil {
			_, err = Open(name, public, k, n)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.say, err, c.want)
		}
	}
	// Shards share nothing and lose nothing.
	var n int
	for k := range 3 {
		s, err := Shard(public, k+1, 3)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s[:block], public[k*block:(k+1)*block]) || !bytes.Equal(s[block:2*block], public[(k+3)*block:(k+4)*block]) {
			t.Errorf("shard %d", k+1)
		}
		n += len(s)
	}
	if n != len(public) {
		t.Errorf("%d of %d bytes dealt", n, len(public))
	}
}

func FuzzSolve(f *testing.F) {
	public := (&learn.Public{Last: 4}).Append(nil)
	f.Add([]byte("lazy"), public)
	f.Add([]byte("baseline 1/1\n"+string(bytes.Repeat([]byte("abc "), 4000))), public)
	f.Fuzz(func(t *testing.T, params, public []byte) {
		b, err := Solve(&abi.SolveRequest{Params: params, Public: public})
		if err != nil {
			return
		}
		if _, err := learn.DecodeUpdate(b); err != nil {
			t.Fatal(err)
		}
	})
}
