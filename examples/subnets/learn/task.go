package learn

import (
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

const (
	// Slices is the number of pieces of text held out for a round, and for a merge.
	Slices = 4
	// SliceLen is the number of bytes of each.
	SliceLen = 512

	version = 1 // of the public task, the truth and the answer
)

// ErrSlices is returned for a request without the data that the module needs.
var ErrSlices = errors.New("learn: needs 4 data slices of 512 bytes")

// Public is what a miner sees of a task. It is the same for all rounds of an epoch, so
// that a miner can answer all of them with one update.
type Public struct {
	Last  uint64 // the last block of the epoch for which a round can be scored: it names the epoch
	Model []byte // the shared model, empty for one that knows nothing
}

// DrawTask draws the task of a round: the shared model, and pieces of text that the
// updates will be tried on. The subnet's parameters are not used.
func DrawTask(r *abi.TaskRequest) (abi.Task, error) {
	if err := checkSlices(r.Slices); err != nil {
		return abi.Task{}, err
	}
	if _, err := DecodeModel(r.Artifact); err != nil {
		return abi.Task{}, err
	}
	p := Public{Last: r.Last, Model: r.Artifact}
	return abi.Task{Public: p.Append(nil), Private: appendPieces(nil, r.Slices)}, nil
}

func checkSlices(slices [][]byte) error {
	if len(slices) != Slices {
		return ErrSlices
	}
	for _, s := range slices {
		if len(s) != SliceLen {
			return ErrSlices
		}
	}
	return nil
}

// Append appends the public part of a task: [1, last, model].
func (p *Public) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, version)
	return cbor.AppendBytes(cbor.AppendUint(b, p.Last), p.Model)
}

// DecodePublic reads the public part of a task, whose model aliases b.
func DecodePublic(b []byte) (p Public, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, version)
	p.Last, p.Model = d.Uint(), d.Bytes(ModelLen)
	if n := len(p.Model); d.Err() == nil && n != 0 && n != ModelLen {
		d.Fail(ErrModel)
	}
	return p, d.End()
}

// appendPieces appends the private part of a task: [1, [piece, …]].
func appendPieces(b []byte, pieces [][]byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(pieces))
	for _, p := range pieces {
		b = cbor.AppendBytes(b, p)
	}
	return b
}

// decodePieces reads the private part of a task.
func decodePieces(b []byte) ([][]byte, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	d.Array(Slices)
	var out [][]byte
	for range Slices {
		out = append(out, d.Bytes(SliceLen))
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return out, checkSlices(out)
}
