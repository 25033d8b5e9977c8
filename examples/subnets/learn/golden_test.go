package learn_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	"github.com/plexus-network/plexus/examples/subnets/learn"
	"github.com/plexus-network/plexus/examples/subnets/learn/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const words = "the light of a ray and its colour which when reflected or refracted by glass makes an angle\n"

// corpus is a text of its own, so that no other file can change the vectors.
func corpus(stream uint64, n int) []byte {
	r := sdk.NewRand([32]byte{42}, stream)
	list := strings.Fields(words)
	var b []byte
	for len(b) < n {
		b = append(append(b, list[r.Intn(len(list))]...), ' ')
	}
	return b[:n]
}

// shards is the text that is dealt among the learners.
var shards = sync.OnceValue(func() []byte { return corpus(2, 256<<10) })

func request() *abi.TaskRequest {
	r := &abi.TaskRequest{Height: 102, Last: 118, Artifact: trained()}
	text := corpus(1, learn.Slices*learn.SliceLen)
	for i := range learn.Slices {
		r.Slices = append(r.Slices, text[i*learn.SliceLen:][:learn.SliceLen])
	}
	return r
}

// update is what a learner of a shard answers to a task.
func update(t testing.TB, name string, k int, p *learn.Public) []byte {
	t.Helper()
	l, err := model.Open(name, shards(), k, 4)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Answer(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// trained is a model that has taken in one update.
func trained() []byte {
	m, _ := learn.DecodeModel(nil)
	l, err := model.Open(model.Baseline, corpus(3, 64<<10), 1, 4)
	if err != nil {
		panic(err)
	}
	b, err := l.Answer(&learn.Public{Last: 1})
	if err != nil {
		panic(err)
	}
	u, err := learn.DecodeUpdate(b)
	if err != nil {
		panic(err)
	}
	u.Apply(m)
	return m.Append(nil)
}

func draw(t testing.TB) (abi.Task, learn.Public) {
	t.Helper()
	task, err := learn.DrawTask(request())
	if err != nil {
		t.Fatal(err)
	}
	p, err := learn.DecodePublic(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	return task, p
}

// adversary is an answer that tries something, and the score it must get.
type adversary struct {
	name    string
	payload []byte
	score   uint64
}

// all makes an update that changes n weights alike.
func all(n, scale int, by int8) []byte {
	u := learn.Update{Scale: scale}
	for i := range n {
		u.At, u.By = append(u.At, uint16(i*(learn.Weights/n))), append(u.By, by)
	}
	return u.Append(nil)
}

func adversaries(t testing.TB) []adversary {
	task, p := draw(t)
	good, baseline := update(t, model.Good, 1, &p), update(t, model.Baseline, 2, &p)
	old := update(t, model.Baseline, 1, &learn.Public{Last: 1}) // what trained has taken in already, of another shard
	half, err := learn.DecodeUpdate(good)
	if err != nil {
		t.Fatal(err)
	}
	half.At, half.By = half.At[:len(half.At)/2], half.By[:len(half.By)/2]
	small, big := half, half
	small, _ = learn.DecodeUpdate(good)
	small.Scale = max(1, small.Scale/8)
	big, _ = learn.DecodeUpdate(good)
	big.Scale = min(learn.MaxScale, big.Scale*8)
	return []adversary{
		{"good", good, 152067424},
		{"copy of the good", bytes.Clone(good), 152067424},
		{"baseline", baseline, 64110421},
		{"half of the good's changes", half.Append(nil), 73226586},
		{"the good, an eighth as far", small.Append(nil), 5490474},
		{"the good, eight times as far", big.Append(nil), 177878744},
		{"poisoner", update(t, model.Poisoner, 3, &p), 0},
		{"lazy: no changes", update(t, model.Lazy, 1, &p), 0},
		{"an old update again", old, 118889376},
		{"constant: all a little up", all(learn.MaxChanges, 16, 1), 0},
		{"longest: all as far as it goes", all(learn.MaxChanges, learn.MaxScale, -127), 0},
		{"one weight", all(1, 256, 1), 0},
		{"empty", nil, 0},
		{"empty array", []byte{0x80}, 0},
		{"scale 0", append([]byte{0x84, 1, 0}, good[5:]...), 0},
		{"a change of 0", all(4, 1, 0), 0},
		{"malformed", good[:len(good)-1], 0},
		{"trailing byte", append(bytes.Clone(good), 0), 0},
		{"version 2", append([]byte{0x84, 2}, good[2:]...), 0},
		{"oversize", bytes.Repeat([]byte{0x9f}, 1<<20), 0},
		{"huge string claimed", []byte{0x84, 1, 1, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
		{"universal string", []byte(strings.Repeat("e the and ", 200)), 0},
		{"the question itself", task.Public, 0},
	}
}

func scoreRequest(t testing.TB) *abi.ScoreRequest {
	task, _ := draw(t)
	r := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
	for _, a := range adversaries(t) {
		r.Payloads = append(r.Payloads, a.payload)
	}
	return r
}

func mergeRequest(t testing.TB) *abi.MergeRequest {
	r := &abi.MergeRequest{Artifact: trained(), Slices: request().Slices}
	for _, a := range adversaries(t) {
		r.Payloads = append(r.Payloads, a.payload)
	}
	return r
}

func vectors(t testing.TB) []vector.Vector {
	few, model := request(), request()
	few.Slices = few.Slices[1:]
	model.Artifact = model.Artifact[1:]
	first := request()
	first.Artifact = nil
	score, merge, harm := scoreRequest(t), mergeRequest(t), mergeRequest(t)
	harm.Payloads = [][]byte{harm.Payloads[6], harm.Payloads[7]}
	none := mergeRequest(t)
	none.Artifact, none.Slices = nil, nil
	rank := &abi.RankRequest{Rows: []abi.Row{{Scores: []uint64{abi.One, abi.One / 2, 12345}}, {Scores: []uint64{0}}, {}}}
	check := func(name string, payload []byte) vector.Vector {
		return vector.Vector{Name: name, Op: abi.OpCheck, Input: (&abi.CheckRequest{Public: score.Public, Payload: payload}).Append(nil)}
	}
	return []vector.Vector{
		{Name: "describe", Op: abi.OpDescribe}, {Name: "task", Op: abi.OpTask, Input: request().Append(nil)},
		{Name: "task-first", Op: abi.OpTask, Input: first.Append(nil)},
		{Name: "task-few-slices", Op: abi.OpTask, Input: few.Append(nil)}, {Name: "task-bad-model", Op: abi.OpTask, Input: model.Append(nil)},
		{Name: "score", Op: abi.OpScore, Input: score.Append(nil)}, {Name: "rank", Op: abi.OpRank, Input: rank.Append(nil)},
		check("check", score.Payloads[0]), check("check-bad", score.Payloads[15]),
		{Name: "render", Op: abi.OpRender, Input: score.Payloads[0]}, {Name: "render-empty", Op: abi.OpRender, Input: score.Payloads[7]},
		{Name: "render-rubbish", Op: abi.OpRender, Input: []byte("rubbish")},
		{Name: "merge", Op: abi.OpMerge, Input: merge.Append(nil)}, {Name: "merge-harm", Op: abi.OpMerge, Input: harm.Append(nil)},
		{Name: "merge-no-slices", Op: abi.OpMerge, Input: none.Append(nil)},
	}
}

func solverVectors(t testing.TB) []vector.Vector {
	task, _ := draw(t)
	call := func(name, params string) vector.Vector {
		return vector.Vector{Name: name, Op: abi.OpSolve, Input: (&abi.SolveRequest{Params: []byte(params), Public: task.Public}).Append(nil)}
	}
	text := "\n" + string(shards())
	return []vector.Vector{call("baseline", "baseline 2/4"+text), call("poisoner", "poisoner 3/4"+text), call("lazy", "lazy"),
		call("good", "good 1/4"+text), call("unknown", "oracle 1/1"+text), call("bad-shard", "baseline 5/4"+text), call("no-text", "baseline")}
}

// TestGolden holds every byte that the operations give for fixed inputs. A
// difference means that the subnet has changed for its miners: it needs a new
// version of the module.
func TestGolden(t *testing.T) {
	vector.Native(t, learn.Module(), vectors(t), "testdata/golden.txt")
	vector.Native(t, model.Module(), solverVectors(t), "testdata/solver.txt")
}

// expect computes all scores anew, in floats and from the rule as the README states
// it. The tables' steps of 1/64 in log-odds are all that it does not repeat.
func expect(t *testing.T, model []byte, pieces, payloads [][]byte) []float64 {
	loss := func(w []float64) (bits float64) {
		for _, p := range pieces {
			for _, b := range learn.Read(nil, p) {
				x := min(max(w[b.At[0]]+w[b.At[1]]+w[b.At[2]], -8), 8)
				if !b.Set {
					x = -x
				}
				bits += math.Log2(1 + math.Exp(-x))
			}
		}
		return bits / (learn.Slices * (learn.SliceLen - 2))
	}
	base := make([]float64, learn.Weights)
	for i := range base {
		base[i] = float64(int16(binary.BigEndian.Uint16(model[2*i:]))) / learn.Unit
	}
	updates := map[string]map[uint16]float64{}
	alone := map[string]float64{}
	for _, p := range payloads {
		u, err := learn.DecodeUpdate(p)
		if err != nil {
			continue
		}
		w := append([]float64(nil), base...)
		by := map[uint16]float64{}
		for i, at := range u.At {
			by[at] = float64(int(u.By[i])*u.Scale/16) / learn.Unit
			w[at] += by[at]
		}
		updates[string(p)], alone[string(p)] = by, loss(base)-loss(w)
	}
	together := func(without string) float64 {
		sum, n := map[uint16]float64{}, map[uint16]float64{}
		for p, by := range updates {
			if p == without || alone[p] <= 0 {
				continue
			}
			for at, c := range by {
				sum[at] += c
				n[at]++
			}
		}
		w := append([]float64(nil), base...)
		for at, c := range sum {
			w[at] += c / n[at]
		}
		return loss(w)
	}
	var out []float64
	for _, p := range payloads {
		worth := alone[string(p)]
		if worth > 0 {
			worth = (worth + together(string(p)) - together("-")) / 2
		}
		out = append(out, max(0, worth/8))
	}
	return out
}

// TestAdversaries scores each answer beside those of a good and a baseline learner.
func TestAdversaries(t *testing.T) {
	list := adversaries(t)
	r := scoreRequest(t)
	m, err := learn.DecodeModel(trained())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		r.Payloads = [][]byte{list[0].payload, list[2].payload, a.payload}
		scores, err := learn.Score(r)
		if err != nil {
			t.Fatal(err)
		}
		worth := float64(learn.Worths(m, request().Slices, r.Payloads)[2]) / (1 << 24) / (learn.Slices * (learn.SliceLen - 2))
		got := float64(scores[2]) / float64(abi.One)
		t.Logf("%-34s %7d bytes  %.6f  (%+.4f bits a byte)", a.name, len(a.payload), got, worth)
		if scores[2] != a.score {
			t.Errorf("%s scores %d, want %d", a.name, scores[2], a.score)
		}
		if want := expect(t, trained(), request().Slices, r.Payloads)[2]; math.Abs(got-want) > 1e-3 {
			t.Errorf("%s scores %.6f, want %.6f", a.name, got, want)
		}
		if a.name == "poisoner" && worth > -1 {
			t.Errorf("the poisoner does no harm: %+.4f", worth)
		}
	}
}
