package model

import "github.com/plexus-network/plexus/examples/subnets/image"

// object is a thing to draw: its upper left corner and the side of its box.
type object struct {
	group      int
	x, y, side int
}

// blank returns a picture that is all background.
func blank(background image.Color) *image.Picture {
	p := &image.Picture{Width: image.Side, Height: image.Side, Pixels: make([]image.Color, image.Side*image.Side)}
	for i := range p.Pixels {
		p.Pixels[i] = background
	}
	return p
}

// draw draws the object over what is there. What is beyond the edge is lost.
func (o *object) draw(p *image.Picture, g *image.Group) {
	for y := range o.side {
		for x := range o.side {
			if !covers(g, x, y, o.side) {
				continue
			}
			if u, v := o.x+x, o.y+y; u >= 0 && v >= 0 && u < p.Width && v < p.Height {
				p.Pixels[v*p.Width+u] = g.Color
			}
		}
	}
}

// wall returns the thickness of a hollow object's rim.
func wall(side int) int { return max(3, side/8) }

// covers reports whether a group's object of that side has the pixel.
func covers(g *image.Group, x, y, side int) bool {
	// Twice the distance from the middle, so that both even and odd sides have one.
	u, v, t := 2*x-side+1, 2*y-side+1, 2*wall(side)
	switch g.Shape {
	case image.Circle:
		d := u*u + v*v
		return d <= side*side && !(g.Hollow && d <= (side-t)*(side-t))
	case image.Square:
		return !(g.Hollow && max(u, -u, v, -v) < side-t)
	case image.Triangle:
		d := y - max(u, -u)
		return d >= 0 && !(g.Hollow && d > t*9/8 && y < side-t/2)
	default:
		arm := side / 3
		return max(u, -u) <= arm || max(v, -v) <= arm
	}
}
