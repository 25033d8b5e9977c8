package ledger

import (
	"errors"

	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// endEpoch ends a subnet's epoch when its last block is reached and there is
// room for its step; otherwise the epoch goes on and is asked again at the next
// block. The step of the epoch before runs with it.
func endEpoch(s *state, n NetUID, h Height, room bool, params *Params) (bool, error) {
	clock, sub := need[Clock](s, clockKey(n)), need[Subnet](s, subnetKey(n))
	if s.err != nil || sub.Started == 0 || h+1 < clock.First+uint64(sub.Params.Tempo) || !room {
		return false, s.err
	}
	if back := 1 + params.Dispute; clock.Epoch >= clock.Origin+back {
		if err := settle(s, n, clock.Epoch-back, h, &sub, params); err != nil {
			return false, err
		}
	}
	s.emit(Event{Kind: "epoch", NetUID: n, Epoch: clock.Epoch})
	clock.Epoch, clock.First, clock.Step = clock.Epoch+1, h+1, h
	store(s, clockKey(n), clock)
	return true, s.err
}

// payout is what one epoch's step has found and pays.
type payout struct {
	s            *state
	n            NetUID
	e            Epoch
	params       *Params
	paid         unit.Alpha // into hotkey pools
	minChildTake uint16
	each         []unit.Alpha // per uid
}

// settle is the step of epoch e: Yuma consensus over the revealed rows, and the
// payment of everything that was set aside for it. What nobody is entitled to is
// burned.
func settle(s *state, n NetUID, e Epoch, h Height, sub *Subnet, params *Params) error {
	pot, _ := fetch[Pending](s, pendingKey(n, e))
	found, err := consensus(s, n, e, h, sub)
	if err != nil {
		return err
	}
	if err := agree(s, n, e); err != nil {
		return err
	}
	p := &payout{s: s, n: n, e: e, params: params, minChildTake: sub.Params.MinChildTake, each: make([]unit.Alpha, len(found.neurons))}
	if err := p.credit(sub.OwnerHotkey, sub.Owner, pot.Owner); err != nil {
		return err
	}
	withheld, err := p.miners(pot.Server, found, sub)
	if err != nil {
		return err
	}
	toValidators := pot.Validator
	if !found.mined { // nobody mined: the validators have what the miners would
		toValidators += pot.Server
	}
	earned, err := p.validators(toValidators, pot.Root, found)
	if err != nil {
		return err
	}
	waiting := unit.Alpha(0)
	for _, d := range earned {
		waiting += d.Alpha
	}
	handed, lost, err := stepRoot(s, n, earned, sub.Params.Tempo)
	if err != nil {
		return err
	}
	m := need[Market](s, marketKey(n))
	m.Pending -= pot.sum() - waiting + handed + lost
	m.Staked += p.paid + handed
	m.Burned += pot.sum() - waiting - p.paid + lost
	m.Withheld = withheld
	store(s, marketKey(n), m)
	s.delete(pendingKey(n, e))
	for u, nr := range found.neurons {
		nr.Emission = p.each[u]
		nr.Earned += p.each[u]
		store(s, neuronKey(n, UID(u)), nr)
		if nr.Emission > 0 {
			s.emit(Event{Kind: "paid", NetUID: n, Epoch: e, Hotkey: nr.Hotkey, Amount: uint64(nr.Emission)})
		}
	}
	return s.err
}

// credit stakes an amount for a coldkey on a hotkey. An amount too small for a
// share stays unpaid, and so is burned with the rest.
func (p *payout) credit(h Hotkey, c Coldkey, amount unit.Alpha) error {
	err := deposit(p.s, p.n, h, c, uint64(amount))
	if errors.Is(err, pool.ErrShares) {
		return nil
	}
	if err == nil {
		p.paid += amount
	}
	return err
}

// miners splits the miners' pot over the mechanisms, rounding down with the
// remainder to the first, and each part by that mechanism's incentive. What falls
// to the subnet's owner is withheld: it returns that part of the pot, over 2^32.
// The part of a mechanism in which nobody mined is nobody's while another has
// miners.
func (p *payout) miners(pot unit.Alpha, f *found, sub *Subnet) (withheld uint64, err error) {
	if !f.mined {
		return 0, nil
	}
	var kept unit.Alpha
	for m, part := range sub.parts(pot) {
		for u, amount := range unit.Split(uint64(part), f.incentive[m]) {
			if amount == 0 {
				continue
			}
			h := f.neurons[u].Hotkey
			c := owner(p.s, h)
			if h == sub.OwnerHotkey || c == sub.Owner {
				kept += unit.Alpha(amount)
				continue
			}
			if err := p.credit(minedFor(p.s, p.n, h, c), c, unit.Alpha(amount)); err != nil {
				return 0, err
			}
			p.each[u] += unit.Alpha(amount)
		}
	}
	if pot > 0 {
		withheld = unit.MulDiv(uint64(kept), 1<<32, uint64(pot))
	}
	return withheld, nil
}

// parts divides the miners' pot over the mechanisms.
func (s *Subnet) parts(pot unit.Alpha) []unit.Alpha {
	if len(s.Split) == 0 {
		return []unit.Alpha{pot}
	}
	out := make([]unit.Alpha, len(s.Split))
	rest := pot
	for m := range out {
		out[m] = unit.Alpha(unit.MulDiv(uint64(pot), uint64(s.Split[m]), 65535))
		rest -= out[m]
	}
	out[0] += rest
	return out
}

// validators splits the validators' pot and root's. A hotkey's dividend is
// divided over it and its parents (portions). Each part counts for the one pot by
// the part of the stake weight that earned it that is alpha, for the other by
// the part that is root stake. Of both the hotkey's owner takes its cut as
// alpha; the rest of the first raises the hotkey's pool, the rest of the second
// is returned: it is due to those behind the hotkey on root
// (economics, epoch payout, 3, 6 and 7).
func (p *payout) validators(pot, root unit.Alpha, f *found) ([]due, error) {
	var who []Hotkey
	var at []int // uid that earned it
	var byAlpha, byRoot []uint64
	for u, d := range f.dividends {
		if d == 0 {
			continue
		}
		for _, x := range portions(p.s, p.n, f.neurons[u].Hotkey, d, p.minChildTake, p.params) {
			alpha := x.amount
			hp, _ := fetch[HotkeyPool](p.s, hotkeyPoolKey(p.n, x.of))
			if all := ownWeight(p.s, p.n, x.of); all > 0 {
				alpha = unit.MulDiv(x.amount, uint64(hp.Value), all)
			}
			who, at = append(who, x.to), append(at, u)
			byAlpha, byRoot = append(byAlpha, alpha), append(byRoot, x.amount-alpha)
		}
	}
	for i, amount := range unit.Split(uint64(pot), byAlpha) {
		u := at[i]
		rest, err := p.cut(who[i], u, amount)
		if err != nil {
			return nil, err
		}
		if rest == 0 {
			continue
		}
		if err := grow(p.s, p.n, who[i], rest); err != nil {
			if errors.Is(err, pool.ErrShares) {
				continue
			}
			return nil, err
		}
		p.paid += unit.Alpha(rest)
		p.each[u] += unit.Alpha(rest)
	}
	var earned []due
	for i, amount := range unit.Split(uint64(root), byRoot) {
		u := at[i]
		rest, err := p.cut(who[i], u, amount)
		if err != nil {
			return nil, err
		}
		if rest > 0 {
			earned = append(earned, due{who[i], unit.Alpha(rest)})
			p.each[u] += unit.Alpha(rest)
		}
	}
	return earned, p.s.err
}

// cut pays a hotkey's owner its part of a dividend that the uid u earned, and
// returns the rest. What is for no hotkey is burned.
func (p *payout) cut(h Hotkey, u int, amount uint64) (rest uint64, err error) {
	if amount == 0 || h == (Hotkey{}) {
		return 0, nil
	}
	take := unit.MulDiv(amount, uint64(takeOf(p.s, h)), 65535)
	before := p.paid
	if err := p.credit(h, owner(p.s, h), unit.Alpha(take)); err != nil {
		return 0, err
	}
	p.each[u] += p.paid - before
	return amount - take, nil
}
