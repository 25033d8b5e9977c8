package translate

import (
	"errors"
	"unicode"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/examples/subnets/reward"
)

// MaxLine is the most bytes of one sentence of an answer: what is more than
// twice as long as any translation is worth nothing.
const MaxLine = 2 * MaxSide

// MaxAnswer is the most bytes of an answer.
const MaxAnswer = 12 << 10

// Errors of a sentence of an answer.
var (
	ErrForm     = errors.New("translate: sentence is not in Unicode's form NFC")
	ErrAlphabet = errors.New("translate: sentence holds something else than letters, digits, punctuation, symbols and single spaces between them")
)

// Answer holds one translation for each sentence of a task, in its order. An
// empty one says that the miner has none.
type Answer []string

// Append appends the canonical encoding [1, [text, …]].
func (a Answer) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 2)
	b = cbor.AppendUint(b, version)
	return appendTexts(b, a)
}

// DecodeAnswer reads an answer to a task of n sentences.
func DecodeAnswer(b []byte, n int) (Answer, error) {
	if len(b) > MaxAnswer {
		return nil, cbor.ErrTooLong
	}
	d := cbor.NewDecoder(b)
	d.Version(2, version)
	a := Answer(texts(d, MaxLine))
	if d.Err() == nil && len(a) != n {
		d.Fail(cbor.ErrLength)
	}
	return a, d.End()
}

// CheckLine reports ErrForm or ErrAlphabet for a sentence that is worth nothing
// whatever it says. There is one way only to write each text, so that a copy
// cannot pass for another answer.
func CheckLine(s string) error {
	space, plain := true, true // no space at the beginning
	for _, r := range s {
		if r == ' ' {
			if space {
				return ErrAlphabet
			}
		} else if r <= '~' {
			if r < ' ' {
				return ErrAlphabet
			}
		} else if !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S) {
			return ErrAlphabet
		}
		space, plain = r == ' ', plain && r < 0x300
	}
	if space && s != "" {
		return ErrAlphabet
	}
	if !plain && !normal(s) {
		return ErrForm
	}
	return nil
}

// Score scores the answers of a round: the mean of its sentences' chrF++, weighed as
// [reward.Field] has it, so that a sentence weighs the more the worse the field does
// it. A sentence that CheckLine refuses is worth 0; an answer that does not decode
// scores 0; only a task that does not decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	public, err := DecodePublic(r.Public)
	if err != nil {
		return nil, err
	}
	truth, err := decodeTruth(r.Private, len(public.Sources))
	if err != nil {
		return nil, err
	}
	refs := make([]*reference, len(truth))
	for i, t := range truth {
		refs[i] = newReference(t)
	}
	return reward.Field(r.Payloads, len(refs), func(payload []byte) []uint64 {
		answer, err := DecodeAnswer(payload, len(refs))
		if err != nil {
			return nil
		}
		worth := make([]uint64, len(refs))
		for k, s := range answer {
			// Most that is worth nothing is found out by its length alone.
			if f := refs[k].score(s); f > 0 && CheckLine(s) == nil {
				worth[k] = f
			}
		}
		return worth
	}), nil
}

// Check says whether a payload is an answer to the task, and if not, why.
func Check(r *abi.CheckRequest) (abi.Verdict, error) {
	public, err := DecodePublic(r.Public)
	if err != nil {
		return abi.Verdict{}, err
	}
	answer, err := DecodeAnswer(r.Payload, len(public.Sources))
	if err != nil {
		return abi.Verdict{Reason: err.Error()}, nil
	}
	for _, s := range answer {
		if err := CheckLine(s); err != nil {
			return abi.Verdict{Reason: err.Error()}, nil
		}
	}
	return abi.Verdict{OK: true}, nil
}
