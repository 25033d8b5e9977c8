package image

import (
	"encoding/binary"
	"errors"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/reward"
)

// ErrPicture is returned for a picture that has not the task's size.
var ErrPicture = errors.New("image: picture is not 128 by 128 pixels")

// Score scores the answers of a round. An answer's score is the mean of what its
// pictures are worth, weighed as [reward.Field] has it: what everybody can draw is
// worth less.
//
// A picture that cannot be read is worth 0, and so is an answer that does not decode;
// only a task that does not decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	prompts, err := DecodeTask(r.Public)
	if err != nil {
		return nil, err
	}
	var e eye
	return reward.Field(r.Payloads, len(prompts), func(payload []byte) []uint64 { return e.worth(payload, prompts) }), nil
}

// worth judges the pictures of an answer, nil for what is none.
func (e *eye) worth(payload []byte, prompts []*Prompt) []uint64 {
	files, err := DecodeAnswer(payload, len(prompts))
	if err != nil {
		return nil
	}
	w := make([]uint64, len(files))
	for i, f := range files {
		if p, err := decodePicture(f); err == nil {
			w[i] = e.judge(p, prompts[i])
		}
	}
	return w
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
