package speech

import (
	"errors"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// ErrWords is returned for a text of more than MaxWords words.
var ErrWords = errors.New("speech: text has more than 64 words")

// Score scores the answers of a round, each by itself:
//
//	max(0, 1 - errors/words)
//
// in Q32.32, rounded down, where errors counts the words to put in, leave out and
// replace to turn the texts of the answer into those of the truth, clip by clip, and
// words are those of the truth. An answer that does not decode scores 0, and so does
// one with a text of too many words; only a task that does not decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	clips, err := DecodeTask(r.Public)
	if err != nil {
		return nil, err
	}
	truth, err := words(r.Private, len(clips))
	if err != nil {
		return nil, err
	}
	scores := make(abi.Scores, len(r.Payloads))
	known := make(map[string]uint64, len(r.Payloads))
	for i, p := range r.Payloads {
		s, ok := known[string(p)]
		if !ok {
			s = score(p, truth)
			known[string(p)] = s
		}
		scores[i] = s
	}
	return scores, nil
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

func score(payload []byte, truth [][]string) uint64 {
	answer, err := words(payload, len(truth))
	if err != nil {
		return 0
	}
	errs, all := 0, 0
	for i, t := range truth {
		errs += sdk.EditDistance(answer[i], t)
		all += len(t)
	}
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
