package chain

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
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
	maxDetail  = 200
	maxHeader  = 256 << 10 // bytes of a light block
)

type kind uint64

const (
	askStatus  kind = iota // [1, provable height, genesis hash]
	askGenesis             // the genesis as ledger.Genesis.Encode gives it
	askHeader              // CometBFT's LightBlock in protobuf, signed headers being defined by it
	askProofs              // [1, [[present, value, proof], …]]
	askHash                // the 32 bytes of the block's hash
	askKinds               // their number
)

type request struct {
	kind   kind
	height uint64
	keys   [][]byte
}

func (r request) encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 4), 1)
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(r.kind)), r.height)
	b = cbor.AppendArray(b, len(r.keys))
	for _, k := range r.keys {
		b = cbor.AppendBytes(b, k)
	}
	return b
}

func decodeRequest(b []byte) (r request, err error) {
	if len(b) > MaxRequest {
		return r, fmt.Errorf("%w: %d bytes, at most %d", ErrRequest, len(b), MaxRequest)
	}
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	r.kind, r.height = kind(d.UintMax(uint64(askKinds)-1)), d.UintMax(1<<62)
	for range d.ArrayMax(MaxKeys) {
		k := d.Bytes(store.MaxKey)
		if len(k) == 0 {
			d.Fail(cbor.ErrLength)
		}
		r.keys = append(r.keys, k)
	}
	if err := d.End(); err != nil {
		return r, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if (len(r.keys) > 0) != (r.kind == askProofs) || r.height != 0 && (r.kind == askStatus || r.kind == askGenesis) {
		return r, fmt.Errorf("%w: kind %d with height %d and %d keys", ErrRequest, r.kind, r.height, len(r.keys))
	}
	return r, nil
}

// The codes of an answer.
var answerCodes = []error{nil, ErrRequest, ErrUnavailable, ErrTooLarge}

func encodeAnswer(payload []byte, err error) []byte {
	code, detail := 0, ""
	if err != nil {
		code, detail, payload = 2, err.Error(), nil
		for i, e := range answerCodes {
			if e != nil && errors.Is(err, e) {
				code = i
			}
		}
		detail = string(bytes.ToValidUTF8([]byte(detail[:min(len(detail), maxDetail)]), nil))
	}
	b := cbor.AppendUint(cbor.AppendArray(nil, 4), 1)
	b = cbor.AppendText(cbor.AppendUint(b, uint64(code)), detail)
	return cbor.AppendBytes(b, payload)
}

// decodeAnswer returns the payload, or the error that the node answered with.
func decodeAnswer(b []byte) ([]byte, error) {
	if len(b) > MaxAnswer {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrVerify, len(b), MaxAnswer)
	}
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	code := d.UintMax(uint64(len(answerCodes) - 1))
	detail := d.Text(maxDetail)
	payload := d.Bytes(MaxAnswer)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if code != 0 {
		return nil, fmt.Errorf("%w: the node says: %s", answerCodes[code], detail)
	}
	return payload, nil
}

type status struct {
	height  uint64 // newest that can be proved
	genesis [32]byte
}

func (s status) encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	return cbor.AppendBytes(cbor.AppendUint(b, s.height), s.genesis[:])
}

func decodeStatus(b []byte) (s status, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	s.height, s.genesis = d.UintMax(1<<62), d.Hash()
	return s, d.End()
}

// proved is one key's value, nil when it has none, and the proof of that.
type proved struct {
	value []byte
	proof store.Proof
}

func encodeProofs(all []proved) []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 2), 1)
	b = cbor.AppendArray(b, len(all))
	for _, p := range all {
		b = cbor.AppendBool(cbor.AppendArray(b, 3), p.value != nil)
		b = cbor.AppendBytes(cbor.AppendBytes(b, p.value), p.proof.Append(nil))
	}
	return b
}

func decodeProofs(b []byte) ([]proved, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, 1)
	var out []proved
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
		p := proved{proof: proof}
		if present {
			p.value = bytes.Clone(value)
		}
		out = append(out, p)
	}
	return out, d.End()
}

// decodeGenesis reads the genesis that has a hash.
func decodeGenesis(b []byte, hash [32]byte) (*ledger.Genesis, error) {
	g, err := ledger.DecodeGenesis(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVerify, err)
	}
	if got := g.Hash(); got != hash {
		return nil, fmt.Errorf("%w: genesis %x, want %x", ErrVerify, got[:8], hash[:8])
	}
	return g, nil
}
