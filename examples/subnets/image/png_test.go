package image

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	stdimage "image"
	stdcolor "image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"
)

// shown is what the standard library's decoder says that a file shows, in our
// colours.
func shown(t *testing.T, file []byte) (*Picture, error) {
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	r := m.Bounds()
	p := &Picture{Width: r.Dx(), Height: r.Dy()}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			c := stdcolor.NRGBA64Model.Convert(m.At(x, y)).(stdcolor.NRGBA64)
			if n, ok := m.(*stdimage.NRGBA); ok { // converting would round its values
				v := n.NRGBAAt(x, y)
				c = stdcolor.NRGBA64{R: uint16(v.R) << 8, G: uint16(v.G) << 8, B: uint16(v.B) << 8, A: uint16(v.A) << 8}
			}
			if n, ok := m.(*stdimage.Paletted); ok {
				v := stdcolor.NRGBAModel.Convert(n.Palette[n.ColorIndexAt(x, y)]).(stdcolor.NRGBA)
				if w, ok := n.Palette[n.ColorIndexAt(x, y)].(stdcolor.NRGBA); ok {
					v = w
				}
				c = stdcolor.NRGBA64{R: uint16(v.R) << 8, G: uint16(v.G) << 8, B: uint16(v.B) << 8, A: uint16(v.A) << 8}
			}
			a := byte(c.A >> 8)
			p.Pixels = append(p.Pixels, nearest(over(byte(c.R>>8), a), over(byte(c.G>>8), a), over(byte(c.B>>8), a)))
		}
	}
	return p, nil
}

func encode(t testing.TB, m stdimage.Image, level png.CompressionLevel) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: level}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// kinds are pictures of every kind and depth that the standard library writes, of
// random blocks so that filters and matches have something to do.
func kinds(r *rand.Rand) map[string]stdimage.Image {
	box := stdimage.Rect(0, 0, 1+r.IntN(40), 1+r.IntN(40))
	all := map[string]stdimage.Image{}
	paint := func(name string, m interface {
		stdimage.Image
		Set(x, y int, c stdcolor.Color)
	}, opaque bool) {
		var c stdcolor.NRGBA64
		for y := range box.Dy() {
			for x := range box.Dx() {
				if r.IntN(5) == 0 {
					c = stdcolor.NRGBA64{R: uint16(r.Uint32()), G: uint16(r.Uint32()), B: uint16(r.Uint32()), A: uint16(r.Uint32())}
				}
				if opaque {
					c.A = 0xffff
				}
				m.Set(x, y, c)
			}
		}
		all[name] = m
	}
	paint("grey", stdimage.NewGray(box), true)
	paint("grey16", stdimage.NewGray16(box), true)
	paint("rgba", stdimage.NewNRGBA(box), false)
	paint("rgb", stdimage.NewNRGBA(box), true)
	paint("rgba16", stdimage.NewNRGBA64(box), false)
	paint("rgb16", stdimage.NewNRGBA64(box), true)
	for _, n := range []int{2, 4, 16, 256} {
		var p stdcolor.Palette
		for range n {
			p = append(p, stdcolor.NRGBA{R: byte(r.Uint32()), G: byte(r.Uint32()), B: byte(r.Uint32()), A: []byte{255, 128}[r.IntN(2)]})
		}
		paint("palette"+string(rune('0'+n%10)), stdimage.NewPaletted(box, p), true)
	}
	return all
}

func TestDecodePNG(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		for name, m := range kinds(r) {
			for _, level := range []png.CompressionLevel{png.DefaultCompression, png.NoCompression, png.BestSpeed, png.BestCompression} {
				file := encode(t, m, level)
				got, err := DecodePNG(file)
				if err != nil {
					t.Errorf("%s %v: %v", name, level, err)
					continue
				}
				want, err := shown(t, file)
				if err != nil {
					t.Fatal(err)
				}
				if got.Width != want.Width || got.Height != want.Height || !slices.Equal(got.Pixels, want.Pixels) {
					t.Errorf("%s %v: another picture than the standard library's", name, level)
				}
			}
		}
	}
}

