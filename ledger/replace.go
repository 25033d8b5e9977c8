package ledger

import (
	"encoding/binary"
	"sort"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// enter gives a hotkey a uid and counts it when it is a new one.
func enter(s *state, n NetUID, u UID, hot Hotkey, work key.Work, h Height) {
	m := need[Market](s, marketKey(n))
	m.Neurons = max(m.Neurons, uint16(u)+1)
	store(s, marketKey(n), m)
	s.set(uidKey(n, hot), be16(uint16(u)))
	store(s, neuronKey(n, u), Neuron{Hotkey: hot, Registered: h, LastUpdate: h, Work: work})
}

// leave takes a uid from its hotkey, with everything that others should not
// inherit: its bonds, what its module remembers, its serving record. Bonds and
// weights toward the uid are older than whoever gets it next, and therefore
// count for nobody; see package yuma.
func leave(s *state, n NetUID, u UID) {
	nr := need[Neuron](s, neuronKey(n, u))
	s.delete(uidKey(n, nr.Hotkey))
	s.delete(neuronKey(n, u))
	remove(s, servedKey(n, nr.Hotkey))
	for m := range uint8(maxMechanisms) {
		at := n.Mechanism(m)
		remove(s, bondsKey(at, u))
		remove(s, standingKey(at, u))
		remove(s, carryKey(at, nr.Hotkey))
	}
}

// remove deletes a key that may not be there.
func remove(s *state, k []byte) {
	if b, _ := s.Get(k); b != nil {
		s.delete(k)
	}
}

// neurons reads all neurons of a subnet by uid.
func neurons(s *state, n NetUID) []Neuron {
	m := need[Market](s, marketKey(n))
	out := make([]Neuron, m.Neurons)
	for u := range out {
		out[u] = need[Neuron](s, neuronKey(n, UID(u)))
	}
	return out
}

// immortal marks the uids that are never replaced: the first OwnerImmune of the
// owner's by registration and uid, of which the declared hotkey of the owner is
// always one (economics, uids).
func immortal(s *state, sub *Subnet, all []Neuron) []bool {
	var own []int
	for u := range all {
		if owner(s, all[u].Hotkey) == sub.Owner {
			own = append(own, u)
		}
	}
	sort.SliceStable(own, func(i, j int) bool { return all[own[i]].Registered < all[own[j]].Registered })
	limit := int(sub.Params.OwnerImmune)
	own = own[:min(len(own), limit)]
	declared, listed := -1, false
	for u := range all {
		if all[u].Hotkey == sub.OwnerHotkey {
			declared = u
		}
	}
	for _, u := range own {
		listed = listed || u == declared
	}
	if declared >= 0 && !listed {
		own = append([]int{declared}, own...)
		own = own[:min(len(own), limit)]
	}
	out := make([]bool, len(all))
	for _, u := range own {
		out[u] = true
	}
	return out
}

// replaceable returns the uid that the next registration replaces: among those
// past their immunity when more than MinNonImmune are, else among the immune
// ones while there are any; the least emission first, then the earliest
// registration, then the lowest uid (economics, uids). It is false when nobody
// may be replaced.
func replaceable(s *state, n NetUID, sub *Subnet, h Height, params *Params) (UID, bool) {
	all := neurons(s, n)
	return weakest(all, immortal(s, sub, all), h, uint64(sub.Params.Immunity), params.MinNonImmune)
}

// weakest is the uid of replaceable, of those that are not kept.
func weakest(all []Neuron, kept []bool, h Height, immunity uint64, least uint16) (UID, bool) {
	var old, young []int
	for u := range all {
		switch {
		case kept[u]:
		case h-all[u].Registered >= immunity:
			old = append(old, u)
		default:
			young = append(young, u)
		}
	}
	from := old
	if len(old) <= int(least) && len(young) > 0 {
		from = young
	}
	best := -1
	for _, u := range from {
		if best < 0 || all[u].Emission < all[best].Emission ||
			all[u].Emission == all[best].Emission && all[u].Registered < all[best].Registered {
			best = u
		}
	}
	return UID(max(best, 0)), best >= 0
}

// trimRate is the number of blocks between two trims of a subnet.
const trimRate = 30 * 7200

// Trim lowers the number of a subnet's uids and drops the neurons beyond it:
// [1, netuid, uids]. The owner may do it every 30 days, not below min_uids, and
// only as long as less than 80 % of what is left is immune.
type Trim struct {
	NetUID NetUID
	UIDs   uint16
}

func (*Trim) kind() Kind { return KindTrim }

func (p *Trim) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), uint64(p.NetUID))
	return cbor.AppendUint(b, uint64(p.UIDs))
}

