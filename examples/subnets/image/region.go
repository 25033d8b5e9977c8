package image

import (
	"cmp"
	"slices"
)

const (
	minArea = 16 // pixels of the smallest region that is an object; less is a speck

	// maxRegions is how many regions of any size a picture may have. One with more is
	// noise, and one that is for less than half background is no drawing: there are
	// no objects in either, and as many as this too many.
	maxRegions = 1024

	// maxObjects is how many regions of a picture are looked at, the largest first,
	// and maxLooked how many pixels their bounding boxes may have together. Both
	// bound the work that a picture can ask for; what is beyond is an object too
	// many.
	maxObjects = 24
	maxLooked  = 2 * Side * Side
)

// region is a set of pixels of one colour that hang together along their sides.
type region struct {
	color          Color
	first          int // its first pixel, row by row
	area           int
	x0, y0, x1, y1 int // bounding box, ends included
}

// eye finds the objects of a picture. Its buffers serve one picture after another.
type eye struct {
	labels  []uint16 // number of the region of each pixel, from 1; 0 for none
	stack   []int
	regions []region
	cells   []uint8 // of an outline
}

// look finds the objects of a picture on a background, the larger first, and how many
// more regions there are. Specks and pixels without a colour are neither.
func (e *eye) look(p *Picture, background Color) (objects []Object, more int) {
	if len(e.labels) != len(p.Pixels) {
		e.labels = make([]uint16, len(p.Pixels))
	}
	clear(e.labels)
	e.regions = e.regions[:0]
	ground := 0
	for _, c := range p.Pixels {
		if c == background {
			ground++
		}
	}
	if 2*ground < len(p.Pixels) {
		return nil, maxRegions
	}
	label := uint16(0)
	for i, c := range p.Pixels {
		if c == background || e.labels[i] != 0 || c >= Colors {
			continue
		}
		if label++; label > maxRegions {
			return nil, maxRegions
		}
		r := region{color: c, first: i, x0: p.Width, y0: p.Height}
		if e.fill(p, &r, label); r.area >= minArea {
			e.regions = append(e.regions, r)
		}
	}
	slices.SortFunc(e.regions, func(a, b region) int {
		return cmp.Or(b.area-a.area, a.first-b.first)
	})
	looked := 0
	for i := range e.regions {
		r := &e.regions[i]
		looked += (r.x1 - r.x0 + 1) * (r.y1 - r.y0 + 1)
		if len(objects) == maxObjects || looked > maxLooked {
			return objects, len(e.regions) - i
		}
		objects = append(objects, e.object(p, r))
	}
	return objects, 0
}

// fill labels the region of its first pixel and measures it, one horizontal run
// after another.
func (e *eye) fill(p *Picture, r *region, label uint16) {
	w, pixels, labels, c := p.Width, p.Pixels, e.labels, r.color
	stack := append(e.stack[:0], r.first)
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if labels[i] != 0 {
			continue // another run has come here meanwhile
		}
		y := int(uint(i) / uint(w))
		start, end := y*w, y*w+w
		from := i
		for from > start && pixels[from-1] == c {
			from--
		}
		to := i + 1
		for to < end && pixels[to] == c {
			to++
		}
		for k := from; k < to; k++ {
			labels[k] = label
		}
		r.area += to - from
		r.x0, r.x1 = min(r.x0, from-start), max(r.x1, to-1-start)
		r.y0, r.y1 = min(r.y0, y), max(r.y1, y)
		if y > 0 {
			stack = starts(stack, from-w, pixels[from-w:to-w], labels[from-w:to-w], c)
		}
		if y < p.Height-1 {
			stack = starts(stack, from+w, pixels[from+w:to+w], labels[from+w:to+w], c)
		}
	}
	e.stack = stack
}

// starts appends where runs of the colour begin that have no label.
func starts(stack []int, at int, pixels []Color, labels []uint16, c Color) []int {
	labels = labels[:len(pixels)]
	in := false
	for k, v := range pixels {
		free := v == c && labels[k] == 0
		if free && !in {
			stack = append(stack, at+k)
		}
		in = free
	}
	return stack
}

// States of an outline's cell.
const (
	cellInner   = iota // not reached: in a hole, when the outline is done
	cellOwn            // the region's own, or the frame's edge
	cellOutside        // reached from without
)

// outline is a region with its holes, in a frame two cells wider than its bounding
// box on each side, the outermost of which is there only to end each run.
type outline struct {
	width, height int
	cells         []uint8
}

// outlineOf marks what of the region's frame can be reached from without, also
// across corners, one horizontal run after another. It is good until the next one.
func (e *eye) outlineOf(p *Picture, r *region) outline {
	o := outline{width: r.x1 - r.x0 + 5, height: r.y1 - r.y0 + 5}
	n := o.width * o.height
	if cap(e.cells) < n {
		e.cells = make([]uint8, n)
	}
	cells := e.cells[:n]
	o.cells = cells
	clear(cells)
	w := o.width
	for k := range w {
		cells[k], cells[n-1-k] = cellOwn, cellOwn
	}
	for k := 0; k < n; k += w {
		cells[k], cells[k+w-1] = cellOwn, cellOwn
	}
	label := e.labels[r.first]
	for y := r.y0; y <= r.y1; y++ {
		row := e.labels[y*p.Width+r.x0 : y*p.Width+r.x1+1]
		to := cells[(y-r.y0+2)*w+2:]
		for x, l := range row {
			if l == label {
				to[x] = cellOwn
			}
		}
	}
	stack := append(e.stack[:0], w+1)
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if cells[i] != cellInner {
			continue
		}
		from, to := i, i+1
		for cells[from-1] == cellInner {
			from--
		}
		for cells[to] == cellInner {
			to++
		}
		for k := from; k < to; k++ {
			cells[k] = cellOutside
		}
		for _, other := range [2]int{-w, w} {
			in := false
			for k := from + other - 1; k <= to+other; k++ { // corners too
				free := cells[k] == cellInner
				if free && !in {
					stack = append(stack, k)
				}
				in = free
			}
		}
	}
	e.stack = stack
	return o
}
