package ledger

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/emission"
	"github.com/plexus-network/plexus/ledger/unit"
)

// sums is what the totals are compared with, as sums or as differences of sums:
// arithmetic is modulo 2^64, which is exact for differences that fit.
type sums struct {
	free, pooled, root, held, queued uint64
	staked, pending                  map[NetUID]uint64
}

func newSums() sums { return sums{staked: map[NetUID]uint64{}, pending: map[NetUID]uint64{}} }

// summedPrefixes are those of the keys that add counts.
var summedPrefixes = [...]string{prefixAccount, prefixMarket, prefixHotkeyPool, prefixPending, prefixRootSale, prefixQueued, prefixProposal}

func summed(k string) bool {
	for _, p := range summedPrefixes {
		if strings.HasPrefix(k, p) {
			return true
		}
	}
	return false
}

// add counts one value of the state with sign +1 or -1.
func (c *sums) add(k string, v []byte, sign uint64) error {
	netuid := func(prefix string) NetUID { return NetUID(binary.BigEndian.Uint16([]byte(k[len(prefix):]))) }
	switch {
	case v == nil:
	case strings.HasPrefix(k, prefixAccount):
		a, err := decodeAccount(v)
		if err != nil {
			return broken("state under %q: %v", k, err)
		}
		c.free += sign * uint64(a.Balance)
	case strings.HasPrefix(k, prefixMarket):
		m, err := decodeAs[Market](k, v)
		c.pooled += sign * uint64(m.TAO)
		return err
	case strings.HasPrefix(k, prefixHotkeyPool):
		p, err := decodeAs[HotkeyPool](k, v)
		if n := netuid(prefixHotkeyPool); n == 0 {
			c.root += sign * uint64(p.Value)
		} else {
			c.staked[n] += sign * uint64(p.Value)
		}
		return err
	case strings.HasPrefix(k, prefixQueued):
		p, err := decodeAs[HotkeyPool](k, v)
		c.queued += sign * uint64(p.Value)
		return err
	case strings.HasPrefix(k, prefixPending):
		p, err := decodeAs[Pending](k, v)
		c.pending[netuid(prefixPending)] += sign * uint64(p.sum())
		return err
	case strings.HasPrefix(k, prefixProposal):
		p, err := decodeAs[Proposal](k, v)
		c.held += sign * uint64(p.Deposit)
		return err
	case strings.HasPrefix(k, prefixRootSale):
		r, err := decodeAs[RootSale](k, v)
		c.pending[netuid(prefixRootSale)] += sign * uint64(r.Left)
		c.held += sign * uint64(r.TAO)
		return err
	}
	return nil
}

func decodeAs[T any, P record[T]](k string, v []byte) (t T, err error) {
	d := cbor.NewDecoder(v)
	P(&t).decode(d)
	if err := d.End(); err != nil {
		return t, broken("state under %q: %v", k, err)
	}
	return t, nil
}

// checkChanged holds the invariants over what a block changed: the differences
// of the sums equal the differences of the totals, and the totals add up.
func checkChanged(s *state) error {
	diff := newSums()
	for i := range s.cells {
		c := s.cells[i]
		if !c.set || !summed(c.key) {
			continue
		}
		old, err := s.before(i)
		if err != nil {
			return err
		}
		if err := diff.add(c.key, old, ^uint64(0)); err != nil {
			return err
		}
		if err := diff.add(c.key, c.value, 1); err != nil {
			return err
		}
	}
	before, _, err := load[Totals](s.v, []byte(prefixTotals))
	if err != nil {
		return err
	}
	after := need[Totals](s, []byte(prefixTotals))
	if s.err != nil {
		return s.err
	}
	if err := balance(&after); err != nil {
		return err
	}
	switch {
	case uint64(after.Free-before.Free) != diff.free:
		return broken("block %d: free TAO: total moved by %d, balances by %d", after.Height, int64(after.Free-before.Free), int64(diff.free))
	case uint64(after.Pooled-before.Pooled) != diff.pooled:
		return broken("block %d: pooled TAO: total moved by %d, reserves by %d", after.Height, int64(after.Pooled-before.Pooled), int64(diff.pooled))
	case uint64(after.Root-before.Root) != diff.root:
		return broken("block %d: root stake: total moved by %d, pools by %d", after.Height, int64(after.Root-before.Root), int64(diff.root))
	case uint64(after.Queued-before.Queued) != diff.queued:
		return broken("block %d: queued TAO: total moved by %d, queues by %d", after.Height, int64(after.Queued-before.Queued), int64(diff.queued))
	case uint64(after.Held-before.Held) != diff.held:
		return broken("block %d: held TAO: total moved by %d, root's proceeds by %d", after.Height, int64(after.Held-before.Held), int64(diff.held))
	case after.Burned < before.Burned:
		return broken("block %d: burned TAO fell from %s to %s", after.Height, before.Burned, after.Burned)
	}
	if minted := uint64(after.Issued - before.Issued); minted != 0 && minted != emission.Block(uint64(before.Issued)) {
		return broken("block %d: minted %s, scheduled %s", after.Height, unit.TAO(minted), unit.TAO(emission.Block(uint64(before.Issued))))
	}
	nets, err := Subnets(s)
	if err != nil {
		return err
	}
	if err := checkDissolved(s, nets, diff); err != nil {
		return err
	}
	for _, n := range nets {
		was, _, err := load[Market](s.v, marketKey(n))
		if err != nil {
			return err
		}
		is := need[Market](s, marketKey(n))
		sub, old := need[Subnet](s, subnetKey(n)), Subnet{}
		if o, ok, err := load[Subnet](s.v, subnetKey(n)); err != nil {
			return err
		} else if ok {
			old = o
		}
		if s.err != nil {
			return s.err
		}
		if err := is.balance(n); err != nil {
			return err
		}
		switch {
		case uint64(is.Staked-was.Staked) != diff.staked[n]:
			return broken("block %d: netuid %d: staked alpha: total moved by %d, pools by %d", after.Height, n, int64(is.Staked-was.Staked), int64(diff.staked[n]))
		case uint64(is.Pending-was.Pending) != diff.pending[n]:
			return broken("block %d: netuid %d: pending alpha: total moved by %d, epochs by %d", after.Height, n, int64(is.Pending-was.Pending), int64(diff.pending[n]))
		case old.Created == sub.Created && (is.Issued < was.Issued || is.Burned < was.Burned):
			return broken("block %d: netuid %d: issued or burned alpha fell", after.Height, n)
		}
	}
	return nil
}