func decodeTrim(d *cbor.Decoder) *Trim {
	d.Version(3, 1)
	return &Trim{decodeNetUID(d), uint16(d.UintMax(MaxRoster))}
}

func applyTrim(s *state, t *Tx, p *Trim, h Height, params *Params) error {
	sub, err := ownSubnet(s, t, p.NetUID)
	if err != nil {
		return err
	}
	if err := frozen(s, p.NetUID, &sub, h, params); err != nil {
		return err
	}
	next := planned(s, p.NetUID, &sub)
	if p.UIDs < sub.Params.MinUIDs || p.UIDs > next.Params.MaxUIDs {
		return reject(CodeParameter, "netuid %d: trim to %d uids: %d to %d", p.NetUID, p.UIDs, sub.Params.MinUIDs, next.Params.MaxUIDs)
	}
	if p.UIDs < next.Params.MaxValidators {
		return reject(CodeParameter, "netuid %d: trim to %d uids: it has %d permits", p.NetUID, p.UIDs, next.Params.MaxValidators)
	}
	if err := limited(s, p.NetUID, "trim", h, trimRate); err != nil {
		return err
	}
	all := neurons(s, p.NetUID)
	kept := immortal(s, &sub, all)
	immune := 0
	var order []int // those that may go, worst first
	for u := range all {
		if kept[u] || h-all[u].Registered < uint64(sub.Params.Immunity) {
			immune++
		} else {
			order = append(order, u)
		}
	}
	if immune*5 >= int(p.UIDs)*4 {
		return reject(CodeImmune, "netuid %d: %d neurons are immune: a trim to %d must leave them below 80 %%", p.NetUID, immune, p.UIDs)
	}
	sort.SliceStable(order, func(i, j int) bool {
		a, b := &all[order[i]], &all[order[j]]
		return a.Emission < b.Emission || a.Emission == b.Emission && a.Registered < b.Registered
	})
	drop := make([]bool, len(all))
	for _, u := range order[:min(len(order), max(0, len(all)-int(p.UIDs)))] {
		drop[u] = true
	}
	compact(s, p.NetUID, all, drop)
	next.Params.MaxUIDs = p.UIDs
	plan(s, p.NetUID, &sub, next)
	s.emit(Event{Kind: "trimmed", NetUID: p.NetUID, Hotkey: sub.OwnerHotkey, Amount: uint64(p.UIDs)})
	return s.err
}

// compact drops neurons and gives the others the uids from 0 on in their order,
// and their bonds with them.
func compact(s *state, n NetUID, all []Neuron, drop []bool) {
	next := make([]int, len(all))
	count := 0
	type held struct {
		bonds    [maxMechanisms]bondsRow
		standing [maxMechanisms]*Standing
	}
	rows := make([]held, len(all))
	for u := range all {
		next[u] = -1
		if drop[u] {
			leave(s, n, UID(u))
			continue
		}
		next[u] = count
		count++
		for m := range uint8(maxMechanisms) {
			at := n.Mechanism(m)
			if row, ok := fetch[bondsRow](s, bondsKey(at, UID(u))); ok {
				rows[u].bonds[m] = row
				s.delete(bondsKey(at, UID(u)))
			}
			if st, ok := fetch[Standing](s, standingKey(at, UID(u))); ok {
				rows[u].standing[m] = &st
				s.delete(standingKey(at, UID(u)))
			}
		}
		s.delete(neuronKey(n, UID(u)))
	}
	for u := range all {
		if next[u] < 0 {
			continue
		}
		to := UID(next[u])
		s.set(uidKey(n, all[u].Hotkey), be16(uint16(to)))
		store(s, neuronKey(n, to), all[u])
		for m := range uint8(maxMechanisms) {
			var row yuma.Row
			for _, e := range rows[u].bonds[m].Row {
				if int(e.UID) < len(next) && next[e.UID] >= 0 {
					row = append(row, yuma.Entry{UID: uint16(next[e.UID]), Value: e.Value})
				}
			}
			if len(row) > 0 {
				store(s, bondsKey(n.Mechanism(m), to), bondsRow{row})
			}
			if st := rows[u].standing[m]; st != nil {
				store(s, standingKey(n.Mechanism(m), to), *st)
			}
		}
	}
	m := need[Market](s, marketKey(n))
	m.Neurons = uint16(count)
	store(s, marketKey(n), m)
}

