package ledger

import (
	"cmp"
	"slices"

	"github.com/plexus-network/plexus/ledger/unit"
)

// minSet is the size below which the set of producers does not shrink: a set
// that loses one of four cannot lose another and go on.
const minSet = 4

// member is a producer while the set changes.
type member struct {
	Producer
	addr Address
	was  uint64 // power at the start
	want uint64 // power that it should have
}

// elect makes those with the most root stake the producers, one vote a TAO, in
// steps: at most a third of the voting power leaves, and at most as much joins,
// so that the set before and the set after know each other. Powers move toward
// what they should be and reach it in a later election. The set never gets
// smaller than min(4, its size).
func elect(s *state, h Height, params *Params) error {
	set, err := Producers(s)
	if err != nil {
		return err
	}
	candidates, err := Candidates(s)
	if err != nil {
		return err
	}
	all := make([]*member, 0, len(set)+len(candidates))
	at := map[Address]*member{}
	add := func(p Producer) *member {
		a := p.Address()
		if at[a] == nil {
			at[a] = &member{Producer: p, addr: a, was: p.Power}
			all = append(all, at[a])
		}
		return at[a]
	}
	var total uint64
	for _, p := range set {
		add(p)
		total += p.Power
	}
	var able []*member
	for _, p := range candidates {
		if m := add(p); m.Jailed == 0 {
			if m.want = rootStake(s, p.Hotkey) / uint64(unit.Coin); m.want > 0 {
				able = append(able, m)
			}
		}
	}
	slices.SortFunc(able, func(a, b *member) int {
		return cmp.Or(cmp.Compare(b.want, a.want), slices.Compare(a.addr[:], b.addr[:]))
	})
	for len(able) > int(params.MaxProducers) {
		able[len(able)-1].want = 0
		able = able[:len(able)-1]
	}
	keepEnough(all, len(able), min(minSet, len(set)))
	move(all, total/3, int(params.MaxProducers))
	return commitSet(s, all, h, params)
}

// keepEnough lets the best of those who would leave stay as they are while too
// few would be left.
func keepEnough(all []*member, stay, least int) {
	var leave []*member
	for _, m := range all {
		if m.was > 0 && m.want == 0 {
			leave = append(leave, m)
		}
	}
	guilt := func(m *member) int {
		switch {
		case m.Tombstoned:
			return 2
		case m.Jailed != 0:
			return 1
		}
		return 0
	}
	slices.SortFunc(leave, func(a, b *member) int {
		return cmp.Or(cmp.Compare(guilt(a), guilt(b)), cmp.Compare(b.was, a.was), slices.Compare(a.addr[:], b.addr[:]))
	})
	for _, m := range leave {
		if stay >= least {
			return
		}
		m.want = m.was
		stay++
	}
}

// move takes powers toward what they should be: budget votes may be lost in all
// and as many gained. Those who leave go first, the weakest before the others,
// and those with the most stake gain first. Nobody joins beyond most members.
func move(all []*member, budget uint64, most int) {
	by := func(less func(a, b *member) int) []*member {
		out := slices.Clone(all)
		slices.SortFunc(out, func(a, b *member) int { return cmp.Or(less(a, b), slices.Compare(a.addr[:], b.addr[:])) })
		return out
	}
	size := 0
	for _, m := range all {
		m.Power = m.was
		if m.was > 0 {
			size++
		}
	}
	least := min(minSet, size)
	lose, gain := budget, budget
	for _, m := range by(func(a, b *member) int {
		return cmp.Or(cmp.Compare(min(a.want, 1), min(b.want, 1)), cmp.Compare(a.was, b.was))
	}) {
		if m.want < m.was {
			d := min(m.was-m.want, lose)
			lose -= d
			if m.Power -= d; m.Power == 0 {
				size--
			}
		}
	}
	for _, m := range by(func(a, b *member) int { return cmp.Compare(b.want, a.want) }) {
		if m.want <= m.was || gain == 0 || m.was == 0 && size >= most {
			continue
		}
		d := min(m.want-m.was, gain)
		gain -= d
		if m.was == 0 {
			size++
		}
		m.Power += d
	}
	// Whoever should have joined may have found no votes left to gain.
	for _, m := range by(func(a, b *member) int { return cmp.Compare(b.was, a.was) }) {
		if size < least && m.was > 0 && m.Power == 0 {
			m.Power = m.was
			size++
		}
	}
}

// expel takes one producer out of the set at once, unless that would make it
// smaller than it may be: then an election does it when others have joined.
func expel(s *state, a Address, h Height, params *Params) error {
	set, err := Producers(s)
	if err != nil {
		return err
	}
	if len(set)-1 < min(minSet, len(set)) {
		return nil
	}
	all := make([]*member, len(set))
	for i, p := range set {
		all[i] = &member{Producer: p, addr: p.Address(), was: p.Power}
		if all[i].addr == a {
			all[i].Power = 0
		}
	}
	return commitSet(s, all, h, params)
}

// commitSet writes the set that consensus will be told of. What a hotkey that
// leaves has staked stays bonded until its last vote can no longer be proved to
// be a double one.
func commitSet(s *state, all []*member, h Height, params *Params) error {
	var now []*member
	stays := map[Hotkey]bool{}
	for _, m := range all {
		if m.Power > 0 {
			now = append(now, m)
			stays[m.Hotkey] = true
		}
	}
	if len(now) == 0 {
		return broken("block %d: no producer would be left", h)
	}
	slices.SortFunc(now, func(a, b *member) int { return slices.Compare(a.Consensus[:], b.Consensus[:]) })
	list := make(addresses, len(now))
	for i, m := range now {
		list[i] = m.addr
	}
	for _, m := range all {
		if m.Power == m.was {
			continue
		}
		store(s, producerKey(m.addr), m.Producer)
		switch {
		case m.was == 0:
			s.set(bondedKey(m.Hotkey), be64(elected))
			s.emit(Event{Kind: "producer joined", Hotkey: m.Hotkey, Amount: m.Power})
		case m.Power == 0:
			if s.has(missesKey(m.addr)) {
				s.delete(missesKey(m.addr))
			}
			if !stays[m.Hotkey] {
				s.set(bondedKey(m.Hotkey), be64(h+voteDelay+params.Unbonding))
			}
			s.emit(Event{Kind: "producer left", Hotkey: m.Hotkey})
		}
	}
	store(s, []byte(prefixProducers), list)
	return s.err
}

// voteDelay is how many blocks a change of the set takes to act.
const voteDelay = 2

// updates lists what consensus must be told after a block whose set was before.
func updates(s *state, before []Producer) ([]ProducerUpdate, error) {
	after, err := Producers(s)
	if err != nil {
		return nil, err
	}
	was, is := map[Address]uint64{}, map[Address]uint64{}
	for i := range before {
		was[before[i].Address()] = before[i].Power
	}
	for i := range after {
		is[after[i].Address()] = after[i].Power
	}
	var out []ProducerUpdate
	for i := range before {
		if is[before[i].Address()] == 0 {
			out = append(out, ProducerUpdate{Consensus: before[i].Consensus})
		}
	}
	for i := range after {
		if p := &after[i]; was[p.Address()] != p.Power {
			out = append(out, ProducerUpdate{Consensus: p.Consensus, Power: p.Power})
		}
	}
	slices.SortFunc(out, func(a, b ProducerUpdate) int { return slices.Compare(a.Consensus[:], b.Consensus[:]) })
	return out, nil
}
