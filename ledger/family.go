package ledger

import (
	"math"
	"slices"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/unit"
)

// A hotkey may lend parts of its stake weight in a subnet to children, other
// hotkeys that validate with it, and gets its part of what they earn. Weight is
// lent once: what a child has from its parents it does not pass on
// (economics, stake weight and child hotkeys).

// Bounds of a family.
const (
	maxChildren = 5
	// maxParents bounds the work of a stake weight. A parent with more to lend
	// takes the place of the one with the least.
	maxParents = 32
	// maxKin is how many hotkeys are looked at for a circle.
	maxKin = 256
)

// Kin is a child with the part of its parent's stake weight that it has, or a
// parent with the part that it lends, over 2^64-1.
type Kin struct {
	Hotkey Hotkey
	Part   uint64 `show:"part over 2^64-1"`
}

// Family is whom a hotkey lends stake weight to in a subnet, and who lends to it.
type Family struct {
	Children []Kin  // rising by hotkey
	Parents  []Kin  // rising by hotkey
	Take     uint16 // what it keeps of what it earns for another's hotkey, over 65,535
	Raised   Height // last block at which the take rose, 0 for never
	Set      Height // last block at which the children were set, 0 for never
}

func appendKin(b []byte, list []Kin) []byte {
	b = cbor.AppendArray(b, len(list))
	for i := range list {
		b = cbor.AppendUint(cbor.AppendBytes(cbor.AppendArray(b, 2), list[i].Hotkey[:]), list[i].Part)
	}
	return b
}

func decodeKin(d *cbor.Decoder, most int) (list []Kin) {
	for range d.ArrayMax(most) {
		d.Array(2)
		next := Kin{d.Hash(), d.Uint()}
		if k := len(list); d.Err() == nil && (next.Part == 0 || k > 0 && !less(list[k-1].Hotkey, next.Hotkey)) {
			d.Fail(cbor.ErrRange)
		}
		list = append(list, next)
	}
	return list
}

func (f *Family) append(b []byte) []byte {
	b = appendKin(appendKin(cbor.AppendUint(cbor.AppendArray(b, 6), 1), f.Children), f.Parents)
	return cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(b, uint64(f.Take)), f.Raised), f.Set)
}

func (f *Family) decode(d *cbor.Decoder) {
	d.Version(6, 1)
	f.Children, f.Parents = decodeKin(d, maxChildren), decodeKin(d, maxParents)
	f.Take, f.Raised, f.Set = uint16(d.UintMax(65535)), d.Uint(), d.Uint()
}

func familyKey(n NetUID, h Hotkey) []byte { return k16x32(prefixFamily, uint16(n), h) }

// LoadFamily reads a hotkey's family in a subnet; it is empty when it has none.
func LoadFamily(v View, n NetUID, h Hotkey) (Family, error) {
	f, _, err := load[Family](v, familyKey(n, h))
	return f, err
}

// brood is the children that wait to be born.
type brood struct {
	Due      Height
	Children []Kin
}

func (w *brood) append(b []byte) []byte {
	return appendKin(cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 3), 1), w.Due), w.Children)
}

func (w *brood) decode(d *cbor.Decoder) {
	d.Version(3, 1)
	w.Due, w.Children = d.Uint(), decodeKin(d, maxChildren)
}

func waitingKey(n NetUID, h Hotkey) []byte { return k16x32(prefixWaiting, uint16(n), h) }

// LoadWaiting reads the children that a hotkey will have in a subnet, and the
// block from which on an epoch's beginning gives them to it; 0 when none wait.
func LoadWaiting(v View, n NetUID, h Hotkey) ([]Kin, Height, error) {
	w, _, err := load[brood](v, waitingKey(n, h))
	return w.Children, w.Due, err
}

func findKin(list []Kin, h Hotkey) (int, bool) {
	return slices.BinarySearchFunc(list, h, func(x Kin, h Hotkey) int { return slices.Compare(x.Hotkey[:], h[:]) })
}

