package speech

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// Bounds of a clip.
const (
	MaxClip = 64_000 // samples, 8 s
	MaxText = 512    // bytes of a transcript, normalised or not
	// MaxWords is how many words a transcript may have. It bounds what a comparison
	// costs.
	MaxWords = 64

	// SliceLen is the number of bytes of a data slice of recordings.
	SliceLen = 8 + MaxText + MaxClip
)

// mark is how a data slice begins that holds a recording.
const mark = "rec1"

// ErrRecording is returned for a slice that begins as a recording and is none.
var ErrRecording = errors.New("speech: data slice is a broken recording")

// Recording is a clip with what is said in it.
type Recording struct {
	Text string
	Clip []byte // µ-law
}

// Append appends the slice: "rec1", the lengths of the transcript and the clip as
// big-endian 16-bit numbers, both, and zeros up to SliceLen.
func (r *Recording) Append(b []byte) []byte {
	end := len(b) + SliceLen
	b = append(b, mark...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Text)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Clip)))
	b = append(append(b, r.Text...), r.Clip...)
	return append(b, make([]byte, end-len(b))...)
}

// DecodeRecording reads a slice of a recording, which aliases b. ok is false for
// one that does not begin as such.
func DecodeRecording(b []byte) (r Recording, ok bool, err error) {
	if len(b) < 8 || string(b[:4]) != mark {
		return r, false, nil
	}
	n, m := int(binary.BigEndian.Uint16(b[4:])), int(binary.BigEndian.Uint16(b[6:]))
	if n > MaxText || m == 0 || m > MaxClip || len(b) < 8+n+m {
		return r, true, ErrRecording
	}
	r.Text, r.Clip = string(b[8:8+n]), b[8+n:8+n+m]
	for _, c := range b[8+n+m:] {
		if c != 0 {
			return r, true, ErrRecording
		}
	}
	if words := Normalise(r.Text); !utf8.ValidString(r.Text) || len(words) == 0 || len(words) > MaxWords {
		return r, true, ErrRecording
	}
	return r, true, nil
}
