package model

import (
	"errors"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/speech"
)

// Modes of Solve.
const (
	Good     = "good"     // cepstra and warping of time
	Baseline = "baseline" // loudness, cut at silence
	Lazy     = "lazy"     // the same words always
)

// ErrMode is returned for a mode that there is not.
var ErrMode = errors.New(`speech: mode must be "good", "baseline" or "lazy"`)

// Solve answers a task. The request's parameters are the mode and, on the lines
// below, a file of templates; without one, those of Synthesised, which take long to
// make.
func Solve(r *abi.SolveRequest) ([]byte, error) {
	mode, data, _ := strings.Cut(string(r.Params), "\n")
	if mode != Good && mode != Baseline && mode != Lazy {
		return nil, ErrMode
	}
	clips, err := speech.DecodeTask(r.Public)
	if err != nil {
		return nil, err
	}
	var list []Template
	if mode != Lazy {
		if data == "" {
			list = Synthesised()
		} else if list, err = DecodeTemplates([]byte(data)); err != nil {
			return nil, err
		}
	}
	texts := make([]string, len(clips))
	for i, c := range clips {
		texts[i] = strings.Join(Recognise(speech.Unpack(c), mode, list), " ")
	}
	return speech.AppendTexts(nil, texts), nil
}

// Recognise writes down a clip in a mode; an unknown one is lazy. It gives at most
// MaxWords words.
func Recognise(samples []int16, mode string, list []Template) []string {
	var words []string
	switch mode {
	case Good:
		words = warp(Frames(samples), list)
	case Baseline:
		words = loud(Frames(samples), list)
	default:
		return []string{"one", "two", "three"}
	}
	size := 0
	for i, w := range words {
		if size += len(w) + 1; i == speech.MaxWords || size > speech.MaxText {
			return words[:i]
		}
	}
	return words
}
