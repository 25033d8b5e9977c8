package image

import (
	"encoding/binary"
	"errors"

	"github.com/plexus-network/plexus/abi"
)

// ErrPicture is returned for a picture that has not the task's size.
var ErrPicture = errors.New("image: picture is not 128 by 128 pixels")

// difficulty is how much more a prompt weighs that nobody satisfies than one that
// all do, minus one.
const difficulty = 3

// Score scores the answers of a round. An answer's score is the mean of what its
// pictures are worth, in which a prompt weighs from 1 to 4, the more the fewer
// satisfied it: what everybody can draw is worth less. Each different answer counts
// once in that, so that sending one often does not shift the weights.
//
// The order of the payloads does not matter and equal payloads have equal scores. A
// picture that cannot be read is worth 0, and so is an answer that does not decode,
// which does not count either; only a task that does not decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	prompts, err := DecodeTask(r.Public)
	if err != nil {
		return nil, err
	}
	var e eye
	known := make(map[string][]verdict, len(r.Payloads)) // nil for what is no answer
	missed, answers := make([]uint64, len(prompts)), uint64(0)
	for _, p := range r.Payloads {
		if _, ok := known[string(p)]; ok {
			continue
		}
		v := e.verdicts(p, prompts)
		known[string(p)] = v
		if v == nil {
			continue
		}
		answers++
		for i := range v {
			if !v[i].whole {
				missed[i]++
			}
		}
	}
	var all uint64 // at most 4 · 4·4096
	for i := range missed {
		all += answers + difficulty*missed[i]
	}
	scores := make(abi.Scores, len(r.Payloads))
	for k, p := range r.Payloads {
		var sum uint64 // at most all · 2^32
		for i, v := range known[string(p)] {
			sum += (answers + difficulty*missed[i]) * v.score
		}
		if sum > 0 {
			scores[k] = sum / all
		}
	}
	return scores, nil
}

// verdicts judges the pictures of an answer, nil for what is none.
func (e *eye) verdicts(payload []byte, prompts []*Prompt) []verdict {
	files, err := DecodeAnswer(payload, len(prompts))
	if err != nil {
		return nil
	}
	v := make([]verdict, len(files))
	for i, f := range files {
		if p, err := decodePicture(f); err == nil {
			v[i] = e.judge(p, prompts[i])
		}
	}
	return v
}

// decodePicture reads a picture of an answer. One of another size is found before
// its pixels cost anything.
func decodePicture(file []byte) (*Picture, error) {
	const at = len(signature) + 8 // where the header has the width and the height
	if len(file) >= at+8 && (binary.BigEndian.Uint32(file[at:]) != Side || binary.BigEndian.Uint32(file[at+4:]) != Side) {
		return nil, ErrPicture
	}
	return DecodePNG(file)
}

// Check says whether a payload is an answer to the task, all of whose pictures can
// be read, and if not, why.
func Check(r *abi.CheckRequest) (abi.Verdict, error) {
	prompts, err := DecodeTask(r.Public)
	if err != nil {
		return abi.Verdict{}, err
	}
	files, err := DecodeAnswer(r.Payload, len(prompts))
	for _, f := range files {
		if err == nil {
			_, err = decodePicture(f)
		}
	}
	if err != nil {
		return abi.Verdict{Reason: err.Error()}, nil
	}
	return abi.Verdict{OK: true}, nil
}
