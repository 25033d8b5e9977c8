package ledger

import (
	"errors"
	"fmt"
)

// Apply executes a block over the state v of the block before and returns what
// it changes. A transaction that is refused is an entry of the result; an error
// means that the ledger or its state is broken, or that the block is not one
// that Admit lets pass, and the node must stop.
//
// The order within a block: the proposer's entry, what is proved of producers,
// the epochs that begin, the decay of registration prices, the emission, the transactions, their fees, the votes that close, the
// steps that are due, the price averages, the election, the unbonding queue, the
// invariants.
func Apply(v View, b Block) (*Result, error) {
	s := newState(v)
	s.expect(len(b.Entries))
	t := need[Totals](s, []byte(prefixTotals))
	params := need[Params](s, []byte(prefixParams))
	chainID, err := ChainID(s)
	if err != nil {
		return nil, err
	}
	if s.err == nil && b.Height != t.Height+1 {
		return nil, broken("block %d does not follow %d", b.Height, t.Height)
	}
	r, err := openEntry(s, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	prev, err := Random(s)
	if err != nil {
		return nil, err
	}
	nets, err := Subnets(s)
	if err != nil {
		return nil, err
	}
	set, err := Producers(s)
	if err != nil {
		return nil, err
	}
	if err := punish(s, &b, set, &params); err != nil {
		return nil, err
	}
	for _, n := range nets {
		if c := need[Clock](s, clockKey(n)); c.First == b.Height {
			openEpoch(s, n, b.Height, chainID, prev)
		}
		decayBurn(s, n)
	}
	if err := emit(s, nets, &params); err != nil {
		return nil, err
	}
	s.set([]byte(prefixRandom), r[:])
	expire(s, b.Height)

	res := &Result{Txs: make([]TxResult, len(b.Entries))}
	var fees earned
	for i, raw := range b.Entries[1:] {
		told := len(s.events)
		out, err := applyTx(s, raw, b.Height, chainID, &params, &fees, b.verified(i+1))
		if err == nil {
			err = s.err
		}
		if err != nil {
			return nil, err
		}
		res.Txs[i+1] = out
		for j := told; j < len(s.events); j++ {
			s.events[j].Entry = i + 1
		}
	}
	proposer := need[Producer](s, producerKey(b.Proposer))
	fees.pay(s, proposer.Coldkey)
	if err := govern(s, b.Height); err != nil {
		return nil, err
	}
	steps := 0
	if nets, err = Subnets(s); err != nil { // some may have come or gone
		return nil, err
	}
	for _, n := range nets {
		done, err := endEpoch(s, n, b.Height, steps < int(params.StepsABlock), &params)
		if err != nil {
			return nil, err
		}
		if done {
			steps++
		}
		movePrice(s, n, b.Height, &params)
	}
	if b.Height%params.ElectEvery == 0 {
		if err := elect(s, b.Height, &params); err != nil {
			return nil, err
		}
	}
	if err := release(s, b.Height); err != nil {
		return nil, err
	}
	if res.Producers, err = updates(s, set); err != nil {
		return nil, err
	}
	s.set(hashKey(b.Height), append(be64(b.Height), b.Hash[:]...))
	t = need[Totals](s, []byte(prefixTotals))
	t.Height = b.Height
	store(s, []byte(prefixTotals), t)
	if s.err != nil {
		return nil, s.err
	}
	changed := s.changes()
	res.Writes, res.Events, res.Blobs = s.writes(changed), s.events, s.blobs
	if res.Balances, err = s.balances(changed); err != nil {
		return nil, err
	}
	if err := checkChanged(s); err != nil {
		return nil, err
	}
	return res, nil
}

// applyTx applies one transaction. A refused one leaves the fee and the nonce,
// or the spent slot, behind, and nothing else.
func applyTx(s *state, raw []byte, h Height, chainID string, params *Params, fees *earned, verified bool) (TxResult, error) {
	t, err := DecodeTx(raw)
	if err == nil {
		err = authentic(t, h, chainID, verified)
	}
	if err != nil {
		return result(t, err)
	}
	return applyDecoded(s, t, h, chainID, params, fees)
}

func applyDecoded(s *state, t *Tx, h Height, chainID string, params *Params, fees *earned) (TxResult, error) {
	if t.Free() {
		if err := checkFree(s, t, h); err != nil {
			return result(t, err)
		}
		spendSlot(s, t, h)
	} else if err := unlocked(s, t, h, params); err != nil {
		return result(t, err) // unpaid: a locked account is not emptied by fees
	} else if err := charge(s, t, params, fees); err != nil {
		return result(t, err)
	}
	journal, events := s.mark()
	blobs := len(s.blobs)
	err := execute(s, t, h, chainID, params)
	if err != nil {
		if _, ok := CodeOf(err); !ok {
			return TxResult{}, err
		}
		s.revert(journal, events)
		s.blobs = s.blobs[:blobs]
	}
	return result(t, err)
}

// execute is the one place that lists every kind.
func execute(s *state, t *Tx, h Height, chainID string, params *Params) error {
	if !t.Free() {
		if err := unlocked(s, t, h, params); err != nil {
			return err
		}
	}
	switch p := t.Payload.(type) {
	case *Transfer:
		return applyTransfer(s, t, p)
	case *Register:
		return applyRegister(s, t, p, h, params)
	case *Stake:
		return applyStake(s, t, p, params)
	case *Commit:
		return applyCommit(s, t, p, h)
	case *Reveal:
		return applyReveal(s, t, p, chainID)
	case *TransferAll:
		return applyTransferAll(s, t, p)
	case *Batch:
		return applyBatch(s, t, p, h, chainID, params)
	case *SetProxy:
		return applySetProxy(s, t, p)
	case *Proxied:
		return applyProxied(s, t, p, h, chainID, params)
	case *AnnounceProxied:
		return applyAnnounceProxied(s, t, p, h)
	case *CancelProxied:
		return applyCancelProxied(s, t, p)
	case *Serve:
		return applyServe(s, t, p)
	case *CreateSubnet:
		return applyCreateSubnet(s, t, p, h, params)
	case *StartSubnet:
		return applyStartSubnet(s, t, p, h, params)
	case *SetParams:
		return applySetParams(s, t, p, h, params)
	case *SetIdentity:
		return applySetIdentity(s, t, p, h)
	case *NameModule:
		return applyNameModule(s, t, p)
	case *StoreModule:
		return applyStoreModule(s, t, p, h, params)
	case *StoreChunk:
		return applyStoreChunk(s, t, p, h)
	case *SetMechanisms:
		return applySetMechanisms(s, t, p, h, params)
	case *Trim:
		return applyTrim(s, t, p, h, params)
	case *SetData:
		return applySetData(s, t, p, h, params)
	case *RotateWorkKeys:
		return applyRotateWorkKeys(s, t, p)
	case *AnnounceProducer:
		return applyAnnounceProducer(s, t, p)
	case *WithdrawProducer:
		return applyWithdrawProducer(s, t, p)
	case *Unjail:
		return applyUnjail(s, t, p, h)
	case *Unstake:
		return applyUnstake(s, t, p, h, params)
	case *MoveStake:
		return applyMoveStake(s, t, p, h, params)
	case *SwapStake:
		return applySwapStake(s, t, p, h, params)
	case *TransferStake:
		return applyTransferStake(s, t, p, params)
	case *SetTake:
		return applySetTake(s, t, p, h, params)
	case *SetChildren:
		return applySetChildren(s, t, p, h, params)
	case *SetChildTake:
		return applySetChildTake(s, t, p, h, params)
	case *SetAutoStake:
		return applySetAutoStake(s, t, p)
	case *SwapHotkey:
		return applySwapHotkey(s, t, p, h, chainID, params)
	case *AnnounceColdkeySwap:
		return applyAnnounceColdkeySwap(s, t, p, h, params)
	case *SwapColdkey:
		return applySwapColdkey(s, t, p, h, params)
	case *Propose:
		return applyPropose(s, t, p, h, params)
	case *Vote:
		return applyVote(s, t, p, params)
	case *DisputeColdkeySwap:
		return applyDisputeColdkeySwap(s, t, h)
	}
	return reject(CodeKind, "kind %d", t.Kind)
}

func result(t *Tx, err error) (TxResult, error) {
	var out TxResult
	if t != nil {
		out.ID = t.ID()
	}
	if err == nil {
		return out, nil
	}
	var r *Reject
	if !errors.As(err, &r) {
		return out, err
	}
	out.Code, out.Detail = r.Code, r.Detail
	return out, nil
}

// authentic checks what does not depend on the state; the signature, unless it
// is known to hold.
func authentic(t *Tx, h Height, chainID string, verified bool) error {
	if t.ChainID != chainID {
		return reject(CodeChain, "signed for chain %q, this is %q", t.ChainID, chainID)
	}
	if h > t.Expiry {
		return reject(CodeExpired, "expired at block %d, this is block %d", t.Expiry, h)
	}
	if verified {
		return nil
	}
	return t.Verify()
}

func wrongNonce(t *Tx, want uint64) error {
	if t.Nonce < want {
		return reject(CodeNonceLow, "nonce %d was used, the next is %d", t.Nonce, want)
	}
	return reject(CodeNonceHigh, "nonce %d, the next is %d", t.Nonce, want)
}

func applyTransfer(s *state, t *Tx, p *Transfer) error {
	if p.Amount == 0 {
		return reject(CodeAmount, "nothing to transfer")
	}
	from := s.account(t.Account)
	left, ok := from.Balance.Sub(p.Amount)
	if !ok {
		return reject(CodeLowBalance, "amount %s, balance %s after the fee", p.Amount, from.Balance)
	}
	from.Balance = left
	s.setAccount(t.Account, from)
	to := s.account(p.To)
	if to.Balance, ok = to.Balance.Add(p.Amount); !ok {
		return reject(CodeAmount, "the receiver's balance would overflow")
	}
	s.setAccount(p.To, to)
	s.emit(Event{Kind: "transfer", Hotkey: p.To, Amount: uint64(p.Amount)})
	return nil
}
