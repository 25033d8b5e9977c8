package image

// Object is a region of a picture with what is told of it.
type Object struct {
	Color          Color
	Shape          Shape // of its outline, noShape for a blob
	Hollow         bool
	X0, Y0, X1, Y1 int // bounding box in pixels, ends included

	firstX int    // of the leftmost pixel in the first row
	hole   []bool // for a hollow object: pixels of the bounding box in a hole, row by row
}

// Side returns the longer side of the bounding box in pixels.
func (o *Object) Side() int { return max(o.X1-o.X0, o.Y1-o.Y0) + 1 }

// holds reports whether the pixel lies in a hole of the object.
func (o *Object) holds(x, y int) bool {
	if o.hole == nil || x < o.X0 || x > o.X1 || y < o.Y0 || y > o.Y1 {
		return false
	}
	return o.hole[(y-o.Y0)*(o.X1-o.X0+1)+x-o.X0]
}

// object tells what a region is.
func (e *eye) object(p *Picture, r *region) Object {
	o := Object{Color: r.color, X0: r.x0, Y0: r.y0, X1: r.x1, Y1: r.y1, firstX: r.first % p.Width}
	out := e.outlineOf(p, r)
	f := out.measure()
	o.Shape = f.shape()
	hole := f.area - r.area
	switch {
	case 8*hole >= f.area:
		o.Hollow = true
		o.hole = make([]bool, 0, (r.x1-r.x0+1)*(r.y1-r.y0+1))
		for y := 2; y < out.height-2; y++ {
			for _, c := range out.cells[y*out.width+2 : (y+1)*out.width-2] {
				o.hole = append(o.hole, c == cellInner)
			}
		}
	case 50*hole > f.area:
		o.Shape = noShape // neither solid nor hollow
	}
	return o
}

// figure holds the measures of an outline that do not change when it is moved or
// scaled, in Q16.
type figure struct {
	area      int
	compact   int64 // 16·area/perimeter²: 1 for a square, π/4 for a circle
	inertia   int64 // (μ20+μ02)/area², smallest for a circle: 1/2π
	lopsided  int64 // ((μ20-μ02)²+4μ11²)/(μ20+μ02)²: 0 for what has no long axis
	threefold int64 // ((μ30-3μ12)²+(3μ21-μ03)²)/area⁵, Hu's third: 0 for what a half turn leaves as it is
}

// measure counts pixels, edges and powers of the coordinates. With at most 256
// pixels a side no product below exceeds 2^62.
func (o *outline) measure() figure {
	var n, sx, sy, sxx, sxy, syy, sxxx, sxxy, sxyy, syyy, edges int64
	cx, cy := int64(o.width/2), int64(o.height/2) // near the centre, to keep sums small
	for y := 1; y < o.height-1; y++ {
		row := o.cells[y*o.width+1 : (y+1)*o.width-1]
		up := o.cells[(y-1)*o.width+1 : y*o.width-1]
		if y == 1 {
			up = row // nothing of the object; above it is only the frame's edge
		}
		// Sums along the row; y is the same for all of it.
		var m, mx, mxx int64
		before, u := uint8(cellOutside), 1-cx
		for x, c := range row {
			if (c == cellOutside) != (before == cellOutside) {
				edges++
			}
			if (c == cellOutside) != (up[x] == cellOutside) {
				edges++
			}
			before = c
			if c != cellOutside {
				m++
				mx += u
				mxx += u * u
				sxxx += u * u * u
			}
			u++
		}
		v := int64(y) - cy
		n, sx, sxx, sy, sxy = n+m, sx+mx, sxx+mxx, sy+m*v, sxy+mx*v
		syy, sxxy = syy+m*v*v, sxxy+mxx*v
		sxyy, syyy = sxyy+mx*v*v, syyy+m*v*v*v
	}
	f := figure{area: int(n)}
	if n == 0 {
		return f
	}
	f.compact = 16 * n << 16 / (edges * edges)
	// The second moments about the centre, times the area.
	a, b, c := n*sxx-sx*sx, n*sxy-sx*sy, n*syy-sy*sy
	f.inertia = ratio(a+c, n*n*n)
	l, m := ratio(a-c, a+c), ratio(2*b, a+c)
	f.lopsided = (l*l + m*m) >> 16
	x, y := sx<<8/n, sy<<8/n // the centre, Q8
	u30 := central(n, x, x, sx, sx, sxx, sxx, sxxx)
	u21 := central(n, x, y, sx, sy, sxx, sxy, sxxy)
	u12 := central(n, y, x, sy, sx, syy, sxy, sxyy)
	u03 := central(n, y, y, sy, sy, syy, syy, syyy)
	p, q := ratio(u30-3*u12, n*n), ratio(3*u21-u03, n*n)
	f.threefold = (p*p + q*q) >> 16 / n
	return f
}

// central returns Σ(a-x)²(b-z) over n pixels, given the centre x, z in Q8 and the
// sums of a, b, a², ab and a²b.
func central(n, x, z, a, b, aa, ab, aab int64) int64 {
	return aab - (2*x*ab+z*aa)>>8 + (x*x*b+2*x*z*a)>>16 - (n*x*x*z)>>24
}

// ratio returns a/b in Q16, saturated at ±2^23.
func ratio(a, b int64) int64 {
	if b == 0 {
		return 0
	}
	for a > 1<<46 || a < -1<<46 {
		a, b = a>>1, b>>1
	}
	if b == 0 {
		return 1 << 23
	}
	return max(min(a<<16/b, 1<<23), -1<<23)
}

// shape tells the shape of an upright outline. What a perfect one measures, from
// eight pixels a side on, lies well inside of the bounds; a rotated square, a bar or
// two objects grown together lie outside of all.
func (f *figure) shape() Shape {
	const symmetric, one = 26, 1 << 16 // 0.0004
	round := f.lopsided < one*3/100 && f.threefold < symmetric
	switch {
	case round && f.compact > one*90/100 && f.inertia > one*162/1000 && f.inertia < one*171/1000:
		return Square
	case round && f.compact > one*67/100 && f.compact < one*87/100 && f.inertia < one*162/1000:
		return Circle
	case round && f.compact > one*40/100 && f.compact < one*67/100 && f.inertia > one*172/1000 && f.inertia < one*230/1000:
		return Cross
	case f.threefold > one*3/1000 && f.lopsided < one*8/100 && f.compact > one*45/100 && f.compact < one*62/100:
		return Triangle
	}
	return noShape
}
