package round

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Held is what a miner has in hand after an exchange: it proves to anybody that
// the validator had its answer, whatever the validator publishes.
type Held struct {
	Request, Answer Signed
	Receipt         key.Signature // the validator's signature over the answer
}

// MaxHeld bounds an encoded Held, in bytes.
const MaxHeld = 16 << 10

// Open checks all three signatures and returns what was asked and answered.
func (h *Held) Open() (Request, Answer, error) {
	r, err := h.Request.OpenRequest()
	if err != nil {
		return r, Answer{}, err
	}
	a, err := h.Answer.OpenAnswer(h.Request.Body, r.Callee)
	if err != nil {
		return r, a, err
	}
	return r, a, CheckReceipt(r.Caller, h.Answer, h.Receipt)
}

// Append appends [1, request, answer, receipt].
func (h *Held) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 4), 1)
	return cbor.AppendBytes(h.Answer.Append(h.Request.Append(b)), h.Receipt[:])
}

// DecodeHeld reads what Append wrote. It checks no signature.
func DecodeHeld(b []byte) (*Held, error) {
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	h := &Held{}
	h.Request.decode(d)
	h.Answer.decode(d)
	d.Fixed(h.Receipt[:])
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return h, nil
}
