package ledger

import (
	"sort"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// RosterPage is the number of members in one page of a roster, so that one
// proof shows a page and a few prove a roster complete.
const RosterPage = 64

// Member is a neuron as an epoch's roster froze it.
type Member struct {
	UID    UID
	Hotkey Hotkey
	Work   key.Work
	Permit bool   // may validate in this epoch
	Stake  uint64 // stake weight: alpha plus weighted root TAO, in their smallest unit
}

// Serves reports whether the member answers requests.
func (m *Member) Serves() bool { return m.Work.Peer != (key.ID{}) }

// Roster is the frozen list of an epoch's neurons in the order of their uids.
// Rows, asked sets and leaves name members by their index in it.
type Roster []Member

// Index returns the index of a hotkey, or -1.
func (r Roster) Index(h Hotkey) int {
	for i := range r {
		if r[i].Hotkey == h {
			return i
		}
	}
	return -1
}

// page returns the bytes of page i: [1, length of the roster, i, members].
func (r Roster) page(i int) []byte {
	part := r[i*RosterPage : min(len(r), (i+1)*RosterPage)]
	b := cbor.AppendUint(cbor.AppendArray(make([]byte, 0, 16+160*len(part)), 4), 1)
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(len(r))), uint64(i))
	b = cbor.AppendArray(b, len(part))
	for _, m := range part {
		b = cbor.AppendUint(cbor.AppendArray(b, 7), uint64(m.UID))
		b = m.Work.Append(cbor.AppendBytes(b, m.Hotkey[:]))
		b = cbor.AppendUint(cbor.AppendBool(b, m.Permit), m.Stake)
	}
	return b
}

func (r Roster) pages() int { return (len(r) + RosterPage - 1) / RosterPage }

// Root is the roster root of an epoch record: the hash of its length and pages.
func (r Roster) Root() [32]byte {
	parts := [][]byte{be64(uint64(len(r)))}
	for i := range r.pages() {
		h := key.Hash("roster-page", r.page(i))
		parts = append(parts, h[:])
	}
	return key.Hash("roster", parts...)
}

func decodePage(b []byte, want int) (part []Member, length int, err error) {
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	length = int(d.UintMax(MaxRoster))
	if i := d.Uint(); d.Err() == nil && i != uint64(want) {
		d.Fail(cbor.ErrRange)
	}
	part = make([]Member, d.ArrayMax(RosterPage))
	for i := range part {
		d.Array(7)
		part[i] = Member{UID: UID(d.UintMax(65535)), Hotkey: d.Hash(), Work: key.DecodeWork(d), Permit: d.Bool(), Stake: d.Uint()}
	}
	return part, length, d.End()
}

// LoadRoster reads the roster of an epoch and checks it against the epoch
// record, so that it is complete. It is nil when the epoch has no record.
func LoadRoster(v View, n NetUID, e Epoch) (Roster, error) {
	rec, err := LoadRecord(v, n, e)
	if err != nil || rec == nil {
		return nil, err
	}
	roster := make(Roster, 0, rec.Members)
	for page := 0; len(roster) < int(rec.Members); page++ {
		b, err := v.Get(rosterKey(n, e, uint16(page)))
		if err != nil {
			return nil, err
		}
		part, length, err := decodePage(b, page)
		if err != nil || length != int(rec.Members) || len(part) == 0 {
			return nil, broken("roster page %d of netuid %d epoch %d: length %d, record says %d: %v", page, n, e, length, rec.Members, err)
		}
		roster = append(roster, part...)
	}
	if roster.Root() != rec.Roster {
		return nil, broken("roster of netuid %d epoch %d does not match its record", n, e)
	}
	return roster, nil
}

// freeze makes the roster of a subnet from the state as it stands. Permits go to
// the members with the largest stake weights, above zero and not below the
// chain's threshold, at most validators of them; equal weights by lower uid. The
// owner's hotkey always has one (economics, the epoch, 2 and 3).
func freeze(s *state, n NetUID, sub *Subnet) Roster {
	m := need[Market](s, marketKey(n))
	least := max(1, need[Params](s, []byte(prefixParams)).StakeThreshold)
	r := make(Roster, m.Neurons)
	order := make([]int, 0, len(r))
	for i := range r {
		nr := need[Neuron](s, neuronKey(n, UID(i)))
		r[i] = Member{UID: UID(i), Hotkey: nr.Hotkey, Work: nr.Work, Stake: stakeWeight(s, n, nr.Hotkey)}
		r[i].Permit = nr.Hotkey == sub.OwnerHotkey
		if r[i].Stake >= least {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return r[order[a]].Stake > r[order[b]].Stake })
	for _, i := range order[:min(len(order), int(sub.Params.MaxValidators))] {
		r[i].Permit = true
	}
	return r
}

// frozenAt names a roster.
type frozenAt struct {
	n NetUID
	e Epoch
}

// rosterOf is LoadRoster for the commits and reveals of a block, which all look
// at the same few rosters: within a block each is read once. A roster is written
// when its epoch begins, before any transaction, and never changes.
func rosterOf(v View, n NetUID, e Epoch) (Roster, error) {
	s, ok := v.(*state)
	if !ok {
		return LoadRoster(v, n, e)
	}
	if r, ok := s.rosters[frozenAt{n, e}]; ok {
		return r, nil
	}
	r, err := LoadRoster(s, n, e)
	if err != nil {
		return nil, err
	}
	if s.rosters == nil {
		s.rosters = map[frozenAt]Roster{}
	}
	s.rosters[frozenAt{n, e}] = r
	return r, nil
}
