package image

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// thing is an object as a test draws it, by coverage of each pixel and not by the
// code of package model.
type thing struct {
	Color  Color
	Shape  Shape
	Hollow bool
	x, y   int
	side   int
	turned bool // by an eighth
	smooth bool
}

func (s Shape) has(x, y float64) bool {
	u, v := max(2*x-1, 1-2*x), max(2*y-1, 1-2*y)
	switch s {
	case Circle:
		return u*u+v*v <= 1
	case Square:
		return u <= 1 && v <= 1
	case Triangle:
		return u <= y && y <= 1
	}
	return (u <= 1./3 || v <= 1./3) && u <= 1 && v <= 1
}

func (o thing) has(x, y float64) bool {
	if o.turned {
		x, y = 0.5+(x-0.5+y-0.5)*0.70710678, 0.5+(x-0.5-y+0.5)*0.70710678
	}
	if !o.Shape.has(x, y) {
		return false
	}
	low := 0.0
	if o.Shape == Triangle {
		low = 0.15 // the hole's middle lies lower
	}
	return !o.Hollow || !o.Shape.has((x-0.5)/0.6+0.5, (y-0.5-low)/0.6+0.5)
}

func scene(background Color, things ...thing) *Picture {
	p := &Picture{Width: Side, Height: Side, Pixels: make([]Color, Side*Side)}
	values := make([][3]uint8, Side*Side)
	for i := range values {
		values[i] = rgb[background]
	}
	for _, o := range things {
		for i := range values {
			if x, y := i%Side-o.x, i/Side-o.y; x < -9 || y < -9 || x > o.side+9 || y > o.side+9 {
				continue
			}
			covered := 0
			for k := range 16 {
				if o.has((float64(i%Side-o.x)+float64(k%4)/4+.125)/float64(o.side), (float64(i/Side-o.y)+float64(k/4)/4+.125)/float64(o.side)) {
					covered++
				}
			}
			if !o.smooth {
				covered = covered / 8 * 8
				covered += covered % 16
			}
			for c := range 3 {
				values[i][c] = uint8((int(values[i][c])*(16-covered) + int(rgb[o.Color][c])*covered) / 16)
			}
		}
	}
	for i, v := range values {
		p.Pixels[i] = nearest(v[0], v[1], v[2])
	}
	return p
}

// TestShapes: what is drawn is seen, for every size, place and edge.
func TestShapes(t *testing.T) {
	var e eye
	for s := range Shape(Shapes) {
		for side := 9; side <= 88; side += 1 + side/5 {
			for _, hollow := range []bool{false, true} {
				if hollow && (s == Cross || side < 16 || s == Triangle && side < 24) {
					continue
				}
				for c := range Color(Colors) {
					smooth := c%2 == 1
					ground := Color(White)
					if c == White {
						ground = Blue
					}
					o := thing{Color: c, Shape: s, Hollow: hollow, x: int(c), y: 7 - int(c), side: side, smooth: smooth}
					got, more := e.look(scene(ground, o), ground)
					if len(got) != 1 || more != 0 || got[0].Color != c || got[0].Shape != s || got[0].Hollow != hollow ||
						got[0].Side() > side+1 || got[0].Side() < side-2 {
						t.Errorf("%+v is seen as %v", o, got)
					}
				}
			}
		}
	}
}

