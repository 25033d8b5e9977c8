package image

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
)

// EncodePNG returns a picture as a PNG file of four bits a pixel. Each row is
// stored as its difference from the one above, of which runs are packed: a drawing
// of a few objects takes some hundred bytes. A colour beyond the palette is written
// as white.
func EncodePNG(p *Picture) []byte {
	b := []byte(signature)
	head := binary.BigEndian.AppendUint32(nil, uint32(p.Width))
	head = binary.BigEndian.AppendUint32(head, uint32(p.Height))
	b = appendChunk(b, "IHDR", append(head, 4, kindPalette, 0, 0, 0))
	var table []byte
	for _, c := range rgb {
		table = append(table, c[:]...)
	}
	b = appendChunk(b, "PLTE", table)
	row := (p.Width + 1) / 2
	raw := make([]byte, 0, p.Height*(row+1))
	before, line := make([]byte, row), make([]byte, row)
	for y := range p.Height {
		clear(line)
		for x, c := range p.Pixels[y*p.Width : (y+1)*p.Width] {
			line[x/2] |= byte(c%Colors) << (4 - x%2*4)
		}
		raw = append(raw, 2)
		for i := range line {
			raw = append(raw, line[i]-before[i])
		}
		before, line = line, before
	}
	b = appendChunk(b, "IDAT", deflate(raw))
	return appendChunk(b, "IEND", nil)
}

func appendChunk(b []byte, name string, body []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	at := len(b)
	b = append(append(b, name...), body...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[at:]))
}

// deflate packs raw into a zlib stream of one block with the fixed codes, in which
// a repeated byte is a match with the byte before.
func deflate(raw []byte) []byte {
	w := &bitWriter{b: []byte{0x78, 0x01}}
	w.low(1, 1)
	w.low(1, 2)
	for i := 0; i < len(raw); {
		n := 0
		if i > 0 {
			for n < 258 && i+n < len(raw) && raw[i+n] == raw[i-1] {
				n++
			}
		}
		if n < 4 {
			w.literal(uint(raw[i]))
			i++
			continue
		}
		k := len(lengthBase) - 1
		for int(lengthBase[k]) > n {
			k--
		}
		w.literal(uint(257 + k))
		w.low(uint(n)-uint(lengthBase[k]), uint(lengthExtra[k]))
		w.low(0, 5) // distance 1
		i += n
	}
	w.literal(256)
	w.low(0, 7)
	return binary.BigEndian.AppendUint32(w.b, adler32.Checksum(raw))
}

// bitWriter appends bits, the first lowest.
type bitWriter struct {
	b    []byte
	bits uint32
	n    uint
}

// low appends the lowest n bits of v.
func (w *bitWriter) low(v, n uint) {
	w.bits |= uint32(v) << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.b = append(w.b, byte(w.bits))
		w.bits >>= 8
	}
}

// literal appends a symbol by the fixed code, whose highest bit comes first.
func (w *bitWriter) literal(s uint) {
	code, n := uint(0), uint(8)
	switch {
	case s < 144:
		code = 0x30 + s
	case s < 256:
		code, n = 0x190+s-144, 9
	case s < 280:
		code, n = s-256, 7
	default:
		code = 0xc0 + s - 280
	}
	for i := n; i > 0; i-- {
		w.low(code>>(i-1)&1, 1)
	}
}
