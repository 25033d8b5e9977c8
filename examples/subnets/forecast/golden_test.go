package forecast_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	"github.com/plexus-network/plexus/examples/subnets/forecast/model"
	"github.com/plexus-network/plexus/examples/subnets/forecast/schedule"
	"github.com/plexus-network/plexus/examples/subnets/internal/vector"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

var params = (&forecast.Params{NetUIDs: []uint16{1, 2, 3, 4, 5, 6, 9}, Sigma: 5000}).Append(nil)

// begun is the height at which the golden round begins.
const begun = 301

func request(beta string) *abi.TaskRequest {
	return &abi.TaskRequest{Beta: sha256.Sum256([]byte(beta)), Params: params, Height: begun, Last: begun + 20}
}

// series is a request about series from data.
func series() *abi.TaskRequest {
	r := &abi.TaskRequest{Beta: sha256.Sum256([]byte("series"))}
	for i := range uint16(forecast.Slices) {
		var s []byte
		for _, v := range schedule.Prices([32]byte{7}, i, forecast.Points*schedule.Every)[:forecast.Points] {
			s = binary.BigEndian.AppendUint64(s, v)
		}
		r.Slices = append(r.Slices, s)
	}
	return r
}

// course are the golden prices of every subnet.
var course = sync.OnceValue(func() map[uint16][]uint64 {
	out := map[uint16][]uint64{}
	for _, n := range []uint16{1, 2, 3, 4, 5, 6, 9} {
		out[n] = schedule.Prices([32]byte{1}, n, begun+21)
	}
	return out
})

// file is what a miner knows of the prices when the golden round begins.
func file() []byte {
	var b bytes.Buffer
	for h := begun - 120; h < begun; h++ {
		for _, n := range []uint16{1, 2, 3, 4, 5, 6, 9} {
			fmt.Fprintf(&b, "%d,%d,%.9f\n", h, n, float64(course()[n][h])/(1<<32))
		}
	}
	return b.Bytes()
}

// inputs are the values that a node gives for a task.
func inputs(t testing.TB, task abi.Task, draw [32]byte) (out [][]byte) {
	t.Helper()
	if err := task.CheckInputs(begun, begun+20); err != nil {
		t.Fatal(err)
	}
	for _, in := range task.Inputs {
		if n, ok := abi.PriceOf(in.Key); ok {
			out = append(out, binary.BigEndian.AppendUint64(nil, course()[n][in.Height]))
		} else {
			out = append(out, draw[:])
		}
	}
	return out
}

// round is the golden round with everything that scoring it needs.
type round struct {
	task   abi.Task
	public forecast.Public
	score  abi.ScoreRequest
}

