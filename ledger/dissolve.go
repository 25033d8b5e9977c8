package ledger

import (
	"errors"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/pool"
	"github.com/plexus-network/plexus/ledger/unit"
)

// claim is a part of a dissolved subnet's pool.
type claim struct {
	to    key.ID
	root  bool // to is a hotkey whose root pool grows, else an account
	alpha unit.Alpha
}

// dissolve ends a subnet: the TAO of its pool is divided by largest remainders
// over all alpha that somebody holds, the alpha that waits to be sold for root
// included, and the alpha of the protocol and of the pool itself, whose part is
// burned (economics, dissolution). Alpha that was still pending belonged to
// nobody. Everything under the netuid goes, but its epoch records.
func dissolve(s *state, n NetUID) error {
	m, clock, sub := need[Market](s, marketKey(n)), need[Clock](s, clockKey(n)), need[Subnet](s, subnetKey(n))
	sale, _ := fetch[RootSale](s, rootSaleKey(n))
	if err := sale.payOut(s, n); err != nil {
		return err
	}
	sale.settleDue()
	claims, err := positions(s, n)
	if err != nil {
		return err
	}
	for _, d := range sale.due {
		claims = append(claims, claim{to: d.Hotkey, root: true, alpha: d.Alpha})
	}
	weights := make([]uint64, len(claims), len(claims)+2)
	for i := range claims {
		weights[i] = uint64(claims[i].alpha)
	}
	parts := unit.Split(uint64(m.TAO), append(weights, uint64(m.Protocol), uint64(m.Alpha)))
	tot := need[Totals](s, []byte(prefixTotals))
	var free, root unit.TAO
	for i, c := range claims {
		switch part := unit.TAO(parts[i]); {
		case part == 0:
		case c.root:
			err := grow(s, 0, c.to, uint64(part))
			if err == nil {
				root += part
			} else if !errors.Is(err, pool.ErrShares) {
				return err
			}
		default:
			a := s.account(c.to)
			a.Balance += part
			s.setAccount(c.to, a)
			free += part
		}
	}
	tot.Pooled -= m.TAO
	tot.Free, tot.Root, tot.Burned = tot.Free+free, tot.Root+root, tot.Burned+(m.TAO-free-root)
	store(s, []byte(prefixTotals), tot)
	past, _ := fetch[Past](s, pastKey(n))
	past.Epoch, past.Record = clock.Epoch+1, clock.Record
	store(s, pastKey(n), past)
	if err := erase(s, n); err != nil {
		return err
	}
	nets, err := Subnets(s)
	if err != nil {
		return err
	}
	var rest []NetUID
	for _, other := range nets {
		if other != n {
			rest = append(rest, other)
		}
	}
	setSubnets(s, rest)
	s.emit(Event{Kind: "subnet_dissolved", NetUID: n, Epoch: clock.Epoch, Hotkey: sub.OwnerHotkey, Amount: uint64(m.TAO)})
	return s.err
}

// positions lists what every coldkey holds with every hotkey of a subnet, in the
// order of hotkeys and coldkeys.
func positions(s *state, n NetUID) ([]claim, error) {
	prefix := k16(prefixShares, uint16(n))
	var out []claim
	var pool HotkeyPool
	var of Hotkey
	err := s.Range(prefix, func(k, v []byte) error {
		pos, err := decodeAs[position](string(k), v)
		if err != nil {
			return err
		}
		if h := Hotkey(k[len(prefix) : len(prefix)+32]); h != of {
			of, pool = h, need[HotkeyPool](s, hotkeyPoolKey(n, h))
		}
		out = append(out, claim{to: key.ID(k[len(prefix)+32:]), alpha: pool.Worth(pos.Shares)})
		return s.err
	})
	return out, err
}

// erase deletes everything under a netuid but its epoch records and its past.
func erase(s *state, n NetUID) error {
	err := s.Range(k16(prefixShares, uint16(n)), func(k, _ []byte) error {
		k = k[len(prefixShares)+2:]
		remove(s, holdingKey(Coldkey(k[32:]), n, Hotkey(k[:32])))
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range []string{prefixFamily, prefixWaiting, prefixAutoStake, prefixSubnet, prefixClock, prefixMarket, prefixPending, prefixNeuron, prefixUID, prefixHotkeyPool,
		prefixShares, prefixRoster, prefixPlanned, prefixRootSale, prefixIdentity, prefixLimit, prefixServed, prefixArtifact} {
		if err := s.drop(k16(p, uint16(n))); err != nil {
			return err
		}
	}
	for m := range uint8(maxMechanisms) {
		for _, p := range []string{prefixBonds, prefixCommit, prefixReveal, prefixSlot, prefixCarry, prefixStanding} {
			if err := s.drop(k16(p, uint16(n.Mechanism(m)))); err != nil {
				return err
			}
		}
	}
	return nil
}
