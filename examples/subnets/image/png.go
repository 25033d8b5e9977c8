package image

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
)

// Bounds of a picture that DecodePNG reads.
const (
	MaxFile = 64 << 10 // bytes of a file
	MaxSide = 256      // pixels of a side
)

// Errors of a picture.
var (
	ErrLong        = errors.New("image: picture is longer than 64 KiB")
	ErrPNG         = errors.New("image: not a PNG file, or a broken one")
	ErrSide        = errors.New("image: picture is wider or higher than 256 pixels")
	ErrUnsupported = errors.New("image: interlaced PNG, or one with a transparent colour outside of a palette")
)

// Picture is a picture of which only the palette's colours are left.
type Picture struct {
	Width, Height int
	Pixels        []Color // row by row from the upper left; may be none of the palette's
}

const signature = "\x89PNG\r\n\x1a\n"

// header is what a PNG says of its pixels.
type header struct {
	width, height, depth, kind int
}

// Kinds of pixels.
const (
	kindGrey      = 0
	kindRGB       = 2
	kindPalette   = 3
	kindGreyAlpha = 4
	kindRGBA      = 6
)

// channels returns the samples of a pixel, 0 for a kind or depth there is not.
func (h *header) channels() int {
	deep := h.depth == 8 || h.depth == 16
	low := h.depth == 1 || h.depth == 2 || h.depth == 4
	switch {
	case h.kind == kindGrey && (deep || low), h.kind == kindPalette && (low || h.depth == 8):
		return 1
	case h.kind == kindGreyAlpha && deep:
		return 2
	case h.kind == kindRGB && deep:
		return 3
	case h.kind == kindRGBA && deep:
		return 4
	}
	return 0
}

// DecodePNG reads a PNG file of at most MaxFile bytes and MaxSide pixels a side:
// any depth and kind, not interlaced. Transparency shows white. Checksums must be
// right; what a program could only guess at is an error.
func DecodePNG(b []byte) (*Picture, error) {
	if len(b) > MaxFile {
		return nil, ErrLong
	}
	if len(b) < len(signature) || string(b[:len(signature)]) != signature {
		return nil, ErrPNG
	}
	b = b[len(signature):]
	var h header
	var packed []byte
	var palette []Color
	var table, alpha []byte
	state := 0 // 1 after the header, 2 after a palette, 3 in the pixels, 4 behind them
	for {
		name, body, rest, ok := chunk(b)
		if !ok {
			return nil, ErrPNG
		}
		b = rest
		if state == 3 && name != "IDAT" {
			state = 4
		}
		switch {
		case state == 0 != (name == "IHDR"):
			return nil, ErrPNG
		case name == "IHDR":
			if err := h.read(body); err != nil {
				return nil, err
			}
			state = 1
		case name == "PLTE":
			if state != 1 || len(body) == 0 || len(body)%3 != 0 || len(body) > 3*256 || h.kind == kindGrey || h.kind == kindGreyAlpha {
				return nil, ErrPNG
			}
			table, state = body, 2
		case name == "tRNS":
			if h.kind != kindPalette {
				return nil, ErrUnsupported
			}
			if state != 2 || alpha != nil || len(body) > len(table)/3 {
				return nil, ErrPNG
			}
			alpha = body
		case name == "IDAT":
			if state == 4 || h.kind == kindPalette && table == nil {
				return nil, ErrPNG
			}
			packed = append(packed, body...)
			state = 3
		case name == "IEND":
			if state != 4 || len(body) != 0 || len(b) != 0 {
				return nil, ErrPNG
			}
			if h.kind == kindPalette {
				palette = colors(table, alpha)
			}
			return h.pixels(packed, palette)
		case name[0]&0x20 == 0: // a chunk that must be understood
			return nil, ErrPNG
		}
	}
}

// chunk splits off the first chunk and checks its checksum.
func chunk(b []byte) (name string, body, rest []byte, ok bool) {
	if len(b) < 12 {
		return "", nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-12) {
		return "", nil, nil, false
	}
	end := 8 + int(n)
	ok = crc32.ChecksumIEEE(b[4:end]) == binary.BigEndian.Uint32(b[end:])
	return string(b[4:8]), b[8:end], b[end+4:], ok
}

func (h *header) read(b []byte) error {
	if len(b) != 13 {
		return ErrPNG
	}
	w, v := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w == 0 || v == 0 || b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return ErrPNG
	}
	if w > MaxSide || v > MaxSide {
		return ErrSide
	}
	*h = header{int(w), int(v), int(b[8]), int(b[9])}
	if h.channels() == 0 {
		return ErrPNG
	}
	if b[12] == 1 {
		return ErrUnsupported
	}
	return nil
}

