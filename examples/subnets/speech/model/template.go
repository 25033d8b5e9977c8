package model

import (
	"errors"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/examples/subnets/speech"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Template is one way to say a word.
type Template struct {
	Word   string
	Frames []Frame
}

// Bounds of a file of templates.
const (
	MaxTemplates = 512
	maxFrames    = 250 // of a template, 4 s
	maxWord      = 64  // bytes
)

// ErrTemplates is returned for a file that holds no templates.
var ErrTemplates = errors.New("speech: not a file of templates; plexus dev makes one, or leave it out to use those of the synthesiser")

// voices say the words for Synthesised. They span what tasks are spoken with.
var voices = [...]speech.Voice{
	{Pitch: 105, Tract: 90, Speed: 100}, {Pitch: 190, Tract: 97, Speed: 100}, {Pitch: 130, Tract: 104, Speed: 100}, {Pitch: 205, Tract: 111, Speed: 100},
}

// Synthesised returns templates of the synthesiser's words, in four voices.
func Synthesised() []Template {
	var out []Template
	for i, v := range voices {
		for w, word := range speech.Words {
			samples := speech.Say([]int{w}, v, sdk.NewRand([32]byte{'t', byte(i)}, uint64(w)))
			out = append(out, Template{word, trim(Frames(samples))})
		}
	}
	return out
}

// Recorded returns templates of those recordings that hold a single word.
func Recorded(list []speech.Recording) []Template {
	var out []Template
	for _, r := range list {
		words := speech.Normalise(r.Text)
		if len(words) != 1 || len(words[0]) > maxWord || len(out) == MaxTemplates {
			continue
		}
		if f := trim(Frames(speech.Unpack(r.Clip))); len(f) > 2 && len(f) <= maxFrames {
			out = append(out, Template{words[0], f})
		}
	}
	return out
}

// AppendTemplates appends a file of templates: [1, [[word, frames], …]], a frame
// being 28 bytes.
func AppendTemplates(b []byte, list []Template) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, 1)
	b = cbor.AppendArray(b, len(list))
	for _, t := range list {
		b = cbor.AppendArray(b, 2)
		b = cbor.AppendText(b, t.Word)
		raw := make([]byte, 0, len(t.Frames)*features)
		for i := range t.Frames {
			for _, v := range t.Frames[i] {
				raw = append(raw, byte(v))
			}
		}
		b = cbor.AppendBytes(b, raw)
	}
	return b
}

// DecodeTemplates reads a file of templates.
func DecodeTemplates(b []byte) ([]Template, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, 1)
	list := make([]Template, d.ArrayMax(MaxTemplates))
	for i := range list {
		d.Array(2)
		list[i].Word = d.Text(maxWord)
		raw := d.Bytes(maxFrames * features)
		if d.Err() == nil && (len(raw) == 0 || len(raw)%features != 0) {
			return nil, ErrTemplates
		}
		list[i].Frames = make([]Frame, len(raw)/features)
		for k, v := range raw {
			list[i].Frames[k/features][k%features] = int8(v)
		}
	}
	if d.End() != nil || len(list) == 0 {
		return nil, ErrTemplates
	}
	return list, nil
}

// loudness is the sum of a frame's bands.
func loudness(f *Frame) (sum int) {
	for _, v := range f[2*cepstra:] {
		sum += int(v)
	}
	return sum
}

// threshold is the loudness between silence and speech: a third of the way from the
// quietest to the loudest.
func threshold(frames []Frame) int {
	if len(frames) == 0 {
		return 0
	}
	low, high := loudness(&frames[0]), loudness(&frames[0])
	for i := range frames {
		low, high = min(low, loudness(&frames[i])), max(high, loudness(&frames[i]))
	}
	return low + (high-low)/3
}

// trim cuts silence off both ends.
func trim(frames []Frame) []Frame {
	t := threshold(frames)
	from, to := 0, len(frames)
	for from < to && loudness(&frames[from]) < t {
		from++
	}
	for to > from && loudness(&frames[to-1]) < t {
		to--
	}
	return frames[from:to]
}
