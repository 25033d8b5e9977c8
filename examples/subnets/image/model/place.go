package model

import (
	"github.com/plexus-network/plexus/examples/subnets/image"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	gap      = 2    // pixels between two objects at least
	tries    = 24   // places tried for an object before the one before it is moved
	patience = 3000 // places tried in all before the search starts anew
	restarts = 12
)

// placing is a search for a layout: objects are placed one after another, each
// within the bounds that the rules leave it, and the last is taken back when there
// is no place for the next.
type placing struct {
	*sdk.Rand
	p     *image.Prompt
	sides []int // of each group's objects
	in    []int // the group whose hole holds the group, -1 for none
	order []int // the group of each object to place
	done  []object
	left  int // tries
}

// solve returns a layout that satisfies the prompt, or nil when it found none.
func solve(p *image.Prompt, rnd *sdk.Rand) *layout {
	s := &placing{Rand: rnd, p: p, in: make([]int, len(p.Groups))}
	for i := range s.in {
		s.in[i] = -1
	}
	for _, r := range p.Rules {
		if r.Relation == image.Inside {
			s.in[r.A] = r.B
		}
	}
	s.measure()
	// What holds others comes first, then the large.
	for side := image.Side; side > 0; side-- {
		for g := range p.Groups {
			for range p.Groups[g].Count {
				if s.sides[g] == side {
					s.order = append(s.order, g)
				}
			}
		}
	}
	for range restarts {
		s.done, s.left = s.done[:0], patience
		if s.place() {
			return &layout{p, s.done}
		}
	}
	return nil
}

// measure chooses each group's side: as small as its attributes and the rules
// allow, and still easy to tell.
func (s *placing) measure() {
	s.sides = make([]int, len(s.p.Groups))
	for i, g := range s.p.Groups {
		s.sides[i] = 15
		if g.Hollow && g.Shape == image.Triangle {
			s.sides[i] = image.SmallSide
		}
		if g.Size == image.Large {
			s.sides[i] = image.LargeSide + 2
		}
	}
	for range s.p.Groups { // a chain of rules is not longer than this
		for _, r := range s.p.Rules {
			switch r.Relation {
			case image.LargerThan:
				s.sides[r.A] = max(s.sides[r.A], s.sides[r.B]+image.LargerBy+1)
			case image.Inside:
				need := (s.sides[r.A]+gap)*s.p.Groups[r.A].Count + 2*gap
				for hole(&s.p.Groups[r.B], s.sides[r.B]) < need && s.sides[r.B] < image.Side {
					s.sides[r.B]++
				}
			}
		}
	}
}

// hole returns the side of the square that fits into the hole of a hollow object,
// in its middle.
func hole(g *image.Group, side int) int {
	n := side - 2*wall(side)
	switch g.Shape {
	case image.Circle:
		return n * 70 / 100
	case image.Triangle:
		return n/2 - 2*wall(side)
	}
	return n
}

// place puts the next object and all after it.
func (s *placing) place() bool {
	if len(s.done) == len(s.order) {
		return true
	}
	g := s.order[len(s.done)]
	x0, x1 := s.bounds(g, image.LeftOf, image.LeftHalf)
	y0, y1 := s.bounds(g, image.Above, image.UpperHalf)
	if s.in[g] >= 0 {
		box, ok := s.container(g)
		if !ok {
			return false
		}
		x0, x1 = max(x0, box.x), min(x1, box.x+box.side-1)
		y0, y1 = max(y0, box.y), min(y1, box.y+box.side-1)
	}
	side := s.sides[g]
	if x1-x0+1 < side || y1-y0+1 < side {
		return false
	}
	for range tries {
		if s.left--; s.left < 0 {
			return false
		}
		o := object{g, x0 + s.Intn(x1-x0+2-side), y0 + s.Intn(y1-y0+2-side), side}
		if !s.free(&o) {
			continue
		}
		s.done = append(s.done, o)
		if s.place() {
			return true
		}
		s.done = s.done[:len(s.done)-1]
	}
	return false
}

// container returns the square in the hole that holds the group.
func (s *placing) container(g int) (object, bool) {
	for _, o := range s.done {
		if o.group != s.in[g] {
			continue
		}
		b := &s.p.Groups[o.group]
		n := hole(b, o.side)
		in := object{x: o.x + (o.side-n)/2, y: o.y + (o.side-n)/2, side: n}
		if b.Shape == image.Triangle { // the hole is lowest where it is widest
			in.y = o.y + o.side - wall(o.side) - n
		}
		return in, true
	}
	return object{}, false
}

// bounds returns the first and last pixel that an object of the group may cover
// along one axis. before is LeftOf or Above, and low the half on that side; their
// opposites follow them.
func (s *placing) bounds(g int, before, low image.Relation) (first, last int) {
	n := len(s.p.Groups)
	lo, hi := make([]int, n), make([]int, n)
	for i := range hi {
		hi[i] = image.Side - 1
	}
	for _, r := range s.p.Rules {
		switch r.Relation {
		case low:
			hi[r.A] = image.Side/2 - 1
		case low + 1:
			lo[r.A] = image.Side / 2
		}
	}
	for range n { // the bounds pass along the rules, one rule a time at least
		for _, r := range s.p.Rules {
			a, b := r.A, r.B
			switch r.Relation {
			case before:
			case before + 1:
				a, b = b, a
			default:
				continue
			}
			endA, startB := lo[a]+s.sides[a]-1, hi[b]-s.sides[b]+1
			for _, o := range s.done {
				at := o.x
				if before == image.Above {
					at = o.y
				}
				if o.group == a {
					endA = max(endA, at+o.side-1)
				}
				if o.group == b {
					startB = min(startB, at)
				}
			}
			lo[b], hi[a] = max(lo[b], endA+1), min(hi[a], startB-1)
		}
	}
	return lo[g], hi[g]
}

// free reports whether an object keeps away from those that are there, except from
// the one around it.
func (s *placing) free(o *object) bool {
	for i := range s.done {
		d := &s.done[i]
		if d.group == s.in[o.group] {
			continue
		}
		if o.x < d.x+d.side+gap && d.x < o.x+o.side+gap && o.y < d.y+d.side+gap && d.y < o.y+o.side+gap {
			return false
		}
	}
	return true
}