// checkDissolved holds that nothing is left of a subnet that the block dissolved.
func checkDissolved(s *state, nets []NetUID, diff sums) error {
	before, err := Subnets(s.v)
	if err != nil {
		return err
	}
	for _, n := range before {
		if slices.Contains(nets, n) {
			continue
		}
		was, _, err := load[Market](s.v, marketKey(n))
		if err != nil {
			return err
		}
		if diff.staked[n] != -uint64(was.Staked) || diff.pending[n] != -uint64(was.Pending) {
			return broken("netuid %d was dissolved and left stake or pending alpha behind", n)
		}
	}
	return nil
}

// balance checks the sum of all TAO.
func balance(t *Totals) error {
	if sum, ok := sum(uint64(t.Free), uint64(t.Pooled), uint64(t.Root), uint64(t.Held), uint64(t.Queued), uint64(t.Burned)); !ok || sum != uint64(t.Issued) || t.Issued > MaxTAO {
		return broken("block %d: free %s + pooled %s + root %s + held %s + queued %s + burned %s is not the issued %s, or that is above %s",
			t.Height, t.Free, t.Pooled, t.Root, t.Held, t.Queued, t.Burned, t.Issued, MaxTAO)
	}
	return nil
}

// balance checks the sum of all alpha of a subnet.
func (m *Market) balance(n NetUID) error {
	if sum, ok := sum(uint64(m.Alpha), uint64(m.Staked), uint64(m.Pending), uint64(m.Protocol), uint64(m.Burned)); !ok || sum != uint64(m.Issued) {
		return broken("netuid %d: reserve %s + staked %s + pending %s + protocol's %s + burned %s is not the issued %s",
			n, m.Alpha, m.Staked, m.Pending, m.Protocol, m.Burned, m.Issued)
	}
	return nil
}

func sum(v ...uint64) (uint64, bool) {
	var total, carry uint64
	for _, x := range v {
		if total, carry = bits.Add64(total, x, 0); carry != 0 {
			return 0, false
		}
	}
	return total, true
}

// CheckInvariants holds the invariants over the whole state: every kept total
// equals a fresh sum, and uids and hotkeys name each other.
func CheckInvariants(r Ranger) error {
	all := newSums()
	for _, p := range summedPrefixes {
		if err := r.Range([]byte(p), func(k, v []byte) error { return all.add(string(k), v, 1) }); err != nil {
			return err
		}
	}
	t, err := LoadTotals(r)
	if err != nil {
		return err
	}
	if t == nil {
		return broken("state has no totals")
	}
	if uint64(t.Free) != all.free || uint64(t.Pooled) != all.pooled || uint64(t.Root) != all.root || uint64(t.Held) != all.held || uint64(t.Queued) != all.queued {
		return broken("block %d: free %d, pooled %d, root %d, held %d, queued %d are kept; fresh sums are %d, %d, %d, %d, %d",
			t.Height, t.Free, t.Pooled, t.Root, t.Held, t.Queued, all.free, all.pooled, all.root, all.held, all.queued)
	}
	if err := balance(t); err != nil {
		return err
	}
	if err := checkPositions(r); err != nil {
		return err
	}
	nets, err := Subnets(r)
	if err != nil {
		return err
	}
	for _, n := range nets {
		m, err := LoadMarket(r, n)
		if err != nil || m == nil {
			return broken("netuid %d has no market: %v", n, err)
		}
		if err := m.balance(n); err != nil {
			return err
		}
		if uint64(m.Staked) != all.staked[n] || uint64(m.Pending) != all.pending[n] {
			return broken("netuid %d: staked %d, pending %d are kept; fresh sums are %d, %d", n, m.Staked, m.Pending, all.staked[n], all.pending[n])
		}
		if err := checkUIDs(r, n, m.Neurons); err != nil {
			return err
		}
		if err := checkBonds(r, n, m.Neurons); err != nil {
			return err
		}
		if err := checkFamilies(r, n); err != nil {
			return err
		}
		if sale, err := LoadRootSale(r, n); err != nil {
			return err
		} else if sale != nil && sale.sum() < sale.Left {
			return broken("netuid %d: %s wait to be sold for root, and only %s were due at the last step", n, sale.Left, sale.sum())
		}
	}
	return nil
}

