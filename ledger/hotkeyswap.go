package ledger

import (
	"slices"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// SwapHotkey puts a fresh hotkey in the place of another one of the signer:
// [1, old, new, scheme, signature]. The new one signs SwapHotkeyMessage under
// SwapHotkeyTag, so that nobody takes a key that is not theirs. Everything
// moves: uids with their work keys, stake, root membership, family, takes, what
// modules remember, the announcement as a producer with its liability, what
// queues. The epochs that have begun stay as their rosters froze them: for these
// the old hotkey commits and reveals.
type SwapHotkey struct {
	Old       Hotkey
	New       Hotkey
	Scheme    key.Scheme
	Signature key.Signature
}

// SwapHotkeyTag is the tag of the new hotkey's signature.
const SwapHotkeyTag = "swap-hotkey"

// SwapHotkeyMessage is what the new hotkey signs for the coldkey that owns the
// old one.
func SwapHotkeyMessage(chainID string, owner Coldkey, old Hotkey) []byte {
	return cbor.AppendBytes(cbor.AppendBytes(cbor.AppendText(cbor.AppendArray(nil, 3), chainID), owner[:]), old[:])
}

// NewSwapHotkey makes the payload with the secret of the new hotkey.
func NewSwapHotkey(chainID string, owner Coldkey, old Hotkey, with key.Signer) *SwapHotkey {
	return &SwapHotkey{Old: old, New: with.Public(), Scheme: with.Scheme(),
		Signature: with.Sign(SwapHotkeyTag, SwapHotkeyMessage(chainID, owner, old))}
}

func (*SwapHotkey) kind() Kind { return KindSwapHotkey }

func (p *SwapHotkey) append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 5), 1), p.Old[:])
	b = cbor.AppendUint(cbor.AppendBytes(b, p.New[:]), uint64(p.Scheme))
	return cbor.AppendBytes(b, p.Signature[:])
}

func decodeSwapHotkey(d *cbor.Decoder) *SwapHotkey {
	d.Version(5, 1)
	p := &SwapHotkey{Old: d.Hash(), New: d.Hash(), Scheme: key.Scheme(d.UintMax(uint64(schemeMultisig) - 1))}
	d.Fixed(p.Signature[:])
	return p
}

func applySwapHotkey(s *state, t *Tx, p *SwapHotkey, h Height, chainID string, params *Params) error {
	if err := ownHotkey(s, t, p.Old); err != nil {
		return err
	}
	if err := gone(s, p.New); err != nil {
		return err
	}
	if o := owner(s, p.New); o != (Coldkey{}) {
		return reject(CodeRegistered, "%s belongs to %s: a hotkey that was never used takes a place", p.New, o)
	}
	if err := p.New.VerifyScheme(p.Scheme, SwapHotkeyTag, SwapHotkeyMessage(chainID, t.Account, p.Old), p.Signature); err != nil {
		return reject(CodePossession, "%s: %v", p.New, err)
	}
	rotated := append([]byte(prefixRotated), p.Old[:]...)
	if last, ok := fetch[stamp](s, rotated); ok && h < last.Height+params.HotkeySwap {
		return reject(CodeRate, "%s took another's place at block %d: allowed again at block %d", p.Old, last.Height, last.Height+params.HotkeySwap)
	}
	if err := burn(s, t, params.KeySwapCost); err != nil {
		return err
	}
	remove(s, rotated)
	store(s, append([]byte(prefixRotated), p.New[:]...), stamp{h})
	setOwner(s, p.Old, Coldkey{})
	setOwner(s, p.New, t.Account)
	s.set(heirKey(p.Old), append([]byte(nil), p.New[:]...))
	nets, err := Subnets(s)
	if err != nil {
		return err
	}
	for _, n := range append([]NetUID{0}, nets...) {
		if err := rename(s, n, p.Old, p.New); err != nil {
			return err
		}
	}
	if err := renameProducer(s, p.Old, p.New); err != nil {
		return err
	}
	rekey(s, delegateKey(p.Old), delegateKey(p.New))
	s.emit(Event{Kind: "hotkey_swapped", Hotkey: p.New})
	return s.err
}

// rekey puts what is under a key under another.
func rekey(s *state, from, to []byte) {
	if b, _ := s.Get(from); b != nil {
		s.delete(from)
		s.set(to, b)
	}
}

// burn takes TAO from the signer for ever.
func burn(s *state, t *Tx, amount unit.TAO) error {
	if err := pay(s, t, amount); err != nil {
		return err
	}
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Burned += amount
	store(s, []byte(prefixTotals), tot)
	return nil
}

