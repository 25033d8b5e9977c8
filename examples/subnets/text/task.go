package text

import (
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	// Contexts is the number of places in a task, and of data slices opened.
	Contexts = 32
	// ContextLen is the number of bytes shown before each place.
	ContextLen = 512
	// SliceLen is the number of bytes of a data slice.
	SliceLen = 1024

	version = 1 // of the public task, the truth and the answer
)

// streamPlaces is the generator's stream that places are drawn from.
const streamPlaces = 1

// Errors of a task request that does not fit the module's manifest.
var (
	ErrSliceCount = errors.New("text: task needs exactly 32 data slices")
	ErrSliceLen   = errors.New("text: data slice is not 1024 bytes long")
)

// DrawTask draws the task of a round: in slice i it picks an offset o from 0 to
// SliceLen-ContextLen-1 by the round's randomness; the ContextLen bytes from o
// on are shown, and the byte after them is the truth. All miners of a round get
// the same task. The subnet's parameters are not used.
func DrawTask(r *abi.TaskRequest) (abi.Task, error) {
	if len(r.Slices) != Contexts {
		return abi.Task{}, ErrSliceCount
	}
	rnd := sdk.NewRand(r.Beta, streamPlaces)
	contexts := make([][]byte, Contexts)
	truth := make([]byte, Contexts)
	for i, s := range r.Slices {
		if len(s) != SliceLen {
			return abi.Task{}, ErrSliceLen
		}
		o := rnd.Intn(SliceLen - ContextLen)
		contexts[i], truth[i] = s[o:o+ContextLen], s[o+ContextLen]
	}
	return abi.Task{Public: AppendContexts(nil, contexts), Private: appendTruth(nil, truth)}, nil
}

// AppendContexts appends the public part of a task: [1, [context, …]].
func AppendContexts(b []byte, contexts [][]byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(contexts))
	for _, c := range contexts {
		b = cbor.AppendBytes(b, c)
	}
	return b
}

// DecodeContexts reads the public part of a task: 1 to Contexts contexts of 0
// to ContextLen bytes each, which alias b.
func DecodeContexts(b []byte) ([][]byte, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	contexts := make([][]byte, d.ArrayMax(Contexts))
	for i := range contexts {
		contexts[i] = d.Bytes(ContextLen)
	}
	if len(contexts) == 0 {
		d.Fail(cbor.ErrLength)
	}
	return contexts, d.End()
}

// appendTruth appends the private part of a task: [1, bytes], one byte for each
// context.
func appendTruth(b, truth []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	return cbor.AppendBytes(b, truth)
}

// decodeTruth reads the private part of a task with n contexts; the result
// aliases b.
func decodeTruth(b []byte, n int) ([]byte, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	truth := d.Bytes(n)
	if len(truth) != n {
		d.Fail(cbor.ErrLength)
	}
	return truth, d.End()
}