// rootMembers is how many hotkeys the root network holds (economics, root
// network). They have no uids and set no weights; membership is a place in a
// list that the most root stake holds.
const rootMembers = 64

// members is the list of the root network's hotkeys, rising.
type members struct{ list []Hotkey }

func (m *members) append(b []byte) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(b, 2), 1), len(m.list))
	for i := range m.list {
		b = cbor.AppendBytes(b, m.list[i][:])
	}
	return b
}

func (m *members) decode(d *cbor.Decoder) {
	d.Version(2, 1)
	m.list = nil
	for range d.ArrayMax(rootMembers) {
		m.list = append(m.list, d.Hash())
	}
}

// LoadRootMembers lists the hotkeys of the root network, rising.
func LoadRootMembers(v View) ([]Hotkey, error) {
	m, _, err := load[members](v, []byte(prefixRootMember))
	return m.list, err
}

// joinRoot makes a hotkey a member of the root network. When it is full, the
// hotkey must have more root stake than the weakest member, which leaves.
func joinRoot(s *state, t *Tx, p *Register) error {
	m, _ := fetch[members](s, []byte(prefixRootMember))
	stake := func(h Hotkey) uint64 {
		hp, _ := fetch[HotkeyPool](s, hotkeyPoolKey(0, h))
		return uint64(hp.Value)
	}
	weakest := 0
	for i, h := range m.list {
		if h == p.Hotkey {
			return reject(CodeRegistered, "%s on the root network", h)
		}
		if stake(h) < stake(m.list[weakest]) {
			weakest = i
		}
	}
	if len(m.list) == rootMembers {
		if least := stake(m.list[weakest]); stake(p.Hotkey) <= least {
			return reject(CodeFull, "the root network's weakest member has %d rao staked: more is needed", least)
		}
		m.list = append(m.list[:weakest], m.list[weakest+1:]...)
	}
	m.list = append(m.list, p.Hotkey)
	sort.Slice(m.list, func(i, j int) bool { return less(m.list[i], m.list[j]) })
	store(s, []byte(prefixRootMember), m)
	setOwner(s, p.Hotkey, t.Account)
	s.emit(Event{Kind: "registered", Hotkey: p.Hotkey})
	return s.err
}

// Standing is what the last step found for a uid in a mechanism beyond the
// first, whose findings are in Neuron.
type Standing struct {
	LastUpdate Height
	Consensus  uint16 // over 65,535, like the following
	Incentive  uint16
	Dividends  uint16
	Trust      uint16
}

func (s *Standing) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 6), 1), s.LastUpdate)
	for _, v := range []uint16{s.Consensus, s.Incentive, s.Dividends, s.Trust} {
		b = cbor.AppendUint(b, uint64(v))
	}
	return b
}

func (s *Standing) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	s.LastUpdate = d.Uint()
	for _, v := range []*uint16{&s.Consensus, &s.Incentive, &s.Dividends, &s.Trust} {
		*v = uint16(d.UintMax(65535))
	}
}

// LoadStanding reads what the last step found for a uid in mechanism m > 0, nil
// for nothing.
func LoadStanding(v View, n NetUID, m uint8, u UID) (*Standing, error) {
	return ptr[Standing](v, standingKey(n.Mechanism(m), u))
}

func standingKey(n NetUID, u UID) []byte {
	return binary.BigEndian.AppendUint16(k16(prefixStanding, uint16(n)), uint16(u))
}
