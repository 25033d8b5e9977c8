package ledger

import "github.com/plexus-network/plexus/ledger/unit"

// fee of a paying transaction: base + bytes · per byte + steps · per step + tip,
// and false when that exceeds 64 bits, which nobody can pay.
func fee(t *Tx, p *Params) (unit.TAO, bool) {
	return (p.FeeBase + unit.TAO(t.size)*p.FeeByte + unit.TAO(t.steps())*p.FeeStep).Add(t.Tip)
}

// charge takes the fee and the nonce: half and the tip to the producer's
// coldkey, half burned, the odd unit burned too.
func charge(s *state, t *Tx, params *Params, fees *earned) error {
	acc := s.account(t.Account)
	if t.Nonce != acc.Nonce {
		return wrongNonce(t, acc.Nonce)
	}
	f, fits := fee(t, params)
	left, ok := acc.Balance.Sub(f)
	if !fits || !ok {
		return reject(CodeLowBalance, "fee %s with a tip of %s, balance %s", f, t.Tip, acc.Balance)
	}
	acc.Balance, acc.Nonce = left, acc.Nonce+1
	s.setAccount(t.Account, acc)
	half := (f-t.Tip)/2 + t.Tip
	fees.producer, fees.burned = fees.producer+half, fees.burned+f-half
	return nil
}

// earned is what the fees of a block's transactions come to.
type earned struct {
	producer unit.TAO // half, and the tips
	burned   unit.TAO // half, and the odd units
}

// pay books the fees once for all transactions: balances would otherwise be
// written for each of them.
func (e *earned) pay(s *state, producer Coldkey) {
	if e.producer == 0 && e.burned == 0 {
		return
	}
	to := s.account(producer)
	to.Balance += e.producer // the sum of all balances fits
	s.setAccount(producer, to)
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Free, tot.Burned = tot.Free-e.burned, tot.Burned+e.burned
	store(s, []byte(prefixTotals), tot)
}
