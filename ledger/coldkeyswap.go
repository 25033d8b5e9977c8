package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// A coldkey that may be known to somebody else is rotated in two steps: its
// owner names the hash of another one, which locks the account, and after a
// delay the other one takes its place. Whoever finds such an announcement that is
// not theirs disputes it: then nothing moves until the freeze is over, and the
// announcement is void.

// ColdkeySwap is an announced rotation.
type ColdkeySwap struct {
	Hash     [32]byte // ColdkeySwapHash of the new coldkey
	At       Height   // at which it was announced
	Disputed Height   // at which it was disputed, 0 for not
}

func (c *ColdkeySwap) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 4), 1), c.Hash[:])
	return cbor.AppendUint(cbor.AppendUint(b, c.At), c.Disputed)
}

func (c *ColdkeySwap) decode(d *cbor.Decoder) {
	d.Version(4, 1)
	c.Hash, c.At, c.Disputed = d.Hash(), d.Uint(), d.Uint()
}

func coldSwapKey(c Coldkey) []byte { return append([]byte(prefixColdSwap), c[:]...) }

// ColdkeySwapHash hides the new coldkey until it takes the place of the old one.
func ColdkeySwapHash(now Coldkey) [32]byte { return key.Hash("coldkey-swap", now[:]) }

// LoadColdkeySwap reads the rotation that an account has announced, nil for
// none.
func LoadColdkeySwap(v View, c Coldkey) (*ColdkeySwap, error) {
	return ptr[ColdkeySwap](v, coldSwapKey(c))
}

// unlocked refuses what an account may not do while its rotation is announced or
// disputed: everything but the steps of the rotation, and for those no tip, which
// would empty the account.
func unlocked(v View, t *Tx, h Height, params *Params) error {
	c, err := LoadColdkeySwap(v, t.Account)
	if err != nil || c == nil {
		return err
	}
	if c.Disputed != 0 {
		if end := c.Disputed + params.DisputeFreeze; h < end {
			return reject(CodeLocked, "the rotation of %s is disputed: allowed again at block %d", t.Account, end)
		}
		return nil
	}
	switch t.Kind {
	case KindAnnounceColdkeySwap, KindSwapColdkey, KindDisputeColdkeySwap:
		if t.Tip == 0 {
			return nil
		}
	}
	return reject(CodeLocked, "%s is about to be rotated: only that may be completed or disputed, without a tip, or taken back at block %d",
		t.Account, c.At+params.ColdkeySwap+params.ColdkeyAgain)
}

// AnnounceColdkeySwap announces that another coldkey will take the signer's
// place: [1, hash], see ColdkeySwapHash. Once an announcement has had its time,
// another one, or a zero hash to take it back, may follow.
type AnnounceColdkeySwap struct{ Hash [32]byte }

func (*AnnounceColdkeySwap) kind() Kind { return KindAnnounceColdkeySwap }

func (p *AnnounceColdkeySwap) append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), 1), p.Hash[:])
}

func decodeAnnounceColdkeySwap(d *cbor.Decoder) *AnnounceColdkeySwap {
	d.Version(2, 1)
	return &AnnounceColdkeySwap{d.Hash()}
}

func applyAnnounceColdkeySwap(s *state, t *Tx, p *AnnounceColdkeySwap, h Height, params *Params) error {
	k := coldSwapKey(t.Account)
	c, ok := fetch[ColdkeySwap](s, k)
	if next := c.At + params.ColdkeySwap + params.ColdkeyAgain; ok && c.Disputed == 0 && h < next {
		return reject(CodeRate, "announced at block %d: allowed again at block %d", c.At, next)
	}
	if p.Hash == ([32]byte{}) {
		if !ok {
			return reject(CodeNoSwap, "%s has announced no rotation", t.Account)
		}
		s.delete(k)
		s.emit(Event{Kind: "coldkey_swap_cleared", Hotkey: t.Account})
		return nil
	}
	if s.has(coldHeirKey(t.Account)) {
		return reject(CodeRotated, "%s has taken the place of %s", s.coldkey(t.Account), t.Account)
	}
	if err := burn(s, t, params.KeySwapCost); err != nil {
		return err
	}
	store(s, k, ColdkeySwap{Hash: p.Hash, At: h})
	s.emit(Event{Kind: "coldkey_swap_announced", Hotkey: t.Account})
	return nil
}

// DisputeColdkeySwap stops the signer's announced rotation and freezes the
// account: [1].
type DisputeColdkeySwap struct{}

func (*DisputeColdkeySwap) kind() Kind { return KindDisputeColdkeySwap }

func (*DisputeColdkeySwap) append(b []byte) []byte {
	return cbor.AppendUint(cbor.AppendArray(b, 1), 1)
}

func decodeDisputeColdkeySwap(d *cbor.Decoder) *DisputeColdkeySwap {
	d.Version(1, 1)
	return &DisputeColdkeySwap{}
}

