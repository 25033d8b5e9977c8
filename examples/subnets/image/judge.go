package image

import "github.com/plexus-network/plexus/abi"

// Weights of a prompt's predicates.
const (
	weightGround = 1 // at least half of the picture is background
	weightColor  = 1 // a group's colour occurs
	weightShape  = 1 // a group's shape occurs, hollow or not as it should be
	weightCount  = 3 // exactly the group's number of objects have all of its attributes
	weightRule   = 2 // a rule holds
	weightExtra  = 1 // of an object that belongs to no group: as a predicate that fails
)

// judge says what a picture is worth for a prompt, in Q32.32: half for the share of the predicates
// that hold, by weight, and half for holding them all. An object too many is a
// predicate that fails.
func (e *eye) judge(p *Picture, want *Prompt) uint64 {
	objects, extra := e.look(p, want.Background)
	held, all := 0, 0
	check := func(ok bool, weight int) {
		all += weight
		if ok {
			held += weight
		}
	}
	check(extra < maxRegions, weightGround)
	members := make([][]*Object, len(want.Groups))
	claimed := 0
	for i := range want.Groups {
		g := &want.Groups[i]
		color, shape := false, false
		for j := range objects {
			o := &objects[j]
			color = color || o.Color == g.Color
			like := o.Shape == g.Shape && o.Hollow == g.Hollow
			shape = shape || like
			if o.Color == g.Color && like && g.Size.fits(o.Side()) {
				members[i] = append(members[i], o)
			}
		}
		check(color, weightColor)
		check(shape, weightShape)
		check(len(members[i]) == g.Count, weightCount)
		claimed += len(members[i])
	}
	for _, r := range want.Rules {
		check(r.holds(members), weightRule)
	}
	// No two groups are alike, so an object is claimed once at most.
	extra += len(objects) - claimed
	all += extra * weightExtra
	if held == all {
		return abi.One
	}
	return uint64(held) * (abi.One / 2) / uint64(all)
}

// fits reports whether an object with that longer side has the size.
func (s Size) fits(side int) bool {
	switch s {
	case Small:
		return side <= SmallSide
	case Large:
		return side >= LargeSide
	}
	return true
}

// holds reports whether the rule holds for all members of its groups, of which
// there must be some.
func (r Rule) holds(members [][]*Object) bool {
	a := members[r.A]
	b := members[r.B]
	if r.Single() {
		b = []*Object{nil}
	}
	for _, x := range a {
		for _, y := range b {
			if !r.between(x, y) {
				return false
			}
		}
	}
	return len(a) > 0 && len(b) > 0
}

// between reports whether the rule holds for two objects, or for the first if it is
// of one group.
func (r Rule) between(a, b *Object) bool {
	switch r.Relation {
	case LeftOf:
		return a.X1 < b.X0
	case RightOf:
		return a.X0 > b.X1
	case Above:
		return a.Y1 < b.Y0
	case Below:
		return a.Y0 > b.Y1
	case Inside:
		// An object hangs together, so it is in the hole when one pixel is.
		return b.holds(a.firstX, a.Y0)
	case LargerThan:
		return a.Side() >= b.Side()+LargerBy
	case LeftHalf:
		return a.X1 < Side/2
	case RightHalf:
		return a.X0 >= Side/2
	case UpperHalf:
		return a.Y1 < Side/2
	default:
		return a.Y0 >= Side/2
	}
}
