package image

import sdk "github.com/plexus-network/plexus/sdk-wasm/go"

// Prompts is how many prompts a task has, one of each level.
const Prompts = 4

// Side is the width and the height of every picture, in pixels.
const Side = 128

// drawPrompt draws the prompt of a level, 1 to Prompts:
//
//	1  one object
//	2  two to four alike
//	3  two kinds and where they are to each other
//	4  three or four kinds that share colours and shapes, and up to six rules
//
// The groups of a prompt get cells of a grid of which no two share a row or a
// column, and only rules are drawn that hold there and fit there, so that each
// prompt can be satisfied.
func drawPrompt(r *sdk.Rand, level int) *Prompt {
	d := &drawing{Rand: r, p: &Prompt{}}
	d.colors = []Color{White, Black, Red, Green, Blue, Yellow, Orange, Purple}
	if level > 1 && r.Intn(2) == 0 {
		d.p.Background = Color(r.Intn(2)) * Yellow // white or yellow
	}
	d.colors = append(d.colors[:d.p.Background], d.colors[d.p.Background+1:]...)
	r.Shuffle(len(d.colors), func(i, j int) { d.colors[i], d.colors[j] = d.colors[j], d.colors[i] })
	switch level {
	case 1:
		d.group(1, 0, Shape(r.Intn(Shapes)), 2)
		d.grid(2, r.Intn(2))
	case 2:
		d.group(2+r.Intn(3), 0, Shape(r.Intn(Shapes)), 4)
		d.grid(2, r.Intn(2))
	case 3:
		a := r.Intn(Shapes)
		d.group(1+r.Intn(2), 0, Shape(a), 4)
		d.group(1+r.Intn(2), 1, Shape((a+1+r.Intn(Shapes-1))%Shapes), 4)
		d.grid(2, 2)
	default:
		d.crowd()
	}
	return d.p
}

// drawing is a prompt while it is drawn.
type drawing struct {
	*sdk.Rand
	p      *Prompt
	colors []Color // in random order, without the background's
}

// group adds n objects of the i-th colour. One in hollow is hollow, and none is
// for hollow 0.
func (d *drawing) group(n, i int, s Shape, hollow int) {
	g := Group{Count: n, Color: d.colors[i], Shape: s, Hollow: hollow > 0 && s != Cross && d.Intn(max(hollow, 1)) == 0}
	switch d.Intn(4) {
	case 0:
		g.Size = Small
	case 1:
		if n == 1 { // two large ones may not fit into a cell
			g.Size = Large
		}
	}
	d.p.Groups = append(d.p.Groups, g)
}

// crowd draws level 4. The three kinds are a shape in two colours and one of the
// colours in two shapes, so that who mixes up what belongs to what fails.
func (d *drawing) crowd() {
	a := d.Intn(Shapes)
	s, t := Shape(a), Shape((a+1+d.Intn(Shapes-1))%Shapes)
	d.group(1+d.Intn(3), 0, s, 0)
	d.group(1+d.Intn(3), 1, s, 0)
	d.group(1+d.Intn(2), 0, t, 0)
	// The groups of the grid are the first three; what is inside of one, or larger,
	// has no cell of its own or is alone in it.
	d.grid(3, 3+d.Intn(2))
	if d.Intn(2) == 0 {
		box := Group{Count: 1, Hollow: true, Color: d.colors[2], Shape: Shape(d.Intn(2))}
		d.p.Groups[1] = Group{Count: 1, Size: Small, Color: d.colors[1], Shape: s}
		// The box takes the cell of what is inside of it, and stands in no rule of
		// its own but this.
		d.p.Groups = append(d.p.Groups, box)
		d.p.Rules = append(d.p.Rules, Rule{A: 1, B: 3, Relation: Inside})
	} else if g := &d.p.Groups[1]; g.Size != Small && d.p.Groups[0].Size != Large {
		g.Count = 1
		d.p.Rules = append(d.p.Rules, Rule{A: 1, B: 0, Relation: LargerThan})
	}
}

// grid gives the groups random cells of a grid of n rows and columns, and adds
// count different rules that hold there.
func (d *drawing) grid(n, count int) {
	x, y := d.order(n), d.order(n)
	var all []Rule
	for i := range d.p.Groups {
		for j := range d.p.Groups {
			if i == j {
				continue
			}
			if x[i] < x[j] {
				all = append(all, Rule{i, j, LeftOf})
			} else {
				all = append(all, Rule{i, j, RightOf})
			}
			if y[i] < y[j] {
				all = append(all, Rule{i, j, Above})
			} else {
				all = append(all, Rule{i, j, Below})
			}
		}
		for k, at := range [2]int{x[i], y[i]} {
			low, high := LeftHalf, RightHalf
			if k == 1 {
				low, high = UpperHalf, LowerHalf
			}
			if at == 0 {
				all = append(all, Rule{A: i, Relation: low})
			} else if at == n-1 {
				all = append(all, Rule{A: i, Relation: high})
			}
		}
	}
	d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, r := range all {
		if count == 0 {
			return
		}
		if !d.known(r) {
			d.p.Rules = append(d.p.Rules, r)
			count--
		}
	}
}

// known reports whether a rule, seen from the other group, stands there already.
func (d *drawing) known(r Rule) bool {
	for _, o := range d.p.Rules {
		if o.A == r.B && o.B == r.A && !o.Single() && !r.Single() && o.Relation/2 == r.Relation/2 {
			return true
		}
	}
	return false
}

// order returns the numbers below n in random order.
func (d *drawing) order(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	d.Shuffle(n, func(i, j int) { v[i], v[j] = v[j], v[i] })
	return v
}