// What our encoder writes, ours and the standard library's decoder read.
func TestEncodePNG(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, side := range []int{1, 2, 3, 17, 128, 256} {
		p := &Picture{Width: side, Height: max(1, side-1)}
		c := White
		for range p.Width * p.Height {
			if r.IntN(7) == 0 {
				c = Color(r.IntN(Colors))
			}
			p.Pixels = append(p.Pixels, c)
		}
		file := EncodePNG(p)
		for name, decode := range map[string]func([]byte) (*Picture, error){
			"ours": DecodePNG, "standard": func(b []byte) (*Picture, error) { return shown(t, b) },
		} {
			got, err := decode(file)
			if err != nil || got.Width != p.Width || !slices.Equal(got.Pixels, p.Pixels) {
				t.Errorf("side %d, %s: %v", side, name, err)
			}
		}
	}
}

// Whatever is cut off or changed in a file is found, by its checksums at the
// latest.
func TestDamagedPNG(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for name, m := range kinds(r) {
		file := encode(t, m, png.DefaultCompression)
		for i := range file {
			if _, err := DecodePNG(file[:i]); err == nil {
				t.Errorf("%s: cut at %d", name, i)
			}
			bad := bytes.Clone(file)
			bad[i] ^= 1 << r.IntN(8)
			if _, err := DecodePNG(bad); err == nil {
				t.Errorf("%s: byte %d changed", name, i)
			}
		}
		if _, err := DecodePNG(append(file, 0)); err == nil {
			t.Errorf("%s: a byte too many", name)
		}
	}
	if _, err := DecodePNG(make([]byte, MaxFile+1)); err != ErrLong {
		t.Error(err)
	}
	wide := encode(t, stdimage.NewGray(stdimage.Rect(0, 0, MaxSide+1, 1)), png.DefaultCompression)
	if _, err := DecodePNG(wide); err != ErrSide {
		t.Error(err)
	}
}

// FuzzDecodePNG: what ours reads, the standard library reads as the same picture.
// The checksums are set right, so that the fuzzer gets behind them.
func FuzzDecodePNG(f *testing.F) {
	for _, m := range kinds(rand.New(rand.NewPCG(7, 8))) {
		f.Add(encode(f, m, png.DefaultCompression))
	}
	f.Add(EncodePNG(&Picture{Width: 3, Height: 3, Pixels: make([]Color, 9)}))
	f.Fuzz(func(t *testing.T, file []byte) {
		file = repaired(file)
		got, err := DecodePNG(file)
		if err != nil {
			if got != nil {
				t.Fatal("a picture and an error")
			}
			return
		}
		if len(got.Pixels) != got.Width*got.Height || got.Width > MaxSide || got.Height > MaxSide {
			t.Fatal("bounds")
		}
		want, err := shown(t, file)
		if err != nil {
			t.Fatalf("the standard library: %v", err)
		}
		if !slices.Equal(got.Pixels, want.Pixels) {
			t.Fatal("another picture than the standard library's")
		}
	})
}

// FuzzInflate: bounds, and no more than asked for.
func FuzzInflate(f *testing.F) {
	f.Add([]byte{3, 0}, 0)
	f.Add(deflate([]byte("aaaaaaaaaaaaaaaabbbbbb"))[2:], 22)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		n = int(uint(n) % 100_000)
		out, rest, ok := inflate(b, n)
		if ok && (len(out) != n || len(rest) > len(b)) {
			t.Fatal("bounds")
		}
	})
}

// repaired sets the checksums of a file's chunks right as far as they go.
func repaired(file []byte) []byte {
	file = bytes.Clone(file)
	for at := len(signature); at+12 <= len(file); {
		n := int(binary.BigEndian.Uint32(file[at:]))
		if n < 0 || n > len(file)-at-12 {
			break
		}
		binary.BigEndian.PutUint32(file[at+8+n:], crc32.ChecksumIEEE(file[at+4:at+8+n]))
		at += 12 + n
	}
	return file
}