// colors returns the palette's entries as colours of ours.
func colors(table, alpha []byte) []Color {
	c := make([]Color, len(table)/3)
	for i := range c {
		a := byte(255)
		if i < len(alpha) {
			a = alpha[i]
		}
		c[i] = nearest(over(table[3*i], a), over(table[3*i+1], a), over(table[3*i+2], a))
	}
	return c
}

// over returns what shows of a sample over white.
func over(v, alpha byte) byte {
	return byte((int(v)*int(alpha) + 255*(255-int(alpha)) + 127) / 255)
}

// pixels unpacks the picture, at most 256·(256·8+1) bytes.
func (h *header) pixels(packed []byte, palette []Color) (*Picture, error) {
	n := h.channels()
	row := (h.width*n*h.depth + 7) / 8
	size := h.height * (row + 1)
	// Deflate packs at most 1032 bytes into one: a file too short for its pixels
	// is found before they are allocated.
	if len(packed) < 6 || size > len(packed)*1032 {
		return nil, ErrPNG
	}
	if packed[0]&15 != 8 || packed[0]>>4 > 7 || packed[1]&0x20 != 0 || binary.BigEndian.Uint16(packed)%31 != 0 {
		return nil, ErrPNG
	}
	raw, rest, ok := inflate(packed[2:], size)
	if !ok || len(rest) != 4 || adler32.Checksum(raw) != binary.BigEndian.Uint32(rest) {
		return nil, ErrPNG
	}
	p := &Picture{Width: h.width, Height: h.height, Pixels: make([]Color, h.width*h.height)}
	before := make([]byte, row)
	for y := range h.height {
		line := raw[y*(row+1) : (y+1)*(row+1)]
		if !unfilter(line[0], line[1:], before, max(n*h.depth/8, 1)) {
			return nil, ErrPNG
		}
		before = line[1:]
		if !h.row(p.Pixels[y*h.width:(y+1)*h.width], before, palette) {
			return nil, ErrPNG
		}
	}
	return p, nil
}

// unfilter undoes the filter of a row, given the row before and the distance of
// like samples.
func unfilter(filter byte, row, up []byte, step int) bool {
	switch filter {
	case 0:
	case 1:
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
	case 2:
		for i := range row {
			row[i] += up[i]
		}
	case 3:
		for i := range row {
			left := 0
			if i >= step {
				left = int(row[i-step])
			}
			row[i] += byte((left + int(up[i])) / 2)
		}
	case 4:
		for i := range row {
			if i < step {
				row[i] += up[i]
				continue
			}
			row[i] += paeth(row[i-step], up[i], up[i-step])
		}
	default:
		return false
	}
	return true
}

func paeth(a, b, c byte) byte {
	pa, pb := int(b)-int(c), int(a)-int(c)
	pc := max(pa+pb, -pa-pb)
	pa, pb = max(pa, -pa), max(pb, -pb)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

// row turns the samples of a row into colours. It reports false for a pixel beyond
// the palette.
func (h *header) row(out []Color, b []byte, palette []Color) bool {
	var last [4]byte // samples of the pixel before, which most pixels repeat
	var color Color
	known := false
	if h.kind == kindPalette {
		return indexed(out, b, h.depth, palette)
	}
	n, wide := h.channels(), h.depth/8
	for x := range out {
		var v [4]byte
		if h.depth < 8 {
			at := x * h.depth
			v[0] = b[at/8] >> (8 - h.depth - at%8) & (1<<h.depth - 1)
			v[0] *= 255 / (1<<h.depth - 1)
		} else {
			for i := range n {
				v[i] = b[(x*n+i)*wide]
			}
		}
		if !known || v != last {
			last, known = v, true
			switch h.kind {
			case kindGrey:
				color = nearest(v[0], v[0], v[0])
			case kindGreyAlpha:
				g := over(v[0], v[1])
				color = nearest(g, g, g)
			case kindRGB:
				color = nearest(v[0], v[1], v[2])
			default:
				color = nearest(over(v[0], v[3]), over(v[1], v[3]), over(v[2], v[3]))
			}
		}
		out[x] = color
	}
	return true
}

// indexed is row for pixels that name an entry of the palette.
func indexed(out []Color, b []byte, depth int, palette []Color) bool {
	var table [256]Color // so that no index needs to be compared but the greatest
	copy(table[:], palette)
	var top byte
	x := 0
	switch depth {
	case 8:
		for x < len(out) {
			v := b[x]
			top = max(top, v)
			out[x] = table[v]
			x++
		}
	case 4:
		for _, v := range b[:len(out)/2] {
			top = max(top, v>>4, v&15)
			two := out[x : x+2 : x+2]
			two[0], two[1] = table[v>>4], table[v&15]
			x += 2
		}
	}
	for ; x < len(out); x++ { // what the cases above left
		at := x * depth
		v := b[at/8] >> (8 - depth - at%8) & (1<<depth - 1)
		top = max(top, v)
		out[x] = table[v]
	}
	return int(top) < len(palette)
}
