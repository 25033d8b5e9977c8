package image

import "strings"

// Shape is a form that an object can have.
type Shape uint8

// The shapes. The last is what is none of them.
const (
	Circle Shape = iota
	Square
	Triangle
	Cross

	Shapes  = 4 // how many there are
	noShape = Shapes
)

var (
	shapeNames   = [Shapes + 1]string{"circle", "square", "triangle", "cross", "blob"}
	shapePlurals = [Shapes + 1]string{"circles", "squares", "triangles", "crosses", "blobs"}
)

// String returns the shape's name.
func (s Shape) String() string { return shapeNames[min(s, noShape)] }

// Size is what a prompt says of an object's longer side.
type Size uint8

// The sizes, in pixels of the longer side of an object's bounding box.
const (
	AnySize Size = iota
	Small        // at most SmallSide
	Large        // at least LargeSide

	SmallSide = 20
	LargeSide = 26
)

var sizeNames = [...]string{"", "small", "large"}

// Group is a number of like objects.
type Group struct {
	Count  int // 1 to MaxCount
	Size   Size
	Hollow bool // never of a cross
	Color  Color
	Shape  Shape
}

// Relation is what a rule says of where a group is.
type Relation uint8

// The relations. Those before Inside hold when each object of the one group lies
// beyond the bounding box of each object of the other; a half holds each object
// entirely.
const (
	LeftOf Relation = iota
	RightOf
	Above
	Below
	Inside     // in the hole of the other group's one object
	LargerThan // the longer side exceeds the other's by LargerBy pixels or more
	LeftHalf
	RightHalf
	UpperHalf
	LowerHalf

	relations = 10
	LargerBy  = 6
)

var relationNames = [relations]string{"left of", "right of", "above", "below", "inside", "larger than",
	"in the left half", "in the right half", "in the upper half", "in the lower half"}

// Single reports whether the relation is of one group alone.
func (r Relation) Single() bool { return r >= LeftHalf }

// Rule says where the objects of group A are, with respect to those of group B
// unless the relation is Single.
type Rule struct {
	A, B int // indices of groups
	Relation
}

// Bounds of a prompt.
const (
	MaxGroups = 6
	MaxRules  = 12
	MaxCount  = 6
	MaxPrompt = 800 // bytes of its text
)

// Prompt is what to draw. No two groups have the same colour, shape and
// hollowness, so that a rule names its group without doubt.
type Prompt struct {
	Background Color
	Groups     []Group
	Rules      []Rule
}

var numbers = [MaxCount + 1]string{"no", "one", "two", "three", "four", "five", "six"}

// String returns the prompt's one text, which ParsePrompt reads:
//
//	on white: two small red circles, one hollow blue square; the red circles
//	left of the hollow blue square; the red circles in the upper half
func (p *Prompt) String() string {
	var b strings.Builder
	b.WriteString("on " + p.Background.String() + ": ")
	for i, g := range p.Groups {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(numbers[g.Count] + " ")
		if g.Size != AnySize {
			b.WriteString(sizeNames[g.Size] + " ")
		}
		b.WriteString(g.noun())
	}
	for _, r := range p.Rules {
		b.WriteString("; the " + p.Groups[r.A].noun() + " " + relationNames[r.Relation])
		if !r.Single() {
			b.WriteString(" the " + p.Groups[r.B].noun())
		}
	}
	return b.String()
}

// noun names the group's objects.
func (g *Group) noun() string {
	s := g.Color.String() + " "
	if g.Hollow {
		s = "hollow " + s
	}
	if g.Count > 1 {
		return s + shapePlurals[g.Shape]
	}
	return s + shapeNames[g.Shape]
}

// same reports whether a rule could not tell the two groups apart.
func (g *Group) same(h *Group) bool {
	return g.Color == h.Color && g.Shape == h.Shape && g.Hollow == h.Hollow
}
