package forecast

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	// Slices is the number of data slices opened for a task of a subnet with data,
	// each a series of its own.
	Slices = 4
	// SliceLen is the number of bytes of a data slice: Points values of 8 bytes,
	// big-endian, in Q32.32, none 0.
	SliceLen = 8 * Points
	// Points is the number of values of a slice; of these Hidden are the truth.
	Points = 64
	// Hidden is the greatest horizon of a series.
	Hidden = 16
	// Horizons is the number of horizons that a task offers.
	Horizons = 4
	// MaxTargets is the greatest number of prices or series in a task.
	MaxTargets = 6
	// Quantiles is how many an answer states of each price: the deciles, 10 % to 90 %.
	Quantiles = 9

	// nearest and farthest bound the horizon of a price in blocks. The nearest is
	// later than the answers, so that nobody who answers knows the draw made there.
	nearest, farthest = 6, 100

	version = 1 // of the parameters, the public task, the truth and the answer
)

// Streams of the generator of a round's randomness, and of the chain's at the
// nearest horizon.
const (
	streamTask = 1
	streamDraw = 2
)

// Params are a subnet's parameters: [1, [netuid, …], sigma].
type Params struct {
	NetUIDs []uint16 // whose prices are asked for, rising; MaxTargets of them are drawn
	// Sigma is the spread of the random walk that scores are measured against: the
	// standard deviation of one block's change, in millionths of the price, 1 to 10^6.
	Sigma uint64
}

// MaxNetUIDs bounds the netuids of the parameters.
const MaxNetUIDs = 64

// Errors of a task request that the module cannot work with.
var (
	ErrParams  = errors.New("forecast: parameters must be [1, [netuid, …], sigma], netuids rising, sigma 1 to 1000000; a subnet with data needs none")
	ErrSlices  = errors.New("forecast: task needs 4 data slices of 64 values above 0, or none")
	ErrHorizon = errors.New("forecast: round begins too late in the epoch: at least 10 blocks must follow up to its last but one")
)

// Append appends the canonical encoding.
func (p *Params) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(p.NetUIDs))
	for _, n := range p.NetUIDs {
		b = cbor.AppendUint(b, uint64(n))
	}
	return cbor.AppendUint(b, p.Sigma)
}

// DecodeParams reads a subnet's parameters: ErrParams for what is none.
func DecodeParams(b []byte) (p Params, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, version)
	for range d.ArrayMax(MaxNetUIDs) {
		n := uint16(d.UintMax(1<<16 - 1))
		if k := len(p.NetUIDs); k > 0 && n <= p.NetUIDs[k-1] {
			return p, ErrParams
		}
		p.NetUIDs = append(p.NetUIDs, n)
	}
	p.Sigma = d.UintMax(1e6)
	if d.End() != nil || len(p.NetUIDs) == 0 || p.Sigma == 0 {
		return p, ErrParams
	}
	return p, nil
}

// Target is what a task asks about: the price of a subnet's alpha, or a series.
type Target struct {
	NetUID  uint16   // of a price; 0 for a series
	History []uint64 // of a series, oldest first, in Q32.32; empty for a price
}

// Public is what a miner sees of a task.
type Public struct {
	Height   uint64 // the block after which the round began; 0 for series
	Targets  []Target
	Horizons []uint64 // blocks after Height, or values after the history; rising
}