func play(t testing.TB, r *abi.TaskRequest) round {
	t.Helper()
	task, err := forecast.DrawTask(r)
	if err != nil {
		t.Fatal(err)
	}
	p, err := forecast.DecodePublic(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	return round{task, p, abi.ScoreRequest{Params: r.Params, Public: task.Public, Private: task.Private,
		Inputs: inputs(t, task, sha256.Sum256([]byte("draw")))}}
}

func solve(t testing.TB, name string, p *forecast.Public) forecast.Answer {
	t.Helper()
	prices, err := model.ParsePrices(file())
	if err != nil {
		t.Fatal(err)
	}
	a, err := model.Answer(name, prices, p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// each makes an answer by a rule from the truth's place in the round: base is the
// price when the round began, value the price at the horizon.
func (r *round) each(t testing.TB, f func(base, value, horizon uint64) forecast.Forecast) []byte {
	t.Helper()
	a := make(forecast.Answer, len(r.public.Targets))
	for i := range a {
		base := binary.BigEndian.Uint64(r.score.Inputs[i*5])
		for j, h := range r.public.Horizons {
			a[i][j] = f(base, binary.BigEndian.Uint64(r.score.Inputs[i*5+1+j]), h)
		}
	}
	return a.Append(nil)
}

func same(v uint64) (f forecast.Forecast) {
	for k := range f {
		f[k] = v
	}
	return f
}

func between(low, high uint64) (f forecast.Forecast) {
	for k := range f {
		f[k] = low + (high-low)/8*uint64(k)
	}
	return f
}

// adversary is an answer that tries something, and the score it must get.
type adversary struct {
	name    string
	payload []byte
	score   uint64
}

func adversaries(t testing.TB) []adversary {
	r := play(t, request("beta"))
	other := play(t, request("another beta"))
	good, walk := solve(t, model.Good, &r.public).Append(nil), solve(t, model.Baseline, &r.public).Append(nil)
	reference := r.each(t, func(base, _, h uint64) forecast.Forecast { return forecast.Walk(base, 5000, h) })
	crossed := forecast.Answer{}
	for range r.public.Targets {
		crossed = append(crossed, [forecast.Horizons]forecast.Forecast{{5, 4}})
	}
	return []adversary{
		{"good", good, 2475619603},
		{"copy of the good", bytes.Clone(good), 2475619603},
		{"baseline", walk, 2166488799},
		{"the random walk itself", reference, 1 << 31},
		{"truth leaked", r.each(t, func(_, v, _ uint64) forecast.Forecast { return same(v) }), 4294967296},
		{"sure that nothing changes", r.each(t, func(b, _, _ uint64) forecast.Forecast { return same(b) }), 1057868253},
		{"twice as wide as the walk", r.each(t, func(b, _, h uint64) forecast.Forecast { return forecast.Walk(b, 10000, h) }), 2381783936},
		{"half as wide", r.each(t, func(b, _, h uint64) forecast.Forecast { return forecast.Walk(b, 2500, h) }), 1715800978},
		{"from 0 to twice the price", r.each(t, func(b, _, _ uint64) forecast.Forecast { return between(0, 2*b) }), 0},
		{"always up by a percent", r.each(t, func(b, _, h uint64) forecast.Forecast { return forecast.Walk(b+b/100, 5000, h) }), 2561928048},
		{"the good's answer to another task", solve(t, model.Good, &other.public).Append(nil), 1373927253},
		{"lazy: around one", solve(t, model.Lazy, &r.public).Append(nil), 0},
		{"all zero", r.each(t, func(_, _, _ uint64) forecast.Forecast { return same(0) }), 0},
		{"longest: all at the greatest value", r.each(t, func(_, _, _ uint64) forecast.Forecast { return same(forecast.MaxValue) }), 0},
		{"quantiles that fall", crossed.Append(nil), 0},
		{"above the greatest value", r.each(t, func(_, _, _ uint64) forecast.Forecast { return same(forecast.MaxValue + 1) }), 0},
		{"empty", nil, 0},
		{"no targets", []byte{0x82, 1, 0x80}, 0},
		{"malformed", good[:len(good)-1], 0},
		{"trailing byte", append(bytes.Clone(good), 0), 0},
		{"version 2", append([]byte{0x82, 2}, good[2:]...), 0},
		{"oversize", bytes.Repeat([]byte{0x9f}, 1<<20), 0},
		{"huge array claimed", []byte{0x82, 1, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0},
		{"universal string", []byte(strings.Repeat("1.0 ", 200)), 0},
		{"the question itself", r.task.Public, 0},
	}
}

func vectors(t testing.TB) []vector.Vector {
	r, other, late, none := request("beta"), request("another beta"), request("beta"), request("beta")
	late.Last, none.Params = begun+9, nil
	few, zero := series(), series()
	few.Slices = few.Slices[1:]
	zero.Slices[1] = make([]byte, forecast.SliceLen)
	k := play(t, r)
	score := k.score
	for _, a := range adversaries(t) {
		score.Payloads = append(score.Payloads, a.payload)
	}
	blind := score
	blind.Inputs = nil
	in := score
	s := play(t, series())
	in = s.score
	in.Payloads = [][]byte{solve(t, model.Good, &s.public).Append(nil), solve(t, model.Baseline, &s.public).Append(nil), solve(t, model.Lazy, &s.public).Append(nil), nil}
	rank := &abi.RankRequest{Rows: []abi.Row{{Scores: []uint64{abi.One, abi.One / 2, 12345}}, {Scores: []uint64{0}}, {}}}
	check := func(name string, payload []byte) vector.Vector {
		return vector.Vector{Name: name, Op: abi.OpCheck, Input: (&abi.CheckRequest{Public: k.task.Public, Payload: payload}).Append(nil)}
	}
	return []vector.Vector{
		{Name: "describe", Op: abi.OpDescribe},
		{Name: "task", Op: abi.OpTask, Input: r.Append(nil)}, {Name: "task-other-beta", Op: abi.OpTask, Input: other.Append(nil)},
		{Name: "task-late", Op: abi.OpTask, Input: late.Append(nil)}, {Name: "task-no-params", Op: abi.OpTask, Input: none.Append(nil)},
		{Name: "task-series", Op: abi.OpTask, Input: series().Append(nil)}, {Name: "task-few-slices", Op: abi.OpTask, Input: few.Append(nil)},
		{Name: "task-zero-value", Op: abi.OpTask, Input: zero.Append(nil)},
		{Name: "score", Op: abi.OpScore, Input: score.Append(nil)}, {Name: "score-series", Op: abi.OpScore, Input: in.Append(nil)},
		{Name: "score-no-inputs", Op: abi.OpScore, Input: blind.Append(nil)},
		{Name: "rank", Op: abi.OpRank, Input: rank.Append(nil)},
		check("check", score.Payloads[0]), check("check-falling", score.Payloads[14]),
		{Name: "render", Op: abi.OpRender, Input: score.Payloads[0]}, {Name: "render-rubbish", Op: abi.OpRender, Input: []byte("rubbish")},
	}
}

func solverVectors(t testing.TB) []vector.Vector {
	k, s := play(t, request("beta")), play(t, series())
	call := func(name, params string, public []byte) vector.Vector {
		return vector.Vector{Name: name, Op: abi.OpSolve, Input: (&abi.SolveRequest{Params: []byte(params), Public: public}).Append(nil)}
	}
	return []vector.Vector{
		call("good", "good\n"+string(file()), k.task.Public), call("baseline", "baseline\n"+string(file()), k.task.Public),
		call("lazy", "lazy", k.task.Public), call("good-series", "good", s.task.Public), call("good-blind", "good", k.task.Public),
		call("unknown", "oracle", k.task.Public), call("bad-prices", "good\n1,2\n", k.task.Public),
	}
}

// TestGolden holds every byte that the operations give for fixed inputs. A
// difference means that the subnet has changed for its miners: it needs a new
// version of the module.
func TestGolden(t *testing.T) {
	vector.Native(t, forecast.Module(), vectors(t), "testdata/golden.txt")
	vector.Native(t, model.Module(), solverVectors(t), "testdata/solver.txt")
}

// expect computes a score anew, in floats and from the rule as the README states it.
func expect(r *round, payload []byte) float64 {
	a, err := forecast.DecodeAnswer(payload, len(r.public.Targets))
	if err != nil {
		return 0
	}
	var draw [32]byte
	copy(draw[:], r.score.Inputs[len(r.score.Inputs)-1])
	at := sdk.NewRand(draw, 2).Intn(forecast.Horizons)
	z := []float64{-1.281552, -0.841621, -0.524401, -0.253347, 0, 0.253347, 0.524401, 0.841621, 1.281552}
	mean := 0.0
	for i := range r.public.Targets {
		base := float64(binary.BigEndian.Uint64(r.score.Inputs[i*5])) / (1 << 32)
		x := float64(binary.BigEndian.Uint64(r.score.Inputs[i*5+1+at])) / (1 << 32)
		spread := base * 0.005 * math.Sqrt(float64(r.public.Horizons[at]))
		loss, walk, usual := 0.0, 0.0, 0.0
		for k := range z {
			q := float64(k+1) / 10
			pinball := func(f float64) float64 { return max(q*(x-f), (q-1)*(x-f)) }
			loss += pinball(float64(a[i][at][k]) / (1 << 32))
			walk += pinball(base + z[k]*spread)
			usual += spread * math.Exp(-z[k]*z[k]/2) / math.Sqrt(2*math.Pi)
		}
		mean += (walk - loss) / (2 * usual) / float64(len(r.public.Targets))
	}
	return min(max(0.5+mean, 0), 1)
}

func TestAdversaries(t *testing.T) {
	list := adversaries(t)
	k := play(t, request("beta"))
	r := k.score
	for _, a := range list {
		r.Payloads = append(r.Payloads, a.payload)
	}
	scores, err := forecast.Score(&r)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range list {
		t.Logf("%-38s %7d bytes  %.6f", a.name, len(a.payload), float64(scores[i])/float64(abi.One))
		if scores[i] != a.score {
			t.Errorf("%s scores %d, want %d", a.name, scores[i], a.score)
		}
		if got, want := float64(scores[i])/float64(abi.One), expect(&k, a.payload); math.Abs(got-want) > 1e-4 {
			t.Errorf("%s scores %.6f, want %.6f", a.name, got, want)
		}
	}
}
