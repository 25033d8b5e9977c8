package translate

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	// Slices is the number of data slices opened for a task.
	Slices = 6
	// SliceLen is the number of bytes of a data slice.
	SliceLen = 512
	// MaxSide is the most bytes that either side of a pair has.
	MaxSide = 240
	// MaxSentences is the most sentences that a task asks for.
	MaxSentences = 48
	// MaxExamples is the most examples that a task shows.
	MaxExamples = 64

	maxDraw = MaxSentences / Slices / 2 // sentences of either kind for one slice
	version = 1                         // of the public task, the truth and the answer
)

// Streams of the generator of a round's randomness.
const (
	streamPlaces   = 1
	streamLanguage = 2
	streamSentence = 3
)

// Errors of a task request that does not fit the module's manifest, or of data
// that was not cut by Cut.
var (
	ErrSliceCount = errors.New("translate: task needs exactly 6 data slices")
	ErrSlice      = errors.New("translate: data slice holds no pairs")
)

// Pair is a sentence and its translation, each of 1 to MaxSide bytes of UTF-8
// without control characters.
type Pair struct{ Source, Target string }

// Public is what a miner sees of a task.
type Public struct {
	Examples []Pair   // of the language made up for the task, 0 to MaxExamples
	Sources  []string // to translate, 1 to MaxSentences
}

// DrawTask draws the task of a round. Slice i names how many of its pairs to
// draw, without repetition, and for how many sentences of the made-up language;
// both follow in the order of the slices, all drawn pairs first. The subnet's
// parameters are not used.
func DrawTask(r *abi.TaskRequest) (abi.Task, error) {
	if len(r.Slices) != Slices {
		return abi.Task{}, ErrSliceCount
	}
	rnd := sdk.NewRand(r.Beta, streamPlaces)
	var p Public
	var truth []string
	synthetic := 0
	for _, s := range r.Slices {
		real, made, pairs, err := readSlice(s)
		if err != nil {
			return abi.Task{}, err
		}
		synthetic += made
		rnd.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
		for _, pair := range pairs[:min(real, len(pairs))] {
			p.Sources, truth = append(p.Sources, pair.Source), append(truth, pair.Target)
		}
	}
	if synthetic > 0 {
		examples, sentences := invent(r.Beta, synthetic)
		p.Examples = examples
		for _, pair := range sentences {
			p.Sources, truth = append(p.Sources, pair.Source), append(truth, pair.Target)
		}
	}
	return abi.Task{Public: p.Append(nil), Private: appendTruth(nil, truth)}, nil
}

// appendSlice appends a data slice: one byte that says how many pairs of it a
// task takes, one that says how many made-up sentences go with it, the pairs as
// lines of source, tab, target, newline, and zeros up to SliceLen.
func appendSlice(b []byte, real, made int, pairs []Pair) []byte {
	end := len(b) + SliceLen
	b = append(b, byte(real), byte(made))
	for _, p := range pairs {
		b = append(append(append(append(b, p.Source...), '\t'), p.Target...), '\n')
	}
	return append(b, make([]byte, end-len(b))...)
}

// readSlice reads a data slice.
func readSlice(b []byte) (real, made int, pairs []Pair, err error) {
	if len(b) != SliceLen || b[0] == 0 || b[0] > maxDraw || b[1] > maxDraw {
		return 0, 0, nil, ErrSlice
	}
	real, made = int(b[0]), int(b[1])
	for _, line := range bytes.Split(bytes.TrimRight(b[2:], "\x00"), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		source, target, ok := bytes.Cut(line, []byte("\t"))
		p := Pair{string(source), string(target)}
		if !ok || !p.valid() {
			return 0, 0, nil, ErrSlice
		}
		pairs = append(pairs, p)
	}
	if len(pairs) == 0 {
		return 0, 0, nil, ErrSlice
	}
	return real, made, pairs, nil
}

// valid reports whether both sides have an allowed length and form.
func (p *Pair) valid() bool {
	for _, s := range []string{p.Source, p.Target} {
		if s == "" || len(s) > MaxSide || !utf8.ValidString(s) {
			return false
		}
		for _, r := range s {
			if r < ' ' || r == 0x7f {
				return false
			}
		}
	}
	return true
}

// Append appends the public part of a task:
// [1, [[source, target], …], [source, …]], all of them text.
func (p *Public) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(p.Examples))
	for _, e := range p.Examples {
		b = cbor.AppendArray(b, 2)
		b = cbor.AppendText(cbor.AppendText(b, e.Source), e.Target)
	}
	return appendTexts(b, p.Sources)
}

// DecodePublic reads the public part of a task.
func DecodePublic(b []byte) (p Public, err error) {
	d := cbor.NewDecoder(b)
	d.Version(3, version)
	for range d.ArrayMax(MaxExamples) {
		d.Array(2)
		p.Examples = append(p.Examples, Pair{d.Text(MaxSide), d.Text(MaxSide)})
	}
	p.Sources = texts(d, MaxSide)
	if d.Err() == nil && len(p.Sources) == 0 {
		d.Fail(cbor.ErrLength)
	}
	return p, d.End()
}

// appendTruth appends the private part of a task: [1, [target, …]].
func appendTruth(b []byte, truth []string) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	return appendTexts(b, truth)
}

// decodeTruth reads the private part of a task with n sentences.
func decodeTruth(b []byte, n int) ([]string, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	truth := texts(d, MaxSide)
	if d.Err() == nil && len(truth) != n {
		d.Fail(cbor.ErrLength)
	}
	return truth, d.End()
}

func appendTexts(b []byte, list []string) []byte {
	b = cbor.AppendArray(b, len(list))
	for _, s := range list {
		b = cbor.AppendText(b, s)
	}
	return b
}

func texts(d *cbor.Decoder, longest int) (list []string) {
	for range d.ArrayMax(MaxSentences) {
		list = append(list, d.Text(longest))
	}
	return list
}