func applyDisputeColdkeySwap(s *state, t *Tx, h Height) error {
	c, ok := fetch[ColdkeySwap](s, coldSwapKey(t.Account))
	if !ok || c.Disputed != 0 {
		return reject(CodeNoSwap, "%s has announced no rotation, or its dispute is over", t.Account)
	}
	c.Disputed = h
	store(s, coldSwapKey(t.Account), c)
	s.emit(Event{Kind: "coldkey_swap_disputed", Hotkey: t.Account})
	return nil
}

// SwapColdkey completes a rotation: [1, new]. What moves is the balance, the
// stake, hotkeys and subnets, producers' fees, the identity, what waits in the
// unbonding queue. Rights that were given to delegates end.
type SwapColdkey struct{ New Coldkey }

func (*SwapColdkey) kind() Kind { return KindSwapColdkey }

func (p *SwapColdkey) append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 2), 1), p.New[:])
}

func decodeSwapColdkey(d *cbor.Decoder) *SwapColdkey {
	d.Version(2, 1)
	return &SwapColdkey{d.Hash()}
}

func applySwapColdkey(s *state, t *Tx, p *SwapColdkey, h Height, params *Params) error {
	old, now := t.Account, p.New
	c, ok := fetch[ColdkeySwap](s, coldSwapKey(old))
	switch {
	case !ok || c.Disputed != 0:
		return reject(CodeNoSwap, "%s has announced no rotation, or it was disputed", old)
	case ColdkeySwapHash(now) != c.Hash:
		return reject(CodeNoSwap, "another coldkey was announced than %s", now)
	case h < c.At+params.ColdkeySwap:
		return reject(CodeRate, "announced at block %d: allowed at block %d", c.At, c.At+params.ColdkeySwap)
	}
	if err := fresh(s, old, now); err != nil {
		return err
	}
	s.delete(coldSwapKey(old))
	s.set(coldHeirKey(old), append([]byte(nil), now[:]...))
	from := s.account(old)
	to := s.account(now)
	to.Balance, from.Balance = to.Balance+from.Balance, 0 // the sum of all balances fits
	store(s, accountKey(old), from)
	store(s, accountKey(now), to)
	held, err := LoadHoldings(s, old)
	if err != nil {
		return err
	}
	for _, x := range held {
		pos := need[position](s, sharesKey(x.NetUID, x.Hotkey, old))
		hold(s, x.NetUID, x.Hotkey, old, position{}.Shares)
		hold(s, x.NetUID, x.Hotkey, now, pos.Shares)
	}
	hotkeys, err := LoadOwned(s, old)
	if err != nil {
		return err
	}
	for _, hot := range hotkeys {
		setOwner(s, hot, now)
	}
	err = s.Range([]byte(prefixProducer), func(k, v []byte) error {
		q, err := decodeAs[Producer](string(k), v)
		if err == nil && q.Coldkey == old {
			q.Coldkey = now
			store(s, k, q)
		}
		return err
	})
	if err != nil {
		return err
	}
	nets, err := Subnets(s)
	if err != nil {
		return err
	}
	for _, n := range nets {
		if sub := need[Subnet](s, subnetKey(n)); sub.Owner == old {
			sub.Owner = now
			store(s, subnetKey(n), sub)
		}
		rekey(s, autoStakeKey(n, old), autoStakeKey(n, now))
	}
	rekey(s, accountIdentityKey(old), accountIdentityKey(now))
	remove(s, proxiesKey(old))
	if err := s.drop(append([]byte(prefixAnnounced), old[:]...)); err != nil {
		return err
	}
	s.emit(Event{Kind: "coldkey_swapped", Hotkey: now, Amount: uint64(to.Balance)})
	return s.err
}

// fresh refuses a coldkey that has anything but a balance.
func fresh(s *state, old, now Coldkey) error {
	held, err := LoadHoldings(s, now)
	if err != nil {
		return err
	}
	hotkeys, err := LoadOwned(s, now)
	if err != nil {
		return err
	}
	switch {
	case now == old || now == (Coldkey{}):
		return reject(CodeRotated, "%s cannot take its own place", old)
	case len(held) > 0 || len(hotkeys) > 0:
		return reject(CodeRotated, "%s has %d hotkeys and %d stakes: a fresh coldkey takes a place", now, len(hotkeys), len(held))
	case s.has(coldHeirKey(now)) || s.has(coldSwapKey(now)) || s.has(accountIdentityKey(now)) || owner(s, now) != (Coldkey{}):
		return reject(CodeRotated, "%s was in use: a fresh coldkey takes a place", now)
	}
	nets, err := Subnets(s)
	if err != nil {
		return err
	}
	for _, n := range nets {
		if need[Subnet](s, subnetKey(n)).Owner == now {
			return reject(CodeRotated, "%s owns netuid %d: a fresh coldkey takes a place", now, n)
		}
	}
	return nil
}
