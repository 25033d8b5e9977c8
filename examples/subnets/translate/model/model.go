package model

import (
	"errors"
	"strings"

	"github.com/plexus-network/plexus/examples/subnets/translate"
)

// Names of the models.
const (
	Good     = "good"     // by example, see Translator
	Baseline = "baseline" // by dictionary, word by word
	Lazy     = "lazy"     // the sentence itself
)

// MaxPairs bounds the published pairs that a model learns from: the first ones.
// All pairs are counted anew for each task.
const MaxPairs = 2000

// Errors of a model's name or data.
var (
	ErrUnknown = errors.New("model: unknown; there are good, baseline and lazy")
	ErrPairs   = errors.New("model: published pairs must be lines of sentence, tab, translation")
)

// Pairs reads published pairs, at most MaxPairs of them.
func Pairs(b []byte) (out []translate.Pair, err error) {
	for line := range strings.Lines(string(b)) {
		source, target, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			return nil, ErrPairs
		}
		if out = append(out, translate.Pair{Source: source, Target: target}); len(out) == MaxPairs {
			break
		}
	}
	return out, nil
}

// Answer answers a task with the named model. The published pairs may be nil.
func Answer(name string, pairs []translate.Pair, p *translate.Public) (translate.Answer, error) {
	out := make(translate.Answer, len(p.Sources))
	switch name {
	case Lazy:
		copy(out, p.Sources)
		return out, nil
	case Good, Baseline:
	default:
		return nil, ErrUnknown
	}
	published, shown := newLexicon(pairs), newLexicon(p.Examples)
	for i, s := range p.Sources {
		// A sentence of the made-up language knows itself by its words: the task's
		// examples hold most of them.
		l := published
		if shown.known(s) > published.known(s) {
			l = shown
		}
		if name == Good {
			out[i] = l.byExample(s)
		} else {
			out[i] = l.byWord(s)
		}
		if translate.CheckLine(out[i]) != nil || len(out[i]) > translate.MaxLine {
			out[i] = ""
		}
	}
	return out, nil
}