// TestBlobs: what is none of the shapes is taken for none.
func TestBlobs(t *testing.T) {
	var e eye
	for name, p := range map[string]*Picture{
		"diamond":        scene(White, thing{Color: Red, Shape: Square, x: 40, y: 40, side: 40, turned: true}),
		"saltire":        scene(White, thing{Color: Red, Shape: Cross, x: 40, y: 40, side: 40, turned: true}),
		"two circles":    scene(White, thing{Color: Red, x: 30, y: 40, side: 30}, thing{Color: Red, x: 52, y: 40, side: 30}),
		"lone in bar":    scene(White, thing{Color: Red, Shape: Square, x: 30, y: 40, side: 30}, thing{Color: Red, Shape: Square, x: 50, y: 40, side: 30}),
		"bitten":         scene(White, thing{Color: Red, Shape: Square, x: 30, y: 40, side: 40}, thing{Color: White, x: 50, y: 50, side: 40}),
		"pin hole":       scene(White, thing{Color: Red, x: 30, y: 30, side: 60}, thing{Color: White, x: 50, y: 50, side: 14}),
		"circle on feet": scene(White, thing{Color: Red, x: 30, y: 30, side: 30}, thing{Color: Red, Shape: Square, x: 32, y: 50, side: 26}),
	} {
		got, _ := e.look(p, White)
		if len(got) != 1 || got[0].Shape != noShape {
			t.Errorf("%s is seen as %v", name, got)
		}
	}
}

func TestJudge(t *testing.T) {
	red := thing{Color: Red, Shape: Circle, x: 10, y: 10, side: 16}
	at := func(o thing, x, y int) thing { o.x, o.y = x, y; return o }
	sized := func(o thing, side int) thing { o.side = side; return o }
	blue := thing{Color: Blue, Shape: Square, x: 60, y: 60, side: 30}
	ring := thing{Color: Green, Shape: Square, Hollow: true, x: 50, y: 50, side: 60}
	for _, c := range []struct {
		prompt      string
		background  Color
		things      []thing
		held, whole int // of the weights, over their sum
	}{
		{"on white: one red circle", White, []thing{red}, 6, 6},
		{"on white: one red circle", White, nil, 1, 6},
		{"on white: one red circle", White, []thing{red, at(red, 50, 50)}, 3, 6},
		{"on white: two red circles", White, []thing{red, at(red, 50, 50)}, 6, 6},
		{"on white: two red circles", White, []thing{red}, 3, 6},
		{"on white: one red circle", White, []thing{red, blue}, 6, 7},
		{"on white: one red circle", White, []thing{blue}, 1, 7},
		{"on white: one red circle", White, []thing{{Color: Red, Shape: Square, x: 9, y: 9, side: 20}}, 2, 7},
		{"on white: one red circle", White, []thing{{Color: Blue, Shape: Circle, x: 9, y: 9, side: 20}}, 2, 7},
		{"on white: one red circle", White, []thing{{Color: Red, Hollow: true, x: 9, y: 9, side: 20}}, 2, 7},
		{"on white: one hollow red circle", White, []thing{{Color: Red, Hollow: true, x: 9, y: 9, side: 20}}, 6, 6},
		{"on black: one red circle", White, []thing{red}, 0, 6}, // it is no drawing on black
		{"on black: one red circle", Black, []thing{red}, 6, 6},
		{"on white: one small red circle", White, []thing{sized(red, 20)}, 6, 6},
		{"on white: one small red circle", White, []thing{sized(red, 21)}, 3, 7},
		{"on white: one large red circle", White, []thing{sized(red, 26)}, 6, 6},
		{"on white: one large red circle", White, []thing{sized(red, 25)}, 3, 7},
		{"on white: one red circle; the red circle in the left half", White, []thing{at(red, 48, 9)}, 8, 8},
		{"on white: one red circle; the red circle in the left half", White, []thing{at(red, 49, 9)}, 6, 8},
		{"on white: one red circle; the red circle in the right half", White, []thing{at(red, 64, 9)}, 8, 8},
		{"on white: one red circle; the red circle in the upper half", White, []thing{at(red, 64, 49)}, 6, 8},
		{"on white: one red circle; the red circle in the lower half", White, []thing{at(red, 64, 64)}, 8, 8},
		{"on white: one red circle; the red circle in the lower half", White, nil, 1, 8},
		{"on white: one red circle, one blue square; the red circle left of the blue square", White, []thing{at(red, 44, 70), blue}, 13, 13},
		{"on white: one red circle, one blue square; the red circle left of the blue square", White, []thing{at(red, 45, 20), blue}, 11, 13},
		{"on white: two red circles, one blue square; the red circles above the blue square", White, []thing{at(red, 44, 40), red, blue}, 13, 13},
		{"on white: two red circles, one blue square; the red circles above the blue square", White, []thing{at(red, 20, 70), red, blue}, 11, 13},
		{"on white: one red circle, one blue square; the blue square below the red circle", White, []thing{red, blue}, 13, 13},
		{"on white: one red circle, one blue square; the blue square right of the red circle", White, []thing{red, blue}, 13, 13},
		{"on white: one red circle, one blue square; the blue square larger than the red circle", White, []thing{sized(red, 24), blue}, 13, 13},
		{"on white: one red circle, one blue square; the blue square larger than the red circle", White, []thing{sized(red, 25), blue}, 11, 13},
		{"on white: one red circle, one hollow green square; the red circle inside the hollow green square", White, []thing{ring, at(red, 70, 70)}, 13, 13},
		{"on white: one red circle, one hollow green square; the red circle inside the hollow green square", White, []thing{ring, red}, 11, 13},
	} {
		prompt, err := ParsePrompt(c.prompt)
		if err != nil {
			t.Fatal(err)
		}
		var e eye
		got := e.judge(scene(c.background, c.things...), prompt)
		want := uint64(c.held) * (abi.One / 2) / uint64(c.whole)
		if c.held == c.whole {
			want = abi.One
		}
		if got != want {
			t.Errorf("%s: %v scores %.3f, want %d/%d", c.prompt, c.things, float64(got)/float64(abi.One/2), c.held, c.whole)
		}
	}
}

