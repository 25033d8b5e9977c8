package model

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	"github.com/plexus-network/plexus/examples/subnets/forecast/schedule"
)

// copier stands for a miner that repeats the best answer to an earlier task.
const copier = "copier"

var (
	names = []string{Good, Baseline, Lazy, copier}
	// expected are the miners' expected scores, which the subnet's README states, and
	// above the pairs that a network checks.
	expected = map[string]float64{Good: 0.55, Baseline: 0.45, Lazy: 0.00, copier: 0.00}
	above    = [][2]string{{Good, Baseline}, {Baseline, Lazy}, {Baseline, copier}}

	subnets = []uint16{1, 2, 3, 4, 5, 6}
	params  = (&forecast.Params{NetUIDs: subnets, Sigma: 5000}).Append(nil)
)

// course are the prices of all subnets under one seed of the schedule.
func course(seed byte, blocks int) map[uint16][]uint64 {
	out := map[uint16][]uint64{}
	for _, n := range subnets {
		out[n] = schedule.Prices(sha256.Sum256([]byte{seed}), n, blocks)
	}
	return out
}

// play scores the models on the task of a round that begins at a height, with what
// they know then: prices up to the block before. before is the payload that the
// copier repeats; the good's own is returned.
func play(t *testing.T, all map[uint16][]uint64, height, last uint64, beta [32]byte, before []byte) (scores abi.Scores, good []byte) {
	t.Helper()
	task, err := forecast.DrawTask(&abi.TaskRequest{Beta: beta, Params: params, Height: height, Last: last})
	if err != nil {
		t.Fatal(err)
	}
	if err := task.CheckInputs(height, last); err != nil {
		t.Fatal(err)
	}
	p, err := forecast.DecodePublic(task.Public)
	if err != nil {
		t.Fatal(err)
	}
	prices := Prices{}
	for n, list := range all {
		for h := height - min(height, 200); h < height; h++ {
			prices[n] = append(prices[n], point{h, list[h]})
		}
	}
	r := &abi.ScoreRequest{Params: params, Public: task.Public, Private: task.Private}
	for _, in := range task.Inputs {
		if n, ok := abi.PriceOf(in.Key); ok {
			r.Inputs = append(r.Inputs, binary.BigEndian.AppendUint64(nil, all[n][in.Height]))
		} else {
			draw := sha256.Sum256(beta[:])
			r.Inputs = append(r.Inputs, draw[:])
		}
	}
	for _, name := range names[:3] {
		a, err := Answer(name, prices, &p)
		if err != nil {
			t.Fatal(err)
		}
		r.Payloads = append(r.Payloads, a.Append(nil))
	}
	r.Payloads = append(r.Payloads, before)
	if scores, err = forecast.Score(r); err != nil {
		t.Fatal(err)
	}
	return scores, r.Payloads[0]
}

// TestOrder plays a new network's rounds for each of 100 seeds: prices follow the
// schedule, and in each epoch of 30 blocks three validators draw three rounds each.
// Rounds of one epoch look at the same prices, so they are worth less than as many
// rounds far apart; the test plays them as they come. The order by summed scores must
// be right for every seed after 72 tasks, by a margin.
func TestOrder(t *testing.T) {
	const epochs, perEpoch, seeds = 8, 9, 100
	const margin = 0.01 // of a task's score, per task
	mean, square := map[string]float64{}, map[string]float64{}
	closest := 1.0
	wrong := map[int]int{} // seeds whose order was wrong, by number of tasks
	for seed := range byte(seeds) {
		all := course(seed, 60+30*epochs)
		sums := map[string]float64{}
		var before []byte
		n := 0
		for epoch := uint64(2); epoch < 2+epochs; epoch++ {
			for k := range perEpoch {
				first := 30 * epoch
				beta := sha256.Sum256([]byte{seed, byte(epoch), byte(k)})
				s, good := play(t, all, first+[]uint64{1, 5, 9}[k/3], first+28, beta, before)
				before = good
				for i, name := range names {
					v := float64(s[i]) / float64(abi.One)
					sums[name] += v
					mean[name] += v / (epochs * perEpoch * seeds)
					square[name] += v * v / (epochs * perEpoch * seeds)
				}
				n++
				for _, p := range above {
					gap := (sums[p[0]] - sums[p[1]]) / float64(n)
					if gap < 0 {
						wrong[n]++
					}
					if n == epochs*perEpoch {
						closest = min(closest, gap)
						if gap < margin {
							t.Errorf("seed %d after %d tasks: %s over %s by %.3f a task", seed, n, p[0], p[1], gap)
						}
					}
				}
			}
		}
	}
	for _, name := range names {
		t.Logf("%-9s mean %.4f, deviation of one task %.4f", name, mean[name], math.Sqrt(square[name]-mean[name]*mean[name]))
		if d := mean[name] - expected[name]; d < -0.02 || d > 0.02 {
			t.Errorf("%s scores %.3f, the README says %.2f", name, mean[name], expected[name])
		}
	}
	for e := range epochs {
		t.Logf("after %d tasks %d of %d seeds have another order", (e+1)*perEpoch, wrong[(e+1)*perEpoch], seeds)
	}
	t.Logf("smallest gap after %d tasks: %.3f", epochs*perEpoch, closest)
}