func checkUIDs(r Ranger, n NetUID, neurons uint16) error {
	for u := range UID(neurons) {
		nr, err := LoadNeuron(r, n, u)
		if err != nil || nr == nil {
			return broken("netuid %d: uid %d is missing: %v", n, u, err)
		}
		back, ok, err := FindUID(r, n, nr.Hotkey)
		if err != nil || !ok || back != u {
			return broken("netuid %d: uid %d is %s, whose uid is %d: %v", n, u, nr.Hotkey, back, err)
		}
	}
	count := 0
	if err := r.Range(k16(prefixUID, uint16(n)), func(_, _ []byte) error { count++; return nil }); err != nil {
		return err
	}
	if count != int(neurons) {
		return broken("netuid %d: %d hotkeys have uids, %d uids are in use", n, count, neurons)
	}
	return nil
}

// checkPositions holds that the shares of all positions make up each pool.
func checkPositions(r Ranger) error {
	shares := map[string]unit.U128{}
	positions := 0
	err := r.Range([]byte(prefixShares), func(k, v []byte) error {
		p, err := decodeAs[position](string(k), v)
		if err != nil {
			return err
		}
		of := string(k[len(prefixShares) : len(prefixShares)+2+32])
		c := Coldkey(k[len(prefixShares)+2+32:])
		if b, err := r.Get(holdingKey(c, NetUID(binary.BigEndian.Uint16([]byte(of))), Hotkey([]byte(of[2:])))); err != nil || b == nil || p.Shares.IsZero() {
			return broken("the position of %s in %x is empty or not in the index: %v", c, of, err)
		}
		positions++
		sum, ok := shares[of].Add(p.Shares)
		if !ok {
			return broken("shares of %x exceed 128 bits", of)
		}
		shares[of] = sum
		return nil
	})
	if err != nil {
		return err
	}
	listed := 0
	if err := r.Range([]byte(prefixHolding), func(_, _ []byte) error { listed++; return nil }); err != nil {
		return err
	}
	if listed != positions {
		return broken("%d positions are in the index, there are %d", listed, positions)
	}
	return r.Range([]byte(prefixHotkeyPool), func(k, v []byte) error {
		p, err := decodeAs[HotkeyPool](string(k), v)
		if of := string(k[len(prefixHotkeyPool):]); err == nil && p.Shares != shares[of] {
			err = broken("pool %x has %s shares, its positions %s", of, p.Shares, shares[of])
		}
		return err
	})
}

// checkBonds holds that bonds are those of uids toward uids, once each.
func checkBonds(r Ranger, n NetUID, neurons uint16) error {
	for m := range uint8(maxMechanisms) {
		at := n.Mechanism(m)
		err := r.Range(k16(prefixBonds, uint16(at)), func(k, v []byte) error {
			row, err := decodeAs[bondsRow](string(k), v)
			if err != nil {
				return err
			}
			if from := binary.BigEndian.Uint16(k[len(k)-2:]); from >= neurons {
				return broken("netuid %d: bonds of uid %d, of %d", at, from, neurons)
			}
			seen := make([]bool, neurons)
			for _, e := range row.Row {
				if e.UID >= neurons || seen[e.UID] {
					return broken("netuid %d: a bond toward uid %d, of %d, or a second one", at, e.UID, neurons)
				}
				seen[e.UID] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkFamilies holds that parents and children name each other, with the same
// part, and that nobody lends more than the whole.
func checkFamilies(r Ranger, n NetUID) error {
	prefix := k16(prefixFamily, uint16(n))
	return r.Range(prefix, func(k, v []byte) error {
		f, err := decodeAs[Family](string(k), v)
		if err != nil {
			return err
		}
		h := Hotkey(k[len(prefix):])
		var sum uint64
		for _, c := range f.Children {
			if sum += c.Part; sum < c.Part {
				return broken("netuid %d: %s lends more than the whole", n, h)
			}
			other, err := LoadFamily(r, n, c.Hotkey)
			if err != nil {
				return err
			}
			if i, ok := findKin(other.Parents, h); !ok || other.Parents[i].Part != c.Part {
				return broken("netuid %d: the child %s of %s does not know it", n, c.Hotkey, h)
			}
		}
		for _, p := range f.Parents {
			other, err := LoadFamily(r, n, p.Hotkey)
			if err != nil {
				return err
			}
			if i, ok := findKin(other.Children, h); !ok || other.Children[i].Part != p.Part {
				return broken("netuid %d: the parent %s of %s does not know it", n, p.Hotkey, h)
			}
		}
		return nil
	})
}
