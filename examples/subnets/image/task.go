package image

import (
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const version = 1 // of the public task and the answer

// streamPrompts is the generator's stream that prompts are drawn from.
const streamPrompts = 1

// ErrForm is returned for a prompt that is not in the form that String gives.
var ErrForm = errors.New("image: prompt is not in its canonical form")

// DrawTask draws the task of a round from its randomness: one prompt of each level,
// the same for all miners. The subnet's parameters are not used. The private part
// is empty, as the prompts say all that there is to know.
func DrawTask(r *abi.TaskRequest) (abi.Task, error) {
	rnd := sdk.NewRand(r.Beta, streamPrompts)
	prompts := make([]*Prompt, Prompts)
	for i := range prompts {
		prompts[i] = drawPrompt(rnd, i+1)
	}
	return abi.Task{Public: AppendTask(nil, prompts)}, nil
}

// AppendTask appends the public part of a task: [1, side, [prompt, …]].
func AppendTask(b []byte, prompts []*Prompt) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendUint(b, Side)
	b = cbor.AppendArray(b, len(prompts))
	for _, p := range prompts {
		b = cbor.AppendText(b, p.String())
	}
	return b
}

// DecodeTask reads the public part of a task: 1 to Prompts prompts.
func DecodeTask(b []byte) ([]*Prompt, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, version)
	if d.Uint() != Side {
		d.Fail(cbor.ErrLength)
	}
	n := d.ArrayMax(Prompts)
	if n == 0 {
		d.Fail(cbor.ErrLength)
	}
	prompts := make([]*Prompt, n)
	for i := range prompts {
		text := d.Text(MaxPrompt)
		if d.Err() != nil {
			return nil, d.Err()
		}
		p, err := ParsePrompt(text)
		if err != nil {
			return nil, err
		}
		if p.String() != text {
			return nil, ErrForm
		}
		prompts[i] = p
	}
	return prompts, d.End()
}

// MaxPicture is the number of bytes of the longest picture of an answer.
const MaxPicture = 16 << 10

// AppendAnswer appends an answer: [1, [png, …]], one file for each prompt.
func AppendAnswer(b []byte, pictures [][]byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(pictures))
	for _, p := range pictures {
		b = cbor.AppendBytes(b, p)
	}
	return b
}

// DecodeAnswer reads an answer to a task of n prompts; the files alias b and are
// not looked into.
func DecodeAnswer(b []byte, n int) ([][]byte, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	d.Array(n)
	if d.Err() != nil {
		return nil, d.Err()
	}
	pictures := make([][]byte, n)
	for i := range pictures {
		pictures[i] = d.Bytes(MaxPicture)
	}
	return pictures, d.End()
}
