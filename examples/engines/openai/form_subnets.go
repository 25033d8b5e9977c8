package openai

import (
	"bytes"
	"context"
	"fmt"
	stdimage "image"
	_ "image/jpeg" // what a server may make
	_ "image/png"
	"io"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/text/unicode/norm"

	"github.com/plexus-network/plexus/examples/subnets/image"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	"github.com/plexus-network/plexus/examples/subnets/translate"
	"github.com/plexus-network/plexus/plugins/engine"
)

// translation answers the translate subnet by one question to a chat model, with the
// task's examples, and numbered lines back.
func translation(ctx context.Context, c *Client, o Options, t engine.Task, w io.Writer) error {
	p, err := translate.DecodePublic(t.Public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTask, err)
	}
	system := o.System
	if system == "" {
		system = "You translate. Some sentences are English, to be put into Spanish. If examples are given, sentences " +
			"that look like them are to be put into the language that the examples show. Answer with the translations alone, " +
			"one numbered line for each sentence, like: 1. translation"
	}
	var b strings.Builder
	if len(p.Examples) > 0 {
		b.WriteString("Examples:\n")
		for _, e := range p.Examples {
			fmt.Fprintf(&b, "%s = %s\n", e.Source, e.Target)
		}
	}
	b.WriteString("Sentences:\n")
	for i, s := range p.Sources {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s)
	}
	said, err := c.Chat(ctx, []Message{{"system", system}, {"user", b.String()}}, o.Tokens, nil)
	if err != nil {
		return err
	}
	_, err = w.Write(translate.Answer(numbered(said, len(p.Sources))).Append(nil))
	return err
}

// numberedLine is "1. text", as models write it.
var numberedLine = regexp.MustCompile(`^\s*\**(\d{1,3})\**\s*[.):]\s*(.*)$`)

// numbered reads n numbered lines into sentences that the subnet takes; what is
// missing or not taken is empty.
func numbered(text string, n int) []string {
	out := make([]string, n)
	for line := range strings.Lines(text) {
		m := numberedLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		i, err := strconv.Atoi(m[1])
		s := norm.NFC.String(strings.Join(strings.Fields(m[2]), " "))
		if err == nil && i >= 1 && i <= n && out[i-1] == "" && len(s) <= translate.MaxLine && translate.CheckLine(s) == nil {
			out[i-1] = s
		}
	}
	return out
}

// transcript answers the speech subnet: each clip is transcribed as a recording of
// 16 kHz.
func transcript(ctx context.Context, c *Client, o Options, t engine.Task, w io.Writer) error {
	waves, err := speech.Waves(t.Public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTask, err)
	}
	hint := o.System
	if hint == "" {
		hint = "Words that may be said: " + strings.Join(speech.Words, ", ") + "."
	}
	texts := make([]string, len(waves))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Parallel)
	for i, wav := range waves {
		g.Go(func() error {
			s, err := c.Transcribe(ctx, wav, hint, "en")
			texts[i] = short(s, speech.MaxText)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = w.Write(speech.AppendTexts(nil, texts))
	return err
}

// short cuts a text to whole words of at most n bytes together.
func short(s string, n int) string {
	var b strings.Builder
	for _, f := range strings.Fields(strings.ToValidUTF8(s, "")) {
		if b.Len()+1+len(f) > n {
			break
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f)
	}
	return b.String()
}

// pictures answers the image subnet: each prompt is drawn by the server, and what it
// draws is brought to the subnet's size and colours.
func pictures(ctx context.Context, c *Client, o Options, t engine.Task, w io.Writer) error {
	prompts, err := image.DecodeTask(t.Public)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTask, err)
	}
	style := o.System
	if style == "" {
		style = "Flat geometric shapes in plain colours, with space between them, no outlines, no shading, on a plain white background: "
	}
	files := make([][]byte, len(prompts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Parallel)
	for i, p := range prompts {
		g.Go(func() error {
			b, err := c.Image(ctx, style+p.String(), "512x512")
			if err == nil {
				files[i], err = flatten(b)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = w.Write(image.AppendAnswer(nil, files))
	return err
}

// maxPixels bounds a picture of the server's before it is unpacked.
const maxPixels = 4096 * 4096

// flatten brings a picture, PNG or JPEG, to the subnet's size and palette: each pixel
// gets the colour of the palette that most of the pixels it stands for are next to.
// One that has so much detail that it becomes too long a file is smoothed.
func flatten(b []byte) ([]byte, error) {
	head, _, err := stdimage.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: picture: %w", ErrReply, err)
	}
	if head.Width < 1 || head.Height < 1 || head.Width > maxPixels/head.Height {
		return nil, fmt.Errorf("%w: picture of %d by %d pixels", ErrTooLong, head.Width, head.Height)
	}
	from, _, err := stdimage.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: picture: %w", ErrReply, err)
	}
	for block := 1; ; block *= 2 {
		p := reduce(from, block)
		if file := image.EncodePNG(p); len(file) <= image.MaxPicture || block == image.Side {
			return file, nil
		}
	}
}

// reduce makes a picture of squares of block pixels.
func reduce(from stdimage.Image, block int) *image.Picture {
	r := from.Bounds()
	p := &image.Picture{Width: image.Side, Height: image.Side, Pixels: make([]image.Color, image.Side*image.Side)}
	span := func(i, size int) (begin, end int) {
		begin = i * size / image.Side
		return begin, max(begin+1, (i+block)*size/image.Side)
	}
	for y := 0; y < image.Side; y += block {
		for x := 0; x < image.Side; x += block {
			var votes [image.Colors]int
			x0, x1 := span(x, r.Dx())
			y0, y1 := span(y, r.Dy())
			for v := y0; v < min(y1, r.Dy()); v++ {
				for u := x0; u < min(x1, r.Dx()); u++ {
					cr, cg, cb, ca := from.At(r.Min.X+u, r.Min.Y+v).RGBA()
					votes[next(cr+0xffff-ca, cg+0xffff-ca, cb+0xffff-ca)]++ // on white
				}
			}
			best := image.White
			for c, n := range votes {
				if n > votes[best] {
					best = image.Color(c)
				}
			}
			for v := y; v < min(y+block, image.Side); v++ {
				for u := x; u < min(x+block, image.Side); u++ {
					p.Pixels[v*image.Side+u] = best
				}
			}
		}
	}
	return p
}

// next is the palette's colour next to one of 16 bits a channel.
func next(r, g, b uint32) (best image.Color) {
	least := int(^uint(0) >> 1)
	for c := range image.Color(image.Colors) {
		pr, pg, pb := c.RGB()
		x, y, z := int(r>>8)-int(pr), int(g>>8)-int(pg), int(b>>8)-int(pb)
		if d := x*x + y*y + z*z; d < least {
			best, least = c, d
		}
	}
	return best
}
