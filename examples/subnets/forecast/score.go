package forecast

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// ErrInputs is returned for a scoring whose inputs are not those of its task.
var ErrInputs = errors.New("forecast: inputs are not the prices and the randomness of the task")

// million is one in millionths.
const million = 1_000_000

// normal are the deciles of the normal distribution with mean 0 and deviation one,
// and meanLoss their mean pinball loss under it, both in millionths.
var normal = [Quantiles]int64{-1_281_552, -841_621, -524_401, -253_347, 0, 253_347, 524_401, 841_621, 1_281_552}

const meanLoss = 308_657

// target is one price to score forecasts against.
type target struct {
	base, truth uint64 // Q32.32
	walk        Forecast
	scale       uint64 // the walk's expected loss, summed over the quantiles; above 0
}

// Walk returns what a random walk expects of a price: from base, with a deviation
// of sigma millionths of it for one step, after steps of them.
func Walk(base, sigma, steps uint64) (f Forecast) {
	spread := spreadOf(base, sigma, steps)
	for k, z := range normal {
		size := uint64(max(z, -z))
		d := muldiv(spread, size, million)
		if z < 0 {
			f[k] = base - min(base, d)
		} else {
			f[k] = min(base+d, MaxValue)
		}
	}
	return f
}

// spreadOf is the deviation of a random walk, in Q32.32, at least one unit.
func spreadOf(base, sigma, steps uint64) uint64 {
	// sqrt(steps) in Q32.32; sigma·sqrt(steps) stays below 2^20·2^36.
	root := sdk.Sqrt(steps << 32)
	return max(1, muldiv(base, sigma*root/million, one))
}

// one is 1.0 in Q32.32.
const one = uint64(1) << 32

// muldiv returns a·b/c, rounded down; the largest number where that is more.
func muldiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return 1<<64 - 1
	}
	q, _ := bits.Div64(hi, lo, c)
	return q
}

// loss is the pinball loss of a forecast, summed over its quantiles, times ten:
//
//	Σ 10·max(q·(x−f), (q−1)·(x−f))    for q of 0.1 to 0.9
//
// At most 9·9·2^56.
func (f *Forecast) loss(x uint64) (sum uint64) {
	for k, v := range f {
		q := uint64(k + 1)
		if x >= v {
			sum += q * (x - v)
		} else {
			sum += (10 - q) * (v - x)
		}
	}
	return sum
}

// Score scores the answers of a round, each by itself:
//
//	1/2 + mean over the targets of (loss of the walk − loss) / (2·expected loss of the walk)
//
// kept within 0 and one. What divides does not depend on what came, so the expected
// score is greatest for the quantiles that one believes in. An answer that does not
// decode scores 0; only a task or inputs that do not decode are an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	p, err := DecodePublic(r.Public)
	if err != nil {
		return nil, err
	}
	at, targets, err := open(r, &p)
	if err != nil {
		return nil, err
	}
	scores := make(abi.Scores, len(r.Payloads))
	for i, b := range r.Payloads {
		answer, err := DecodeAnswer(b, len(targets))
		if err != nil {
			continue
		}
		var sum int64 // of skill in Q32.32; at most 6·2^40
		for k, t := range targets {
			sum += t.skill(&answer[k][at])
		}
		sum = int64(one)/2 + sum/int64(len(targets))
		scores[i] = uint64(min(max(sum, 0), int64(one)))
	}
	return scores, nil
}

// skill is (loss of the walk − loss) / (2·expected loss), in Q32.32, kept within
// ±256: beyond, a single target decides all the same.
func (t *target) skill(f *Forecast) int64 {
	const most = 256 << 32
	walk, loss := t.walk.loss(t.truth), f.loss(t.truth)
	if walk >= loss {
		return int64(min(muldiv(walk-loss, one/2, t.scale), most))
	}
	return -int64(min(muldiv(loss-walk, one/2, t.scale), most))
}

// open finds out which horizon counts, and the targets' values before and at it.
func open(r *abi.ScoreRequest, p *Public) (at int, out []target, err error) {
	truth, err := decodeTruth(r.Private)
	if err != nil {
		return 0, nil, err
	}
	if len(truth) > 0 {
		return openSeries(truth, p)
	}
	params, err := DecodeParams(r.Params)
	if err != nil {
		return 0, nil, err
	}
	n := len(r.Inputs) - 1
	if n != len(p.Targets)*(1+Horizons) || len(r.Inputs[n]) != 32 {
		return 0, nil, ErrInputs
	}
	var seed [32]byte
	copy(seed[:], r.Inputs[n])
	at = sdk.NewRand(seed, streamDraw).Intn(Horizons)
	for i := range p.Targets {
		base, value := r.Inputs[i*(1+Horizons)], r.Inputs[i*(1+Horizons)+1+at]
		if len(base) != 8 || len(value) != 8 {
			return 0, nil, ErrInputs
		}
		out = append(out, newTarget(binary.BigEndian.Uint64(base), binary.BigEndian.Uint64(value), params.Sigma, p.Horizons[at]))
	}
	return at, out, nil
}

// openSeries is open for series: their own changes tell how far a walk goes.
func openSeries(truth []uint64, p *Public) (at int, out []target, err error) {
	if len(truth) != 1+len(p.Targets) {
		return 0, nil, ErrInputs
	}
	for at < Horizons && p.Horizons[at] != truth[0] {
		at++
	}
	if at == Horizons {
		return 0, nil, ErrInputs
	}
	for i, t := range p.Targets {
		if len(t.History) < 2 {
			return 0, nil, ErrSlices
		}
		out = append(out, newTarget(t.History[len(t.History)-1], truth[1+i], Sigma(t.History), p.Horizons[at]))
	}
	return at, out, nil
}

func newTarget(base, truth, sigma, steps uint64) target {
	base, truth = min(max(base, 1), MaxValue), min(truth, MaxValue)
	t := target{base: base, truth: truth, walk: Walk(base, sigma, steps)}
	// Ten times the loss of each of the nine quantiles, as in loss.
	t.scale = max(1, muldiv(spreadOf(base, sigma, steps), 10*Quantiles*meanLoss, million))
	return t
}

// Sigma is how far a series goes in one step, in millionths of its value: the mean
// of its changes' sizes, times sqrt(π/2), as it is for normal ones; 1 to 10^6.
func Sigma(history []uint64) uint64 {
	var sum uint64
	for i := 1; i < len(history); i++ {
		a, b := history[i-1], history[i]
		sum += min(muldiv(max(a, b)-min(a, b), million, max(a, 1)), million)
	}
	return min(max(sum/uint64(max(1, len(history)-1))*1_253_314/million, 1), million)
}

// Deciles returns the deciles of the normal distribution with mean 0 and deviation
// one, in millionths.
func Deciles() [Quantiles]int64 { return normal }

// Times returns a·b for numbers in Q32.32, at most MaxValue.
func Times(a, b uint64) uint64 { return min(muldiv(a, b, one), MaxValue) }