// TestCrowded: a picture of very many objects costs a bounded amount of work and is
// worth little.
func TestCrowded(t *testing.T) {
	p := scene(White)
	for i := range p.Pixels {
		if x, y := i%Side%8, i/Side%8; x < 4 && y < 4 {
			p.Pixels[i] = Color(1 + (i%Side/8+i/Side/8)%7)
		}
	}
	var e eye
	objects, more := e.look(p, White)
	if len(objects) != maxObjects || more < 100 {
		t.Errorf("%d objects and %d more", len(objects), more)
	}
}

// TestDifficulty: the weight of a prompt follows how well it was drawn, whatever
// the order of the answers, and an answer sent twice counts once.
func TestDifficulty(t *testing.T) {
	easy, _ := ParsePrompt("on white: one red circle")
	hard, _ := ParsePrompt("on white: one blue square")
	public := AppendTask(nil, []*Prompt{easy, hard})
	circle := EncodePNG(scene(White, thing{Color: Red, x: 10, y: 10, side: 16}))
	square := EncodePNG(scene(White, thing{Color: Blue, Shape: Square, x: 10, y: 10, side: 16}))
	both := AppendAnswer(nil, [][]byte{circle, square})
	one := AppendAnswer(nil, [][]byte{circle, nil})
	other := AppendAnswer(nil, [][]byte{nil, square})
	for _, c := range []struct {
		payloads [][]byte
		want     []uint64 // Q32.32, times 840
	}{
		{[][]byte{both}, []uint64{840}},
		{[][]byte{one}, []uint64{840 / 5}},        // weights 1 and 4
		{[][]byte{both, one}, []uint64{840, 240}}, // 2 and 5
		{[][]byte{one, both, one}, []uint64{240, 840, 240}},
		{[][]byte{one, other}, []uint64{420, 420}}, // 5 and 5
		{[][]byte{both, one, other}, []uint64{840, 420, 420}},
		{[][]byte{one, nil, []byte("rubbish")}, []uint64{168, 0, 0}},
		{nil, nil},
	} {
		got, err := Score(&abi.ScoreRequest{Public: public, Payloads: c.payloads})
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range c.want {
			if exact := w * abi.One / 840; got[i]+abi.One/10000 < exact || got[i] > exact+abi.One/10000 {
				t.Errorf("%d answers: the one at %d scores %d/840", len(got), i, got[i]*840/abi.One)
			}
		}
	}
}
