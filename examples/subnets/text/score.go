package text

import "github.com/plexus-network/plexus/abi"

// Score scores the answers of a round, each by itself, so that the order of
// the payloads does not matter and equal payloads have equal scores. An answer
// that does not decode scores 0; only a task that does not decode is an error.
func Score(r *abi.ScoreRequest) (abi.Scores, error) {
	contexts, err := DecodeContexts(r.Public)
	if err != nil {
		return nil, err
	}
	truth, err := decodeTruth(r.Private, len(contexts))
	if err != nil {
		return nil, err
	}
	scores := make(abi.Scores, len(r.Payloads))
	for i, p := range r.Payloads {
		scores[i] = score(p, truth)
	}
	return scores, nil
}

// score returns max(0, 8n - bits)/8n in Q32.32 for n true bytes, rounded down.
func score(payload, truth []byte) uint64 {
	answer, err := DecodeAnswer(payload, len(truth))
	if err != nil {
		return 0
	}
	var bits uint64 // at most 32 * 24 * 2^32
	for i, t := range truth {
		bits += answer[i].Bits(t)
	}
	all := uint64(len(truth)) * 8 << 32
	if bits >= all {
		return 0
	}
	return (all - bits) / (uint64(len(truth)) * 8)
}

// Check says whether a payload is an answer to the task, and if not, why.
func Check(r *abi.CheckRequest) (abi.Verdict, error) {
	contexts, err := DecodeContexts(r.Public)
	if err != nil {
		return abi.Verdict{}, err
	}
	if _, err := DecodeAnswer(r.Payload, len(contexts)); err != nil {
		return abi.Verdict{Reason: err.Error()}, nil
	}
	return abi.Verdict{OK: true}, nil
}
