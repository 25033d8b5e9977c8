package image

// Color is a colour of the palette.
type Color uint8

// The palette. White comes first, as it is what transparent pixels show.
const (
	White Color = iota
	Black
	Red
	Green
	Blue
	Yellow
	Orange
	Purple

	Colors    = 8      // how many there are
	noColor   = Colors // a pixel too far from all of them
	tolerance = 100    // largest distance in RGB at which a pixel still counts
)

var colorNames = [Colors]string{"white", "black", "red", "green", "blue", "yellow", "orange", "purple"}

// rgb is chosen so that the mixtures on a smooth edge between an object and the
// background come near one of the two or near none, seldom near a third.
var rgb = [Colors][3]uint8{
	{255, 255, 255}, {0, 0, 0}, {255, 0, 0}, {0, 160, 0}, {0, 0, 255}, {255, 255, 0}, {255, 140, 0}, {150, 0, 200},
}

// String returns the colour's name.
func (c Color) String() string {
	if c < Colors {
		return colorNames[c]
	}
	return "none"
}

// RGB returns the colour's value.
func (c Color) RGB() (r, g, b uint8) { return rgb[c][0], rgb[c][1], rgb[c][2] }

// nearest returns the palette's colour next to r, g, b, the first of equally near
// ones, or noColor when all are further than tolerance.
func nearest(r, g, b uint8) Color {
	best, least := Color(noColor), tolerance*tolerance+1
	for i := range rgb {
		x, y, z := int(r)-int(rgb[i][0]), int(g)-int(rgb[i][1]), int(b)-int(rgb[i][2])
		if d := x*x + y*y + z*z; d < least {
			best, least = Color(i), d
		}
	}
	return best
}
