package wire

import (
	"bytes"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/store"
)

// The light protocol: one request, one answer, both canonical and bounded, over
// any transport. A request is [1, kind, height, [key, …]], where height and keys
// are 0 and empty unless the kind needs them. An answer is [1, code, detail,
// payload]; what the payload of a kind is stands at its constant.

// Bounds of the light protocol.
const (
	MaxRequest = MaxKeys*(store.MaxKey+4) + 64 // bytes of a request
	MaxAnswer  = 6 << 20                       // bytes of an answer
	MaxKeys    = 64                            // keys of a request
	MaxDetail  = 200                           // bytes of what is said beside a code
)

// Kind is what a light client asks for.
type Kind uint64

// The kinds, each with its payload.
const (
	AskStatus  Kind = iota // [1, provable height, genesis hash]
	AskGenesis             // the genesis as ledger.Genesis.Encode gives it
	AskHeader              // CometBFT's LightBlock in protobuf, signed headers being defined by it
	AskProofs              // [1, [[present, value, proof], …]]
	AskHash                // the 32 bytes of the block's hash
	AskKinds               // their number
)

// Request is what a light client asks.
type Request struct {
	Kind   Kind
	Height uint64
	Keys   [][]byte // of the state, for AskProofs alone
}

// Encode returns the wire form.
func (r Request) Encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 4), 1)
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(r.Kind)), r.Height)
	b = cbor.AppendArray(b, len(r.Keys))
	for _, k := range r.Keys {
		b = cbor.AppendBytes(b, k)
	}
	return b
}

// DecodeRequest reads what Encode wrote; the keys alias b.
func DecodeRequest(b []byte) (r Request, err error) {
	if len(b) > MaxRequest {
		return r, fmt.Errorf("%d bytes, at most %d", len(b), MaxRequest)
	}
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	r.Kind, r.Height = Kind(d.UintMax(uint64(AskKinds)-1)), d.UintMax(1<<62)
	for range d.ArrayMax(MaxKeys) {
		k := d.Bytes(store.MaxKey)
		if len(k) == 0 {
			d.Fail(cbor.ErrLength)
		}
		r.Keys = append(r.Keys, k)
	}
	if err := d.End(); err != nil {
		return r, err
	}
	if (len(r.Keys) > 0) != (r.Kind == AskProofs) || r.Height != 0 && (r.Kind == AskStatus || r.Kind == AskGenesis) {
		return r, fmt.Errorf("kind %d with height %d and %d keys", r.Kind, r.Height, len(r.Keys))
	}
	return r, nil
}

// Answer is what a node says: code 0 and a payload, or another code and, in
// words, why.
type Answer struct {
	Code    uint64
	Detail  string // at most MaxDetail bytes; Encode cuts it
	Payload []byte
}

// Encode returns the wire form.
func (a Answer) Encode() []byte {
	detail := bytes.ToValidUTF8([]byte(a.Detail[:min(len(a.Detail), MaxDetail)]), nil)
	b := cbor.AppendUint(cbor.AppendArray(nil, 4), 1)
	b = cbor.AppendText(cbor.AppendUint(b, a.Code), string(detail))
	return cbor.AppendBytes(b, a.Payload)
}

// DecodeAnswer reads what Encode wrote, with codes below the given number; the
// payload aliases b.
func DecodeAnswer(b []byte, codes int) (a Answer, err error) {
	if len(b) > MaxAnswer {
		return a, fmt.Errorf("%d bytes, at most %d", len(b), MaxAnswer)
	}
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	a.Code = d.UintMax(uint64(codes - 1))
	a.Detail = d.Text(MaxDetail)
	a.Payload = d.Bytes(MaxAnswer)
	return a, d.End()
}

// Status is the payload of AskStatus.
type Status struct {
	Height  uint64 // newest that can be proved
	Genesis [32]byte
}

// Encode returns the wire form.
func (s Status) Encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	return cbor.AppendBytes(cbor.AppendUint(b, s.Height), s.Genesis[:])
}

// DecodeStatus reads what Encode wrote.
func DecodeStatus(b []byte) (s Status, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	s.Height, s.Genesis = d.UintMax(1<<62), d.Hash()
	return s, d.End()
}

// Proved is one key's value, nil when it has none, and the proof of that.
type Proved struct {
	Value []byte
	Proof store.Proof
}

// EncodeProofs is the payload of AskProofs, in the order of the keys.
func EncodeProofs(all []Proved) []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 2), 1)
	b = cbor.AppendArray(b, len(all))
	for _, p := range all {
		b = cbor.AppendBool(cbor.AppendArray(b, 3), p.Value != nil)
		b = cbor.AppendBytes(cbor.AppendBytes(b, p.Value), p.Proof.Append(nil))
	}
	return b
}

// DecodeProofs reads what EncodeProofs wrote. It verifies nothing.
func DecodeProofs(b []byte) ([]Proved, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, 1)
	var out []Proved
	for range d.ArrayMax(MaxKeys) {
		d.Array(3)
		present, value, raw := d.Bool(), d.Bytes(store.MaxValue), d.Bytes(store.MaxProof)
		if d.Err() == nil && present != (len(value) > 0) {
			d.Fail(cbor.ErrLength) // the state has no empty values
		}
		if d.Err() != nil {
			break
		}
		proof, err := store.DecodeProof(raw)
		if err != nil {
			return nil, err
		}
		p := Proved{Proof: proof}
		if present {
			p.Value = bytes.Clone(value)
		}
		out = append(out, p)
	}
	return out, d.End()
}