// part is ⌊weight·part/(2^64−1)⌋.
func (k Kin) of(weight uint64) uint64 { return unit.MulDiv(weight, k.Part, math.MaxUint64) }

// ownWeight is a hotkey's stake weight before anything is lent: its alpha plus
// its root stake weighted by the chain's TAO weight, saturating.
func ownWeight(s *state, n NetUID, h Hotkey) uint64 {
	alpha, _ := fetch[HotkeyPool](s, hotkeyPoolKey(n, h))
	sum, ok := alpha.Value.Add(unit.Alpha(rootWeight(s, h)))
	if !ok {
		return math.MaxUint64
	}
	return uint64(sum)
}

// weightOf divides a hotkey's stake weight in a subnet into what it has of its
// own, what it lends taken off, and what it has from each parent.
func weightOf(s *state, n NetUID, h Hotkey) (own uint64, parents []Kin, lent []uint64) {
	own = ownWeight(s, n, h)
	f, _ := fetch[Family](s, familyKey(n, h))
	all := own
	for _, c := range f.Children {
		own -= c.of(all) // parts sum to at most the whole
	}
	for _, p := range f.Parents {
		lent = append(lent, p.of(ownWeight(s, n, p.Hotkey)))
	}
	return own, f.Parents, lent
}

// stakeWeight is a hotkey's say in a subnet: its own weight less what it lends,
// plus what it is lent, saturating.
func stakeWeight(s *state, n NetUID, h Hotkey) uint64 {
	w, _, lent := weightOf(s, n, h)
	for _, x := range lent {
		if w+x < w {
			return math.MaxUint64
		}
		w += x
	}
	return w
}

// SetChildren lends parts of a hotkey's stake weight in a subnet to other
// hotkeys, in place of those it was lent to before: [1, netuid, hotkey,
// [[child, part], ...]], children rising, at most 5 parts over 2^64-1 that sum
// to no more. It takes effect when an epoch begins after child_cooldown blocks,
// at once before the subnet's start.
type SetChildren struct {
	NetUID   NetUID
	Hotkey   Hotkey
	Children []Kin
}

func (*SetChildren) kind() Kind { return KindSetChildren }

func (p *SetChildren) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 4), 1), uint64(p.NetUID))
	return appendKin(cbor.AppendBytes(b, p.Hotkey[:]), p.Children)
}

func decodeSetChildren(d *cbor.Decoder) *SetChildren {
	d.Version(4, 1)
	return &SetChildren{NetUID: decodeNetUID(d), Hotkey: d.Hash(), Children: decodeKin(d, maxChildren)}
}