// rename moves what a hotkey has in a subnet, or on root.
func rename(s *state, n NetUID, old, now Hotkey) error {
	if !s.has(hotkeyPoolKey(n, old)) {
		return renameNeuron(s, n, old, now)
	}
	rekey(s, hotkeyPoolKey(n, old), hotkeyPoolKey(n, now))
	prefix := k16x32(prefixShares, uint16(n), old)
	err := s.Range(prefix, func(k, v []byte) error {
		c := Coldkey(k[len(prefix):])
		pos, err := decodeAs[position](string(k), v)
		if err != nil {
			return err
		}
		remove(s, k)
		remove(s, holdingKey(c, n, old))
		hold(s, n, now, c, pos.Shares)
		return nil
	})
	if err != nil {
		return err
	}
	return renameNeuron(s, n, old, now)
}

// renameNeuron moves what a hotkey has in a subnet beside stake.
func renameNeuron(s *state, n NetUID, old, now Hotkey) error {
	if n == 0 {
		return s.err
	}
	if u, ok, err := FindUID(s, n, old); err != nil {
		return err
	} else if ok {
		nr := need[Neuron](s, neuronKey(n, u))
		nr.Hotkey = now
		store(s, neuronKey(n, u), nr)
		rekey(s, uidKey(n, old), uidKey(n, now))
	}
	rekey(s, servedKey(n, old), servedKey(n, now))
	for m := range uint8(maxMechanisms) {
		rekey(s, carryKey(n.Mechanism(m), old), carryKey(n.Mechanism(m), now))
	}
	if sub := need[Subnet](s, subnetKey(n)); sub.OwnerHotkey == old {
		sub.OwnerHotkey = now
		store(s, subnetKey(n), sub)
	}
	if r, ok := fetch[RootSale](s, rootSaleKey(n)); ok {
		for i := range r.due {
			if r.due[i].Hotkey == old {
				r.due[i].Hotkey = now
			}
		}
		slices.SortFunc(r.due, func(a, b due) int { return slices.Compare(a.Hotkey[:], b.Hotkey[:]) })
		store(s, rootSaleKey(n), r)
	}
	rekey(s, waitingKey(n, old), waitingKey(n, now))
	renameKin(s, n, old, now)
	return s.err
}

// renameKin moves a hotkey's family, and its name in those of its kin. Children
// that wait elsewhere under the old name are found when they are born.
func renameKin(s *state, n NetUID, old, now Hotkey) {
	f, ok := fetch[Family](s, familyKey(n, old))
	if !ok {
		return
	}
	s.delete(familyKey(n, old))
	store(s, familyKey(n, now), f)
	for _, c := range f.Children {
		g, _ := fetch[Family](s, familyKey(n, c.Hotkey))
		g.Parents = renamed(g.Parents, old, now)
		store(s, familyKey(n, c.Hotkey), g)
	}
	for _, p := range f.Parents {
		g, _ := fetch[Family](s, familyKey(n, p.Hotkey))
		g.Children = renamed(g.Children, old, now)
		store(s, familyKey(n, p.Hotkey), g)
	}
}

func renamed(list []Kin, old, now Hotkey) []Kin {
	if i, ok := findKin(list, old); ok {
		list[i].Hotkey = now
		slices.SortFunc(list, func(a, b Kin) int { return slices.Compare(a.Hotkey[:], b.Hotkey[:]) })
	}
	return list
}

// renameProducer moves a hotkey's place on root: its membership, its consensus
// keys, of which old ones stay liable, and what answers for them.
func renameProducer(s *state, old, now Hotkey) error {
	if m, ok := fetch[members](s, []byte(prefixRootMember)); ok {
		if i := slices.Index(m.list, old); i >= 0 {
			m.list[i] = now
			slices.SortFunc(m.list, func(a, b Hotkey) int { return slices.Compare(a[:], b[:]) })
			store(s, []byte(prefixRootMember), m)
		}
	}
	rekey(s, bondedKey(old), bondedKey(now))
	rekey(s, queuedKey(old), queuedKey(now))
	if !s.has(candidateKey(old)) {
		return s.err
	}
	rekey(s, candidateKey(old), candidateKey(now))
	return s.Range([]byte(prefixProducer), func(k, v []byte) error {
		p, err := decodeAs[Producer](string(k), v)
		if err == nil && p.Hotkey == old {
			p.Hotkey = now
			store(s, k, p)
		}
		return err
	})
}
