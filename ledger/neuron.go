package ledger

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/ledger/unit"
)

// FindUID returns the uid of a hotkey in a subnet.
func FindUID(v View, n NetUID, h Hotkey) (UID, bool, error) {
	b, err := v.Get(uidKey(n, h))
	if err != nil || b == nil {
		return 0, false, err
	}
	if len(b) != 2 {
		return 0, false, broken("uid of %s in netuid %d has %d bytes", h, n, len(b))
	}
	return UID(binary.BigEndian.Uint16(b)), true, nil
}

// LoadNeuron reads a neuron by uid, nil when the uid is not in use.
func LoadNeuron(v View, n NetUID, u UID) (*Neuron, error) { return ptr[Neuron](v, neuronKey(n, u)) }

// LoadOwner returns the coldkey that owns a hotkey, zero when nobody does.
func LoadOwner(v View, h Hotkey) (c Coldkey, err error) {
	b, err := v.Get(ownerKey(h))
	if err != nil || b == nil {
		return c, err
	}
	if len(b) != 32 {
		return c, broken("owner of %s has %d bytes", h, len(b))
	}
	return Coldkey(b), nil
}

func owner(s *state, h Hotkey) Coldkey {
	c, err := LoadOwner(s, h)
	if err != nil {
		s.fail(err)
	}
	return c
}

// setOwner gives a hotkey to a coldkey, or to nobody when that is zero.
func setOwner(s *state, h Hotkey, c Coldkey) {
	was := owner(s, h)
	if was == c {
		return
	}
	if was != (Coldkey{}) {
		s.delete(ownedKey(was, h))
	}
	if c == (Coldkey{}) {
		s.delete(ownerKey(h))
		return
	}
	s.set(ownerKey(h), append([]byte(nil), c[:]...))
	s.set(ownedKey(c, h), []byte{1})
}

// applyRegister buys a uid: the price is swapped to alpha on the subnet's pool
// and the alpha is burned. The price rises with each registration and decays
// from block to block. A full subnet replaces a neuron, see replaceable. On the
// root network a registration costs its fee alone, see joinRoot.
func applyRegister(s *state, t *Tx, p *Register, h Height, params *Params) error {
	sub, ok := fetch[Subnet](s, subnetKey(p.NetUID))
	if !ok && p.NetUID != 0 {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	if err := p.Proof.Verify(p.Hotkey, p.Work); err != nil {
		return reject(CodePossession, "%v", err)
	}
	if _, has, err := FindUID(s, p.NetUID, p.Hotkey); err != nil || has {
		if err != nil {
			return err
		}
		return reject(CodeRegistered, "%s in netuid %d", p.Hotkey, p.NetUID)
	}
	if err := gone(s, p.Hotkey); err != nil {
		return err
	}
	if o := owner(s, p.Hotkey); o != (Coldkey{}) && o != t.Account {
		return reject(CodeOwner, "%s belongs to %s", p.Hotkey, o)
	}
	if p.NetUID == 0 {
		return joinRoot(s, t, p)
	}
	if !sub.Params.Registration {
		return reject(CodeFull, "netuid %d takes no registrations", p.NetUID)
	}
	m := need[Market](s, marketKey(p.NetUID))
	if m.Burn > p.MaxPrice {
		return reject(CodePrice, "a registration costs %s now, at most %s was offered", m.Burn, p.MaxPrice)
	}
	uid, limit := UID(m.Neurons), sub.Params.MaxUIDs
	if next, ok := fetch[Planned](s, plannedKey(p.NetUID)); ok {
		limit = min(limit, next.Params.MaxUIDs) // trimmed within this epoch
	}
	full := m.Neurons >= limit
	if full {
		if uid, ok = replaceable(s, p.NetUID, &sub, h, params); !ok {
			return reject(CodeFull, "all %d uids of netuid %d are taken, and none may be replaced", m.Neurons, p.NetUID)
		}
	}
	if err := pay(s, t, m.Burn); err != nil {
		return err
	}
	price := m.Burn
	out, err := buy(s, &m, price, params.PoolFee)
	if err != nil {
		return err
	}
	m.Burned += out
	m.Burn = raiseBurn(m.Burn, &sub.Params)
	store(s, marketKey(p.NetUID), m)
	setOwner(s, p.Hotkey, t.Account)
	if full {
		gone := need[Neuron](s, neuronKey(p.NetUID, uid))
		leave(s, p.NetUID, uid)
		s.emit(Event{Kind: "replaced", NetUID: p.NetUID, Hotkey: gone.Hotkey})
	}
	enter(s, p.NetUID, uid, p.Hotkey, p.Work, h)
	s.emit(Event{Kind: "registered", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: uint64(price)})
	return nil
}

// pay takes TAO from the signer's balance; the caller books where it goes.
func pay(s *state, t *Tx, amount unit.TAO) error {
	acc := s.account(t.Account)
	left, ok := acc.Balance.Sub(amount)
	if !ok {
		return reject(CodeLowBalance, "%s needed, balance %s after the fee", amount, acc.Balance)
	}
	acc.Balance = left
	s.setAccount(t.Account, acc)
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Free -= amount
	store(s, []byte(prefixTotals), tot)
	return nil
}
