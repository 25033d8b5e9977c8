package evidence

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/subnets/round"
)

// ErrDenied: a bundle hides or alters an answer for which its validator signed a
// receipt. Replay cannot see it, for the bundle may tell a story that fits.
var ErrDenied = errors.New("evidence: a receipted answer is denied")

// Shows checks what a miner holds against the bundle: nil if the bundle shows the
// answer, ErrDenied, with who hid what and where, if it does not. Any other error
// says that the receipt proves nothing about this bundle.
func (b *Bundle) Shows(h *round.Held) error {
	r, a, err := h.Open()
	switch {
	case err != nil:
		return err
	case r.Caller != b.Validator || r.NetUID != b.NetUID || r.Epoch != b.Epoch || r.ChainID != b.ChainID:
		return fmt.Errorf("evidence: the receipt is of validator %s, netuid %d, epoch %d", r.Caller, r.NetUID, r.Epoch)
	}
	denied := func(what string) error {
		return fmt.Errorf("%w: validator %s, epoch %d round %d: %s of miner %s", ErrDenied, b.Validator, b.Epoch, r.Round, what, r.Callee)
	}
	if int(r.Round) >= len(b.Rounds) {
		return denied("no such round, with the answer")
	}
	for i := range b.Rounds[r.Round].Responses {
		x := &b.Rounds[r.Round].Responses[i]
		if !bytes.Equal(x.Request.Body, h.Request.Body) {
			continue
		}
		switch {
		case x.Answer == nil:
			return denied("no answer")
		case x.Leaf.Hash != a.Hash || !bytes.Equal(x.Answer.Body, h.Answer.Body):
			return denied("another answer")
		}
		return nil
	}
	if b.Rounds[r.Round].Skipped {
		return denied("a skipped round, with the answer")
	}
	return denied("no request, with the answer")
}
