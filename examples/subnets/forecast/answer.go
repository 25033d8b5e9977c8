package forecast

import (
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

// MaxValue is the greatest price or value there is, in Q32.32: 2^24.
const MaxValue = 1 << 56

// Errors of an answer.
var (
	ErrOrder = errors.New("forecast: quantiles fall")
	ErrValue = errors.New("forecast: quantile above 2^24")
)

// Forecast are the nine deciles of one price, in Q32.32, not falling, each at most
// MaxValue.
type Forecast [Quantiles]uint64

// Answer holds a forecast for each target and horizon of a task.
type Answer [][Horizons]Forecast

// Append appends the canonical encoding [1, [[[quantile, …], … horizons], … targets]].
func (a Answer) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(a))
	for i := range a {
		b = cbor.AppendArray(b, Horizons)
		for j := range a[i] {
			b = appendUints(b, a[i][j][:])
		}
	}
	return b
}

// DecodeAnswer reads an answer to a task of n targets.
func DecodeAnswer(b []byte, n int) (Answer, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	d.Array(n)
	if d.Err() != nil {
		return nil, d.Err()
	}
	a := make(Answer, n)
	for i := range a {
		d.Array(Horizons)
		for j := range a[i] {
			d.Array(Quantiles)
			last := uint64(0)
			for k := range a[i][j] {
				v := d.Uint()
				if v < last {
					d.Fail(ErrOrder)
				}
				if v > MaxValue {
					d.Fail(ErrValue)
				}
				a[i][j][k], last = v, v
			}
		}
		if d.Err() != nil {
			return nil, d.Err()
		}
	}
	return a, d.End()
}

// Check says whether a payload is an answer to the task, and if not, why.
func Check(r *abi.CheckRequest) (abi.Verdict, error) {
	p, err := DecodePublic(r.Public)
	if err != nil {
		return abi.Verdict{}, err
	}
	if _, err := DecodeAnswer(r.Payload, len(p.Targets)); err != nil {
		return abi.Verdict{Reason: err.Error()}, nil
	}
	return abi.Verdict{OK: true}, nil
}
