package translate

import (
	"errors"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Module returns the subnet's operations.
func Module() sdk.Module {
	return sdk.Module{Describe: Describe, Task: DrawTask, Score: Score, Rank: reward.Rank, Check: Check, Render: Render, Parse: Parse}
}

// Describe says in words what the subnet asks for.
func Describe() abi.Description {
	return abi.Description{
		Title: "Translate: sentences with hidden translations",
		Task: "sentences to translate, half of them into the language of the subnet's data, half into a language made up for " +
			"the task, of which it shows 20 to 48 examples",
		Answer: "one translation for each sentence, in their order; Unicode's form NFC, single spaces",
		Score:  "the mean of the sentences' chrF++ against the hidden translations, the more weight the worse the field does one: 1 means the same text, 0.5 is useful",
	}
}

// Render shows an answer for people, one numbered line for each sentence.
func Render(payload []byte) (string, error) {
	d, err := decodeAny(payload)
	if err != nil {
		return "", err
	}
	var b []byte
	for i, s := range d {
		b = strconv.AppendInt(b, int64(i+1), 10)
		b = append(append(append(b, ": "...), s...), '\n')
	}
	return string(b), nil
}

// decodeAny reads an answer of any number of sentences.
func decodeAny(payload []byte) (a Answer, err error) {
	for n := 1; n <= MaxSentences; n++ {
		if a, err = DecodeAnswer(payload, n); err == nil {
			break
		}
	}
	return a, err
}

// Errors of a question.
var (
	ErrNoSentence   = errors.New("translate: write one sentence a line; source = translation on a line gives an example")
	ErrLongQuestion = errors.New("translate: at most 48 sentences and 64 examples of at most 240 bytes for each side")
)

// Parse makes a task from what a person writes: a line "source = translation" is
// an example, every other line a sentence to translate. Nobody knows the answer,
// so such a task is not scored.
func Parse(text string) ([]byte, error) {
	var p Public
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(line), " ")
		if line == "" {
			continue
		}
		pair := Pair{line, line}
		if source, target, ok := strings.Cut(line, " = "); ok {
			pair = Pair{source, target}
			p.Examples = append(p.Examples, pair)
		} else {
			p.Sources = append(p.Sources, line)
		}
		if !pair.valid() || len(p.Sources) > MaxSentences || len(p.Examples) > MaxExamples {
			return nil, ErrLongQuestion
		}
	}
	if len(p.Sources) == 0 {
		return nil, ErrNoSentence
	}
	return p.Append(nil), nil
}