func applySetChildren(s *state, t *Tx, p *SetChildren, h Height, params *Params) error {
	sub, ok := fetch[Subnet](s, subnetKey(p.NetUID))
	if !ok {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	if err := ownHotkey(s, t, p.Hotkey); err != nil {
		return err
	}
	var sum uint64
	for _, c := range p.Children {
		switch {
		case sum+c.Part < sum:
			return reject(CodeFamily, "the parts sum to more than the whole, 2^64-1")
		case c.Hotkey == p.Hotkey:
			return reject(CodeFamily, "%s cannot be its own child", c.Hotkey)
		case owner(s, c.Hotkey) == (Coldkey{}):
			return reject(CodeUnregistered, "nobody has registered the hotkey %s", c.Hotkey)
		case descends(s, p.NetUID, c.Hotkey, p.Hotkey):
			return reject(CodeFamily, "%s lends to %s already, at least through others: a circle", c.Hotkey, p.Hotkey)
		}
		sum += c.Part
	}
	f, _ := fetch[Family](s, familyKey(p.NetUID, p.Hotkey))
	if next := f.Set + params.ChildRate; f.Set != 0 && h < next {
		return reject(CodeRate, "the children of %s were set at block %d: allowed again at block %d", p.Hotkey, f.Set, next)
	}
	f.Set = h
	store(s, familyKey(p.NetUID, p.Hotkey), f)
	if sub.Started == 0 {
		bear(s, p.NetUID, p.Hotkey, p.Children)
	} else {
		store(s, waitingKey(p.NetUID, p.Hotkey), brood{h + params.ChildCooldown, p.Children})
	}
	s.emit(Event{Kind: "children_set", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: uint64(len(p.Children))})
	return nil
}

// descends reports whether one may reach to from h by children. When there are
// too many to look at it says so as well: better no child than a circle.
func descends(s *state, n NetUID, h, to Hotkey) bool {
	seen, todo := map[Hotkey]bool{h: true}, []Hotkey{h}
	for len(todo) > 0 {
		f, _ := fetch[Family](s, familyKey(n, todo[0]))
		todo = todo[1:]
		for _, c := range f.Children {
			if c.Hotkey == to || len(seen) >= maxKin {
				return true
			}
			if !seen[c.Hotkey] {
				seen[c.Hotkey] = true
				todo = append(todo, c.Hotkey)
			}
		}
	}
	return false
}

// births gives hotkeys the children that have waited long enough, in the order
// of the hotkeys.
func births(s *state, n NetUID, h Height) error {
	type due struct {
		parent   Hotkey
		children []Kin
	}
	var all []due
	prefix := k16(prefixWaiting, uint16(n))
	err := s.Range(prefix, func(k, v []byte) error {
		w, err := decodeAs[brood](string(k), v)
		if err == nil && w.Due <= h {
			all = append(all, due{Hotkey(k[len(prefix):]), w.Children})
		}
		return err
	})
	for _, d := range all {
		s.delete(waitingKey(n, d.parent))
		bear(s, n, d.parent, d.children)
	}
	return err
}

// bear replaces a hotkey's children. One that would close a circle by now, whose
// hotkey is gone, or that has too many parents with more to lend is left out.
func bear(s *state, n NetUID, parent Hotkey, children []Kin) {
	children = slices.Clone(children)
	f, _ := fetch[Family](s, familyKey(n, parent))
	for _, c := range f.Children {
		orphan(s, n, c.Hotkey, parent)
	}
	f.Children = nil
	store(s, familyKey(n, parent), f)
	for i := range children { // one may have been rotated while it waited
		children[i].Hotkey = s.hotkey(children[i].Hotkey)
	}
	slices.SortFunc(children, func(a, b Kin) int { return slices.Compare(a.Hotkey[:], b.Hotkey[:]) })
	for _, c := range children {
		if owner(s, c.Hotkey) == (Coldkey{}) || descends(s, n, c.Hotkey, parent) || !adoptable(s, n, c, parent) {
			s.emit(Event{Kind: "child_refused", NetUID: n, Hotkey: c.Hotkey})
			continue
		}
		g, _ := fetch[Family](s, familyKey(n, c.Hotkey))
		i, _ := findKin(g.Parents, parent)
		g.Parents = slices.Insert(g.Parents, i, Kin{parent, c.Part})
		store(s, familyKey(n, c.Hotkey), g)
		f.Children = append(f.Children, c)
		store(s, familyKey(n, parent), f)
	}
	s.emit(Event{Kind: "children", NetUID: n, Hotkey: parent, Amount: uint64(len(f.Children))})
}

// orphan takes a parent off a child.
func orphan(s *state, n NetUID, child, parent Hotkey) {
	f, _ := fetch[Family](s, familyKey(n, child))
	if i, ok := findKin(f.Parents, parent); ok {
		f.Parents = slices.Delete(f.Parents, i, i+1)
		store(s, familyKey(n, child), f)
	}
}

// adoptable makes room for another parent, if the child has any or the parent
// has more to lend than the weakest.
func adoptable(s *state, n NetUID, c Kin, parent Hotkey) bool {
	f, _ := fetch[Family](s, familyKey(n, c.Hotkey))
	if len(f.Parents) < maxParents {
		return true
	}
	weakest, least := 0, uint64(math.MaxUint64)
	for i, p := range f.Parents {
		if w := p.of(ownWeight(s, n, p.Hotkey)); w < least {
			weakest, least = i, w
		}
	}
	if c.of(ownWeight(s, n, parent)) <= least {
		return false
	}
	out := f.Parents[weakest].Hotkey
	orphan(s, n, c.Hotkey, out)
	g, _ := fetch[Family](s, familyKey(n, out))
	if i, ok := findKin(g.Children, c.Hotkey); ok {
		g.Children = slices.Delete(g.Children, i, i+1)
		store(s, familyKey(n, out), g)
	}
	return true
}

// SetChildTake sets what a hotkey keeps in a subnet of what it earns with the
// stake weight of another owner's hotkeys: [1, netuid, hotkey, take]. It may
// fall at any time, and rise after a pause, by the parameter take_rate.
type SetChildTake struct {
	NetUID NetUID
	Hotkey Hotkey
	Take   uint16 `show:"take over 65535"`
}

func (*SetChildTake) kind() Kind { return KindSetChildTake }

func (p *SetChildTake) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 4), 1), uint64(p.NetUID))
	return cbor.AppendUint(cbor.AppendBytes(b, p.Hotkey[:]), uint64(p.Take))
}

