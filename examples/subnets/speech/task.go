package speech

import (
	"errors"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

const (
	// Clips is the number of clips of a task, and of data slices opened.
	Clips = 3

	version = 1 // of the public task, the truth and the answer
)

// streamClips is the generator's stream that clips are drawn from.
const streamClips = 1

// ErrSliceCount is returned for a task request that does not fit the module's
// manifest.
var ErrSliceCount = errors.New("speech: task needs exactly 3 data slices")

// Recipe says how hard a clip of the synthesiser is. Any data slice that is no
// recording is one, by its first four bytes; those that are missing count as 0.
type Recipe struct {
	Words int // in the clip: 2, 3 or 4, byte 0 modulo 3
	Noise int // index of NoiseDB: byte 1 modulo 4
	Speed int // in per cent: 85, 100 or 115, byte 2 modulo 3
	First int // of Words, and End the one behind the last: digits, commands or all,
	End   int // byte 3 modulo 3
}

// RecipeOf reads a slice.
func RecipeOf(slice []byte) Recipe {
	var b [4]byte
	copy(b[:], slice)
	r := Recipe{Words: 2 + int(b[0]%3), Noise: int(b[1] % 4), Speed: 85 + 15*int(b[2]%3), End: len(Words)}
	switch b[3] % 3 {
	case 0:
		r.End = Digits
	case 1:
		r.First = Digits
	}
	return r
}

// Make draws words and a voice, and says them.
func (r Recipe) Make(rnd *sdk.Rand) Recording {
	words := make([]int, r.Words)
	text := make([]string, r.Words)
	for i := range words {
		words[i] = r.First + rnd.Intn(r.End-r.First)
		text[i] = Words[words[i]]
	}
	return Recording{Text: strings.Join(text, " "), Clip: Pack(Say(words, DrawVoice(rnd, r.Noise, r.Speed), rnd))}
}

// DrawTask draws the task of a round: one clip for each data slice, a recording or
// one that is made by the slice's recipe and the round's randomness. All miners of a
// round get the same task. The subnet's parameters are not used.
func DrawTask(r *abi.TaskRequest) (abi.Task, error) {
	if len(r.Slices) != Clips {
		return abi.Task{}, ErrSliceCount
	}
	clips, texts := make([][]byte, Clips), make([]string, Clips)
	for i, s := range r.Slices {
		rec, ok, err := DecodeRecording(s)
		if err != nil {
			return abi.Task{}, err
		}
		if !ok {
			// A stream for each, so that the length of one clip does not shift another.
			rec = RecipeOf(s).Make(sdk.NewRand(r.Beta, streamClips+uint64(i)))
		}
		clips[i], texts[i] = rec.Clip, rec.Text
	}
	return abi.Task{Public: AppendTask(nil, clips), Private: AppendTexts(nil, texts)}, nil
}

// AppendTask appends the public part of a task: [1, rate, [clip, …]].
func AppendTask(b []byte, clips [][]byte) []byte {
	b = cbor.AppendArray(b, 3)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendUint(b, Rate)
	b = cbor.AppendArray(b, len(clips))
	for _, c := range clips {
		b = cbor.AppendBytes(b, c)
	}
	return b
}

// DecodeTask reads the public part of a task: 1 to Clips clips, µ-law at Rate, which
// alias b.
func DecodeTask(b []byte) ([][]byte, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, version)
	if d.Uint() != Rate {
		d.Fail(cbor.ErrLength)
	}
	clips := make([][]byte, d.ArrayMax(Clips))
	for i := range clips {
		clips[i] = d.Bytes(MaxClip)
	}
	if len(clips) == 0 {
		d.Fail(cbor.ErrLength)
	}
	return clips, d.End()
}

// AppendTexts appends an answer, or the private part of a task, which has the same
// form: [1, [text, …]], one text for each clip.
func AppendTexts(b []byte, texts []string) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	b = cbor.AppendArray(b, len(texts))
	for _, t := range texts {
		b = cbor.AppendText(b, t)
	}
	return b
}

// DecodeTexts reads an answer to a task of n clips, or its private part.
func DecodeTexts(b []byte, n int) ([]string, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	d.Array(n)
	if d.Err() != nil {
		return nil, d.Err()
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = d.Text(MaxText)
	}
	return texts, d.End()
}
