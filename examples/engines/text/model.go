package text

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/plexus-network/plexus/examples/engines/study"
	"github.com/plexus-network/plexus/examples/subnets/text"
)

// Model answers the text subnet's tasks.
type Model interface {
	// Answer gives one distribution for each context. The result is the
	// caller's.
	Answer(contexts [][]byte) text.Answer
}

// Options configure a model; each model reads only its own.
type Options struct {
	// Train is the path of the text that text-mix learns from, all of it; empty
	// for the published half of the default corpus.
	Train string
	// Evidence is the directory that text-copy reads answers from; see package
	// study. It may be missing and fill up later.
	Evidence string
}

// ErrUnknownModel names a model that there is not.
var ErrUnknownModel = errors.New("unknown text model")

var makers = map[string]func(Options) (Model, error){
	"text-mix": func(o Options) (Model, error) {
		train, err := readTrain(o.Train)
		if err != nil {
			return nil, err
		}
		return NewMix(train), nil
	},
	"text-order0":   func(Options) (Model, error) { return Order0{}, nil },
	"text-constant": func(Options) (Model, error) { return Constant{}, nil },
	"text-copy": func(o Options) (Model, error) {
		if o.Evidence == "" {
			return nil, errors.New("text-copy needs a directory of evidence")
		}
		return Copier{Evidence: study.NewFolder(o.Evidence)}, nil
	},
}

// Names returns the names of all models, sorted.
func Names() []string {
	var names []string
	for n := range makers {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// New returns a model, trained and ready. text-mix takes about a second.
func New(name string, o Options) (Model, error) {
	mk, ok := makers[name]
	if !ok {
		return nil, fmt.Errorf("%w %q, there are %s", ErrUnknownModel, name, strings.Join(Names(), ", "))
	}
	m, err := mk(o)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", name, err)
	}
	return m, nil
}

func readTrain(path string) ([]byte, error) {
	if path == "" {
		corpus, err := text.ReadCorpus("")
		if err != nil {
			return nil, err
		}
		train, _ := text.Split(corpus)
		return train, nil
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("training text: %w", err)
	case info.Size() == 0:
		return nil, fmt.Errorf("training text %s: %w", path, text.ErrCorpusEmpty)
	case info.Size() > MaxTrain:
		return nil, fmt.Errorf("training text %s: %d bytes, want at most %d", path, info.Size(), MaxTrain)
	}
	return os.ReadFile(path)
}

// Order0 counts the bytes of each context.
type Order0 struct{}

// Answer applies the subnet module's own Order0.
func (Order0) Answer(contexts [][]byte) text.Answer {
	a := make(text.Answer, len(contexts))
	for i, c := range contexts {
		a[i] = text.Order0(c)
	}
	return a
}

// Constant gives the same distribution whatever it is shown: a quarter for a
// space, an eighth for an e, and the rest for all other bytes alike.
type Constant struct{}

// Answer does not look at the contexts.
func (Constant) Answer(contexts [][]byte) text.Answer {
	a := make(text.Answer, len(contexts))
	for i := range a {
		a[i] = text.Distribution{Escape: text.Total * 5 / 8, Symbols: []byte(" e"),
			Masses: []uint16{text.Total / 4, text.Total / 8}}
	}
	return a
}

var (
	_ Model = Order0{}
	_ Model = Constant{}
)