func decodeSetChildTake(d *cbor.Decoder) *SetChildTake {
	d.Version(4, 1)
	return &SetChildTake{NetUID: decodeNetUID(d), Hotkey: d.Hash(), Take: uint16(d.UintMax(65535))}
}

func applySetChildTake(s *state, t *Tx, p *SetChildTake, h Height, params *Params) error {
	sub, ok := fetch[Subnet](s, subnetKey(p.NetUID))
	if !ok {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	if err := ownHotkey(s, t, p.Hotkey); err != nil {
		return err
	}
	if p.Take < sub.Params.MinChildTake || p.Take > params.MaxTake {
		return reject(CodeParameter, "take %d: must be %d..%d over 65535", p.Take, sub.Params.MinChildTake, params.MaxTake)
	}
	f, _ := fetch[Family](s, familyKey(p.NetUID, p.Hotkey))
	if p.Take > f.Take {
		if next := f.Raised + params.TakeRate; f.Raised != 0 && h < next {
			return reject(CodeRate, "the take of %s on netuid %d rose at block %d: allowed again at block %d", p.Hotkey, p.NetUID, f.Raised, next)
		}
		f.Raised = h
	}
	f.Take = p.Take
	store(s, familyKey(p.NetUID, p.Hotkey), f)
	s.emit(Event{Kind: "child_take_set", NetUID: p.NetUID, Hotkey: p.Hotkey, Amount: uint64(p.Take)})
	return nil
}

// portion is a part of a dividend.
type portion struct {
	to     Hotkey // zero for what is burned
	of     Hotkey // whose stake weight earned it
	amount uint64
}

// portions divides a hotkey's dividend over it and its parents by what each
// brought to its stake weight, to the last unit. Of what it earned for another
// owner's hotkey a part is burned, and a part is its own. That part stays divided
// between alpha and root as the parent's stake is, where the reference goes by
// the child's: a child without stake would turn what root stake earns into a
// claim on what alpha earns.
func portions(s *state, n NetUID, h Hotkey, dividend uint64, minTake uint16, params *Params) []portion {
	own, parents, lent := weightOf(s, n, h)
	parts := unit.Split(dividend, append([]uint64{own}, lent...))
	if own == 0 && sumOf(lent) == 0 { // nobody brought anything
		parts[0] = dividend
	}
	out := []portion{{h, h, parts[0]}}
	f, _ := fetch[Family](s, familyKey(n, h))
	for i, p := range parents {
		x := parts[i+1]
		if owner(s, p.Hotkey) != owner(s, h) {
			burned := unit.MulDiv(x, uint64(params.ChildBurn), 65535)
			kept := unit.MulDiv(x-burned, uint64(max(f.Take, minTake)), 65535)
			out = append(out, portion{h, p.Hotkey, kept}, portion{Hotkey{}, p.Hotkey, burned})
			x -= burned + kept
		}
		out = append(out, portion{p.Hotkey, p.Hotkey, x})
	}
	return out
}

func sumOf(v []uint64) (sum uint64) {
	for _, x := range v {
		sum += x
	}
	return sum
}
