package ledger

import (
	"fmt"

	"github.com/plexus-network/plexus/ledger/unit"
)

// Bounds of a block beside its bytes, which consensus bounds.
const (
	MaxBlockEntries = 20_000
	MaxBlockSteps   = 40_000 // steps of work that its transactions ask for together
)

// Check decides whether a transaction may wait for a block over the state v.
// pending is the number of the account's transactions that wait already with
// lower nonces. The error is a *Reject, or an error of the view.
func Check(v View, raw []byte, pending uint64) error {
	t, err := DecodeTx(raw)
	if err != nil {
		return err
	}
	return check(v, t, pending, false)
}

// CheckAgain is Check for a transaction whose signatures are known to hold.
func CheckAgain(v View, t *Tx, pending uint64) error { return check(v, t, pending, true) }

func check(v View, t *Tx, pending uint64, verified bool) error {
	tot, err := LoadTotals(v)
	if err != nil || tot == nil {
		return fmt.Errorf("reading totals: %w", err)
	}
	chainID, err := ChainID(v)
	if err != nil {
		return err
	}
	if err := authentic(t, tot.Height+1, chainID, verified); err != nil {
		return err
	}
	if t.Free() {
		return checkFree(v, t, tot.Height+1)
	}
	params, _, err := load[Params](v, []byte(prefixParams))
	if err != nil {
		return err
	}
	if err := unlocked(v, t, tot.Height+1, &params); err != nil {
		return err
	}
	acc, err := LoadAccount(v, t.Account)
	if err != nil {
		return err
	}
	if t.Nonce != acc.Nonce+pending {
		return wrongNonce(t, acc.Nonce+pending)
	}
	if f, fits := fee(t, &params); !fits || f > acc.Balance {
		return reject(CodeLowBalance, "fee %s with a tip of %s, balance %s", f, t.Tip, acc.Balance)
	}
	return nil
}

// Admit applies the rules that a proposed block must satisfy as a whole: the
// proposer's entry, transactions that decode, belong to this chain and carry
// their signature, free ones within their slots and their share of the block.
func Admit(v View, b Block) error {
	if len(b.Entries) > MaxBlockEntries {
		return fmt.Errorf("block %d: %d entries, at most %d", b.Height, len(b.Entries), MaxBlockEntries)
	}
	if _, err := openEntry(v, b); err != nil {
		return err
	}
	chainID, err := ChainID(v)
	if err != nil {
		return err
	}
	slots := map[string]bool{}
	total, free := 0, 0
	steps := uint64(0)
	for i, raw := range b.Entries[1:] {
		t, err := DecodeTx(raw)
		if err == nil {
			err = authentic(t, b.Height, chainID, b.verified(i+1))
		}
		if err == nil && t.Free() {
			free += t.size
			if slot := t.Slot(); slots[slot] {
				err = reject(CodeSlot, "twice in one block")
			} else {
				slots[slot] = true
				err = checkFree(v, t, b.Height)
			}
		}
		if err != nil {
			return fmt.Errorf("block %d: entry %d: %w", b.Height, i+1, err)
		}
		total += t.size
		if steps += t.steps(); steps > MaxBlockSteps {
			return fmt.Errorf("block %d: entry %d: %d steps, at most %d in a block", b.Height, i+1, steps, MaxBlockSteps)
		}
	}
	if free > freeRoom(total) {
		return fmt.Errorf("block %d: %d of %d bytes are free transactions", b.Height, free, total)
	}
	return nil
}

// freeRoom is how many bytes free transactions may take in a block whose
// transactions take total: a quarter, and always a floor that lets every
// validator of a quiet subnet in.
func freeRoom(total int) int { return max(total/freeShare, 1<<20) }

// Select picks transactions for a block at height h from candidates, in their
// order, as many as Admit lets pass and maxBytes hold. It does not check their
// signatures: what has passed Check has been.
func Select(v View, h Height, candidates [][]byte, maxBytes int64) [][]byte {
	chainID, err := ChainID(v)
	if err != nil {
		return nil
	}
	var out [][]byte
	slots := map[string]bool{}
	total, free := 0, 0
	steps := uint64(0)
	for _, raw := range candidates {
		if len(out) == MaxBlockEntries-1 {
			break
		}
		t, err := DecodeTx(raw)
		if err != nil || authentic(t, h, chainID, true) != nil {
			continue
		}
		if int64(total+t.size+16*(len(out)+1)) > maxBytes || t.steps() > MaxBlockSteps-steps {
			continue
		}
		if t.Free() {
			if slot := t.Slot(); slots[slot] || free+t.size > freeRoom(total) || checkFree(v, t, h) != nil {
				continue
			} else {
				slots[slot] = true
			}
			free += t.size
		}
		total += t.size
		steps += t.steps()
		out = append(out, raw)
	}
	return out
}

// Fee returns what a transaction pays when it is applied over v, its tip
// included, 0 for the free kinds. A tip that takes it beyond 64 bits is a
// *Reject with CodeLowBalance.
func Fee(v View, raw []byte) (unit.TAO, error) {
	t, err := DecodeTx(raw)
	if err != nil {
		return 0, err
	}
	return FeeOf(v, t)
}

// FeeOf is Fee of a decoded transaction.
func FeeOf(v View, t *Tx) (unit.TAO, error) {
	if t.Free() {
		return 0, nil
	}
	params, _, err := load[Params](v, []byte(prefixParams))
	if err != nil {
		return 0, err
	}
	f, ok := fee(t, &params)
	if !ok {
		return 0, reject(CodeLowBalance, "a tip of %s", t.Tip)
	}
	return f, nil
}
