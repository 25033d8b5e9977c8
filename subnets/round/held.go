package round

import "github.com/plexus-network/plexus/ledger/key"

// Held is what a miner has in hand after an exchange: it proves to anybody that
// the validator had its answer, whatever the validator publishes.
type Held struct {
	Request, Answer Signed
	Receipt         key.Signature // the validator's signature over the answer
}

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