// DrawTask draws the task of a round. With data slices it is about the series in
// them, and the horizon that counts is drawn by β. Without, it is about the prices of
// MaxTargets of the subnets that the parameters name; the horizon is drawn by the
// chain's randomness at the nearest of them, and the prices at all are inputs.
func DrawTask(r *abi.TaskRequest) (abi.Task, error) {
	rnd := sdk.NewRand(r.Beta, streamTask)
	if len(r.Slices) > 0 {
		return drawSeries(r, rnd)
	}
	params, err := DecodeParams(r.Params)
	if err != nil {
		return abi.Task{}, err
	}
	if r.Last < r.Height+nearest+Horizons {
		return abi.Task{}, ErrHorizon
	}
	p := Public{Height: r.Height, Horizons: horizons(rnd, nearest, min(farthest, r.Last-r.Height))}
	ids := params.NetUIDs
	rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	var t abi.Task
	for _, n := range ids[:min(len(ids), MaxTargets)] {
		p.Targets = append(p.Targets, Target{NetUID: n})
		t.Inputs = append(t.Inputs, abi.Input{Height: r.Height, Key: abi.PriceKey(n)})
		for _, h := range p.Horizons {
			t.Inputs = append(t.Inputs, abi.Input{Height: r.Height + h, Key: abi.PriceKey(n)})
		}
	}
	t.Inputs = append(t.Inputs, abi.Input{Height: r.Height + p.Horizons[0], Key: abi.KeyRandomness})
	t.ScoreAt = r.Height + p.Horizons[Horizons-1]
	t.Public, t.Private = p.Append(nil), appendTruth(nil, nil)
	return t, nil
}

// horizons draws Horizons different ones from least to most, rising; the first is
// always the least.
func horizons(rnd *sdk.Rand, least, most uint64) []uint64 {
	out := []uint64{least}
	for len(out) < Horizons {
		if h := least + 1 + rnd.Uint64n(most-least); !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}

func drawSeries(r *abi.TaskRequest, rnd *sdk.Rand) (abi.Task, error) {
	if len(r.Slices) != Slices {
		return abi.Task{}, ErrSlices
	}
	p := Public{Horizons: horizons(rnd, 1, Hidden)}
	h := p.Horizons[rnd.Intn(Horizons)]
	truth := []uint64{h}
	for _, s := range r.Slices {
		if len(s) != SliceLen {
			return abi.Task{}, ErrSlices
		}
		values := make([]uint64, Points)
		for i := range values {
			if values[i] = binary.BigEndian.Uint64(s[8*i:]); values[i] == 0 || values[i] > MaxValue {
				return abi.Task{}, ErrSlices
			}
		}
		p.Targets = append(p.Targets, Target{History: values[:Points-Hidden]})
		truth = append(truth, values[uint64(Points-Hidden)+h-1])
	}
	return abi.Task{Public: p.Append(nil), Private: appendTruth(nil, truth)}, nil
}

// Append appends the public part of a task:
// [1, height, [[netuid, [value, …]], …], [horizon, …]].
func (p *Public) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 4)
	b = cbor.AppendUint(cbor.AppendUint(b, version), p.Height)
	b = cbor.AppendArray(b, len(p.Targets))
	for _, t := range p.Targets {
		b = cbor.AppendArray(b, 2)
		b = appendUints(cbor.AppendUint(b, uint64(t.NetUID)), t.History)
	}
	return appendUints(b, p.Horizons)
}

// DecodePublic reads the public part of a task.
func DecodePublic(b []byte) (p Public, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, version)
	p.Height = d.Uint()
	for range d.ArrayMax(MaxTargets) {
		d.Array(2)
		p.Targets = append(p.Targets, Target{NetUID: uint16(d.UintMax(1<<16 - 1)), History: uints(d, Points)})
	}
	p.Horizons = uints(d, Horizons)
	if d.Err() == nil && (len(p.Targets) == 0 || len(p.Horizons) != Horizons) {
		d.Fail(cbor.ErrLength)
	}
	return p, d.End()
}

// appendTruth appends the private part of a task: [1, [horizon, value, …]], the list
// empty for prices, which nobody knows yet.
func appendTruth(b []byte, truth []uint64) []byte {
	b = cbor.AppendArray(b, 2)
	return appendUints(cbor.AppendUint(b, version), truth)
}

func decodeTruth(b []byte) ([]uint64, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	truth := uints(d, 1+MaxTargets)
	return truth, d.End()
}

func appendUints(b []byte, list []uint64) []byte {
	b = cbor.AppendArray(b, len(list))
	for _, v := range list {
		b = cbor.AppendUint(b, v)
	}
	return b
}

func uints(d *cbor.Decoder, most int) (list []uint64) {
	for range d.ArrayMax(most) {
		list = append(list, d.Uint())
	}
	return list
}
