package speech

import (
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// ErrWords is returned for a text of more than MaxWords words.
var ErrWords = errors.New("speech: text has more than 64 words")

// Score scores the answers of a round. A clip of an answer is worth
//
//	max(0, 1 - errors/words)
//
// in Q32.32, rounded down, where errors counts the words to put in, leave out and
// replace to turn its text into that of the truth, and words are those of the truth.
// The score is the mean over the clips, weighed as [reward.Field] has it, so that a
// clip weighs the more the worse the field hears it. An answer that does not decode
// scores 0, and so does one with a text of too many words; only a task that does not
// decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	clips, err := DecodeTask(r.Public)
	if err != nil {
		return nil, err
	}
	truth, err := words(r.Private, len(clips))
	if err != nil {
		return nil, err
	}
	return reward.Field(r.Payloads, len(truth), func(payload []byte) []uint64 {
		answer, err := words(payload, len(truth))
		if err != nil {
			return nil
		}
		worth := make([]uint64, len(truth))
		for i, t := range truth {
			worth[i] = accuracy(answer[i], t)
		}
		return worth
	}), nil
}

// words reads texts and normalises them.
func words(b []byte, n int) ([][]string, error) {
	texts, err := DecodeTexts(b, n)
	if err != nil {
		return nil, err
	}
	out := make([][]string, n)
	for i, t := range texts {
		if out[i] = Normalise(t); len(out[i]) > MaxWords {
			return nil, ErrWords
		}
	}
	return out, nil
}

// accuracy is what a clip's text is worth. Silence is heard right by saying nothing.
func accuracy(answer, truth []string) uint64 {
	if len(truth) == 0 {
		if len(answer) == 0 {
			return abi.One
		}
		return 0
	}
	errs, all := sdk.EditDistance(answer, truth), len(truth)
	if errs >= all {
		return 0
	}
	return uint64(all-errs) * abi.One / uint64(all)
}

// Check says whether a payload is an answer to the task, and if not, why.
func Check(r *abi.CheckRequest) (abi.Verdict, error) {
	clips, err := DecodeTask(r.Public)
	if err != nil {
		return abi.Verdict{}, err
	}
	if _, err := words(r.Payload, len(clips)); err != nil {
		return abi.Verdict{Reason: err.Error()}, nil
	}
	return abi.Verdict{OK: true}, nil
}
