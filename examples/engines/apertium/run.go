package apertium

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/plexus-network/plexus/examples/subnets/translate"
	"github.com/plexus-network/plexus/examples/subnets/translate/model"
	"github.com/plexus-network/plexus/plugins/engine"
)

// Miner answers tasks of the translate subnet.
type Miner struct {
	chain *Chain
	pairs []translate.Pair
}

// NewMiner opens Apertium. data may name a file of published pairs, sentence, tab,
// translation on each line, from which sentences that Apertium cannot read are
// translated besides the task's own examples; empty for none.
func NewMiner(ctx context.Context, direction, data string) (*Miner, error) {
	m := &Miner{}
	if data != "" {
		b, err := os.ReadFile(data)
		if err == nil {
			m.pairs, err = model.Pairs(b)
		}
		if err != nil {
			return nil, fmt.Errorf("pairs %s: %w", data, err)
		}
	}
	var err error
	m.chain, err = Open(ctx, direction)
	return m, err
}

// Answer translates the sentences of a task. What is not translated when ctx ends is
// left empty, which costs its part of the score and no more.
func (m *Miner) Answer(ctx context.Context, public []byte) ([]byte, error) {
	p, err := translate.DecodePublic(public)
	if err != nil {
		return nil, err
	}
	a, err := model.Answer(model.Good, m.pairs, &p)
	if err != nil {
		return nil, err
	}
	shown := map[string]bool{}
	for _, e := range p.Examples {
		for _, w := range strings.Fields(e.Source) {
			shown[w] = true
		}
	}
	done := 0
	for i, s := range p.Sources {
		if madeUp(s, shown) {
			continue
		}
		line, unknown, err := m.chain.Translate(ctx, s)
		if err != nil {
			if done == 0 && len(p.Examples) == 0 {
				return nil, err // there is nothing that anybody would pay for
			}
			break
		}
		if 2*unknown > len(strings.Fields(s)) {
			continue
		}
		line = norm.NFC.String(asWritten(s, line))
		if len(line) <= translate.MaxLine && translate.CheckLine(line) == nil {
			a[i] = line
			done++
		}
	}
	return a.Append(nil), nil
}

// madeUp reports whether a sentence is to be put into the language that the task made
// up: its examples, which are about few things, show most of its words.
func madeUp(s string, shown map[string]bool) bool {
	words, n := strings.Fields(s), 0
	for _, w := range words {
		if shown[w] {
			n++
		}
	}
	return len(words) > 0 && 4*n >= 3*len(words)
}

// asWritten begins a translation with a small letter when its source does: Apertium
// takes whatever comes after a flush for the beginning of a sentence.
func asWritten(source, translation string) string {
	a, _ := utf8.DecodeRuneInString(source)
	b, n := utf8.DecodeRuneInString(translation)
	if unicode.IsLower(a) && unicode.IsUpper(b) {
		return string(unicode.ToLower(b)) + translation[n:]
	}
	return translation
}

// Close ends Apertium's programs.
func (m *Miner) Close() { m.chain.Close() }

// Run answers tasks until the host ends the process, each within timeout. It returns
// only an error: no Apertium (ErrNotInstalled), no such direction, or a process that
// was not started as an engine.
func Run(direction, data string, timeout time.Duration) error {
	if timeout <= 0 {
		return fmt.Errorf("--timeout %v: must be above 0", timeout)
	}
	m, err := NewMiner(context.Background(), direction, data)
	if err != nil {
		return err
	}
	// The first sentence costs what starting the programs does: before a task.
	warm, cancel := context.WithTimeout(context.Background(), time.Minute)
	_, _, err = m.chain.Translate(warm, "hello")
	cancel()
	if err != nil {
		return err
	}
	return engine.Serve(func(ctx context.Context, t engine.Task) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return m.Answer(ctx, t.Public)
	})
}
