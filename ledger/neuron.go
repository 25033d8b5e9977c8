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

func setOwner(s *state, h Hotkey, c Coldkey) { s.set(ownerKey(h), append([]byte(nil), c[:]...)) }

// applyRegister buys a uid: the price is swapped to alpha on the subnet's pool
// and the alpha is burned. The price rises with each registration and decays
// from block to block.
func applyRegister(s *state, t *Tx, p *Register, h Height, params *Params) error {
	sub, ok := fetch[Subnet](s, subnetKey(p.NetUID))
	if !ok {
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
	if o := owner(s, p.Hotkey); o != (Coldkey{}) && o != t.Account {
		return reject(CodeOwner, "%s belongs to %s", p.Hotkey, o)
	}
	m := need[Market](s, marketKey(p.NetUID))
	if m.Burn > p.MaxPrice {
		return reject(CodePrice, "a registration costs %s now, at most %s was offered", m.Burn, p.MaxPrice)
	}
	if m.Neurons >= sub.Params.MaxUIDs {
		return reject(CodeFull, "all %d uids of netuid %d are taken", sub.Params.MaxUIDs, p.NetUID)
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
	uid := UID(m.Neurons)
	m.Neurons++
	m.Burn = raiseBurn(m.Burn, &sub.Params)
	store(s, marketKey(p.NetUID), m)
	setOwner(s, p.Hotkey, t.Account)
	s.set(uidKey(p.NetUID, p.Hotkey), be16(uint16(uid)))
	store(s, neuronKey(p.NetUID, uid), Neuron{Hotkey: p.Hotkey, Registered: h, LastUpdate: h, Work: p.Work})
	s.emit(Event{Kind: "registered", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: uint64(price)})
	return nil
}

// pay takes TAO from the signer's balance; the caller books where it goes.
func pay(s *state, t *Tx, amount unit.TAO) error {
	acc, _ := fetch[Account](s, accountKey(t.Account))
	left, ok := acc.Balance.Sub(amount)
	if !ok {
		return reject(CodeLowBalance, "%s needed, balance %s after the fee", amount, acc.Balance)
	}
	acc.Balance = left
	store(s, accountKey(t.Account), acc)
	tot := need[Totals](s, []byte(prefixTotals))
	tot.Free -= amount
	store(s, []byte(prefixTotals), tot)
	return nil
}
