package evidence

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/subnets/round"
)

// MaxRecord bounds the record of the state that an input is computed from.
const MaxRecord = 4 << 10

// Input is a value of the chain that a round was scored with: the record that it
// is computed from, and the path from there to the root of the state after its
// height.
type Input struct {
	abi.Input
	Record []byte
	Path   [][32]byte
}

// Header is the header of the block after a height, which names the root of the
// state after that height.
type Header struct {
	Height ledger.Height // of the state
	proof.Header
}

// NewInput makes an input of what a node proved, which it does not check. An
// ErrInputs says that the chain has no such value.
func NewInput(in abi.Input, v *proof.Value) (Input, error) {
	if v.Value == nil {
		return Input{}, fmt.Errorf("%w: %s at block %d", round.ErrInputs, in.Key, in.Height)
	}
	if len(v.Value) > MaxRecord {
		return Input{}, fmt.Errorf("evidence: the record of %s has %d bytes, at most %d", in.Key, len(v.Value), MaxRecord)
	}
	return Input{Input: in, Record: v.Value, Path: v.Proof.Path}, nil
}

// Value is the input's value.
func (in *Input) Value() ([]byte, error) { return round.Value(in.Input, in.Record) }

// Verify reports an error unless the record stands in the state that the header
// names.
func (in *Input) Verify(h *Header) error {
	return proof.Verify(h.Root, round.StateKey(in.Input), in.Record, proof.Proof{Path: in.Path})
}

// appendInputs appends [header, …], [input, …]: a header is [height, header], an
// input [height, key, record, path].
func appendInputs(b []byte, headers []Header, inputs []Input) []byte {
	b = cbor.AppendArray(b, len(headers))
	for i := range headers {
		b = headers[i].Append(cbor.AppendUint(cbor.AppendArray(b, 2), headers[i].Height))
	}
	b = cbor.AppendArray(b, len(inputs))
	for i := range inputs {
		in := &inputs[i]
		b = cbor.AppendText(cbor.AppendUint(cbor.AppendArray(b, 4), in.Height), in.Key)
		b = appendPath(cbor.AppendBytes(b, in.Record), in.Path)
	}
	return b
}

var errHeaders = errors.New("headers are not in rising order")

func readInputs(d *cbor.Decoder) (headers []Header, inputs []Input) {
	for i := range d.ArrayMax(abi.MaxInputs) {
		d.Array(2)
		h := Header{Height: d.Uint()}
		h.Read(d)
		if headers = append(headers, h); i > 0 && d.Err() == nil && h.Height <= headers[i-1].Height {
			d.Fail(errHeaders)
		}
	}
	for range d.ArrayMax(abi.MaxInputs) {
		d.Array(4)
		in := Input{Input: abi.Input{Height: d.Uint(), Key: d.Text(64)}, Record: d.Bytes(MaxRecord)}
		in.Path = make([][32]byte, d.ArrayMax(proof.MaxPath))
		for j := range in.Path {
			in.Path[j] = d.Hash()
		}
		inputs = append(inputs, in)
	}
	return headers, inputs
}

// EncodeInputs returns the encoding of inputs with their headers, for a
// validator's own keeping until the round is scored.
func EncodeInputs(headers []Header, inputs []Input) []byte {
	return appendInputs(cbor.AppendUint(cbor.AppendArray(nil, 3), 1), headers, inputs)
}

// DecodeInputs reads what EncodeInputs wrote.
func DecodeInputs(b []byte) ([]Header, []Input, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	headers, inputs := readInputs(d)
	if err := d.End(); err != nil {
		return nil, nil, fmt.Errorf("%w: inputs: %v", ErrBundle, err)
	}
	return headers, inputs, nil
}

// older is a view that knows the hashes of blocks which the state has forgotten.
type older interface {
	BlockHash(h ledger.Height) ([32]byte, error)
}

// blockHashes reads the hashes of the blocks whose headers the bundle shows. They
// are read before anything is replayed, since a view may forget while that goes on.
func (r *replay) blockHashes() error {
	r.hashes = map[ledger.Height][32]byte{}
	for i := range r.b.Rounds {
		for j := range r.b.Rounds[i].Headers {
			at := r.b.Rounds[i].Headers[j].Height
			h := at + 1
			if _, ok := r.hashes[h]; ok || at < r.rec.First || at > round.Last(r.rec, r.params) {
				continue // no task can name one out of its epoch: it will differ
			}
			hash, err := r.blockHash(h)
			if err != nil {
				return err
			}
			r.hashes[h] = hash
		}
	}
	return nil
}

// blockHash is the hash of the block at a height, from the state or, when that is
// too old for it, from a view that can tell otherwise.
func (r *replay) blockHash(h ledger.Height) ([32]byte, error) {
	hash, ok, err := ledger.BlockHash(r.view, h)
	if err != nil || ok {
		return hash, err
	}
	if v, is := r.view.(older); is {
		return v.BlockHash(h)
	}
	return hash, fmt.Errorf("%w: block %d, of which the state keeps the last %d", ErrTooOld, h, ledger.KeepHashes)
}

// inputs checks the inputs of a round against the chain and returns their values.
// Without a task they are taken as the round names them.
func (r *replay) inputs(rd *Round, i int, task *abi.Task) (values [][]byte, err error) {
	none := ledger.Hotkey{}
	if task != nil && len(task.Inputs) != len(rd.Inputs) {
		return nil, r.differ("inputs", i, none, len(rd.Inputs), len(task.Inputs))
	}
	headers := map[ledger.Height]*Header{}
	for j := range rd.Headers {
		h := &rd.Headers[j]
		want := r.hashes[h.Height+1]
		if got := h.Hash(); got != want {
			return nil, r.differ("header", i, none, fmt.Sprintf("block %d with hash %s", h.Height+1, hex(got)), hex(want))
		}
		headers[h.Height] = h
	}
	used := map[ledger.Height]bool{}
	for j := range rd.Inputs {
		in := &rd.Inputs[j]
		name := fmt.Sprintf("input %s at block %d", in.Key, in.Height)
		if task != nil && in.Input != task.Inputs[j] {
			return nil, r.differ("input", i, none, name, fmt.Sprintf("%s at block %d", task.Inputs[j].Key, task.Inputs[j].Height))
		}
		h := headers[in.Height]
		if h == nil || abi.ValueSize(in.Key) == 0 {
			return nil, r.differ(name, i, none, "no header for it", "one for each height")
		}
		used[in.Height] = true
		if err := in.Verify(h); err != nil {
			return nil, r.differ(name, i, none, "a record of the state", err)
		}
		v, err := in.Value()
		if err != nil {
			return nil, r.differ(name, i, none, "a value", err)
		}
		values = append(values, v)
	}
	if len(used) != len(headers) {
		return nil, r.differ("headers", i, none, len(headers), len(used))
	}
	return values, nil
}