// On a series without trend or change of volatility, the good model is no worse than
// the walk by much; on one with both it is better. Series come from a file.
func TestSeries(t *testing.T) {
	totals := map[string]float64{}
	const rounds = 60
	for i := range rounds {
		r := &abi.TaskRequest{Beta: sha256.Sum256([]byte{byte(i)})}
		for k := range uint16(forecast.Slices) {
			// Every third price: one trade a step.
			all := schedule.Prices(sha256.Sum256([]byte{byte(i)}), 100+k, 3*forecast.Points)
			var s []byte
			for j := range forecast.Points {
				s = binary.BigEndian.AppendUint64(s, all[3*j])
			}
			r.Slices = append(r.Slices, s)
		}
		task, err := forecast.DrawTask(r)
		if err != nil {
			t.Fatal(err)
		}
		p, err := forecast.DecodePublic(task.Public)
		if err != nil {
			t.Fatal(err)
		}
		score := &abi.ScoreRequest{Public: task.Public, Private: task.Private}
		for _, name := range names[:3] {
			a, err := Answer(name, nil, &p)
			if err != nil {
				t.Fatal(err)
			}
			score.Payloads = append(score.Payloads, a.Append(nil))
		}
		s, err := forecast.Score(score)
		if err != nil {
			t.Fatal(err)
		}
		for k, name := range names[:3] {
			totals[name] += float64(s[k]) / float64(abi.One) / rounds
		}
	}
	t.Logf("%v", totals)
	if totals[Good] < totals[Baseline]+0.02 || totals[Baseline] < totals[Lazy]+0.2 {
		t.Error("the order is wrong")
	}
}

func TestAnswers(t *testing.T) {
	p := &forecast.Public{Height: 50, Targets: []forecast.Target{{NetUID: 1}, {NetUID: 2}, {NetUID: 3}, {NetUID: 4}}, Horizons: []uint64{6, 9, 12, 100}}
	prices := Prices{2: {{49, 1 << 32}}, 3: {{1, 1 << 32}, {20, 2 << 32}, {60, 9 << 32}}}
	for h := range uint64(49) {
		prices[4] = append(prices[4], point{h, 1<<32 + h<<24})
	}
	for _, name := range names[:3] {
		a, err := Answer(name, prices, p)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := forecast.DecodeAnswer(a.Append(nil), 4); err != nil || !slices.Equal(a, b) {
			t.Errorf("%s: %v", name, err)
		}
		if name == Lazy {
			continue
		}
		if a[2][0][4] != 2<<32 {
			t.Errorf("%s looked into the future: %d", name, a[2][0][4]>>32)
		}
		for i := range a {
			if a[i][3][8]-a[i][3][0] <= a[i][0][8]-a[i][0][0] {
				t.Errorf("%s: the farther horizon is not the wider: %v", name, a[i])
			}
		}
	}
	good, _ := Answer(Good, prices, p)
	if last := prices[4][48].price; good[3][1][4] <= last {
		t.Error("a steady rise is not gone on with")
	}
	if _, err := Answer("oracle", prices, p); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestParsePrices(t *testing.T) {
	p, err := ParsePrices([]byte("1,7,0.5\n1,8,2\n4,7,1.000000001\n5,7,1."))
	if err != nil || !slices.Equal(p[7], []point{{1, 1 << 31}, {4, 1<<32 + 4}}) || !slices.Equal(p[8], []point{{1, 2 << 32}}) {
		t.Errorf("%v %v", p, err)
	}
	history, behind := p.until(7, 6)
	if !slices.Equal(history, []uint64{1 << 31, 1 << 31, 1 << 31, 1<<32 + 4}) || behind != 2 {
		t.Errorf("%v, %d behind", history, behind)
	}
	for _, s := range []string{"x\n", "1,2\n", "1,2,x\n", "-1,2,3\n", "1,70000,3\n", "1,2,0.1234567891\n", "1,2,99999999\n", "2,1,1\n1,1,1\n", "1,2,3,4\n"} {
		if _, err := ParsePrices([]byte(s)); !errors.Is(err, ErrPrices) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestLogarithm(t *testing.T) {
	for _, v := range []uint64{1, 1000, 1 << 31, 1 << 32, 3 << 32, 1 << 56} {
		if got, want := float64(logarithm(v)), 1e6*math.Log(float64(v)/(1<<32)); math.Abs(got-want) > 30 {
			t.Errorf("log(%d) = %.0f, want %.0f", v, got, want)
		}
	}
}

func FuzzPrices(f *testing.F) {
	f.Add([]byte("1,7,0.5\n2,7,0.6\n3,7,1.5\n9,7,0.5\n"))
	f.Add([]byte("1,1,16777215\n1,1,0\n900,1,0.000000001\n"))
	p := &forecast.Public{Height: 1 << 40, Targets: []forecast.Target{{NetUID: 7}, {NetUID: 1}}, Horizons: []uint64{6, 9, 12, 100}}
	f.Fuzz(func(t *testing.T, b []byte) {
		prices, err := ParsePrices(b)
		if err != nil {
			return
		}
		for _, name := range names[:3] {
			a, err := Answer(name, prices, p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := forecast.DecodeAnswer(a.Append(nil), 2); err != nil {
				t.Fatal(name, err)
			}
		}
	})
}

// A leap at the beginning of a pool does not make the forecasts of the time after it
// as wide as itself.
func TestLeap(t *testing.T) {
	quiet := schedule.Prices(sha256.Sum256([]byte("leap")), 1, 60)
	leap := slices.Clone(quiet)
	for i := 3; i < len(leap); i++ {
		leap[i] = leap[i] / 10 * 16
	}
	width := func(history []uint64) float64 {
		f := trend(history, tradeEvery, 10)
		return float64(f[len(f)-1]-f[0]) / float64(f[len(f)/2])
	}
	if a, b := width(quiet), width(leap); b > 1.5*a {
		t.Errorf("a price that leapt fifty blocks ago is forecast within %.4f, otherwise within %.4f", b, a)
	} else {
		t.Logf("within %.4f and %.4f", a, b)
	}
}
