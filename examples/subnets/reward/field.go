package reward

import "github.com/plexus-network/plexus/abi"

// hard is how much more a part of a task weighs that nobody answers than one that
// all do, minus one.
const hard = 3

// unit is the weight of a part that all answer: fine enough that a single answer
// among thousands still shifts it, and small enough that no sum of parts overflows.
const unit = 1 << 16

// Field scores the answers of a round whose task has parts, at most 1,024, so that
// how hard it is follows what the field can do. judge says what each part of an
// answer is worth, in Q32.32 of at most abi.One, or nil for what is no answer. With
//
//	missed = 1 - mean of a part's worth over the different answers
//	weight = 1 + 3·missed                              (from 1 to 4)
//	score  = sum of weight·worth / sum of weight       (Q32.32, rounded down)
//
// what everybody can do is worth less than what few can. Each different answer counts
// once, so that sending one often shifts no weight; what is no answer does not count
// and scores 0. The order of the payloads does not matter, and equal ones have equal
// scores.
//
// It is for tasks with one right answer. Where a model states probabilities, weights
// that depend on the outcome would pay it for overstating what is rare.
func Field(payloads [][]byte, parts int, judge func(payload []byte) []uint64) abi.Scores {
	known := make(map[string][]uint64, len(payloads))
	missed, answers := make([]uint64, parts), uint64(0)
	for _, p := range payloads {
		if _, ok := known[string(p)]; ok {
			continue
		}
		worth := judge(p)
		known[string(p)] = worth
		if worth == nil {
			continue
		}
		answers++
		for i, w := range worth {
			missed[i] += abi.One - w // at most 4096 · 2^32
		}
	}
	scores := make(abi.Scores, len(payloads))
	if answers == 0 {
		return scores
	}
	weights, all := missed, uint64(0)
	for i, m := range missed {
		weights[i] = unit + hard*(m/answers)/(abi.One/unit)
		all += weights[i] // at most 2^10 · 2^18
	}
	for k, p := range payloads {
		var sum uint64 // at most all · 2^32
		for i, w := range known[string(p)] {
			sum += weights[i] * w
		}
		scores[k] = sum / all
	}
	return scores
}
