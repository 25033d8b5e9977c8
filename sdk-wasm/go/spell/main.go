// Command spell has miners complete words whose letters are partly hidden. It
// pays nobody for a model; it shows every operation that a module may have.
package main

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(module()) }

func main() {}

func module() sdk.Module {
	return sdk.Module{Describe: describe, Task: task, Score: score, Rank: rank, Check: check, Solve: solve, Merge: merge}
}

func letters(b []byte) bool {
	for _, c := range b {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 64
}

func describe() abi.Description {
	return abi.Description{Title: "Spell",
		Task:   "a word of 8 to 24 letters, some hidden behind question marks",
		Answer: "the word, in letters a to z",
		Score:  "one less the edit distance as a part of the longer word"}
}

// task draws a word from the round's randomness. The miners see the public part;
// the private part stays with the validator until the epoch has ended.
func task(r *abi.TaskRequest) (abi.Task, error) {
	rnd := sdk.NewRand(r.Beta, 0)
	word := make([]byte, 8+rnd.Intn(17))
	for i := range word {
		word[i] = 'a' + byte(rnd.Intn(26))
	}
	shown := make([]byte, len(word))
	for i, c := range word {
		if shown[i] = c; rnd.Intn(3) == 0 {
			shown[i] = '?'
		}
	}
	return abi.Task{Public: shown, Private: word}, nil
}

// score sees payloads only, never who sent them. A malformed one scores 0.
func score(r *abi.ScoreRequest) (abi.Scores, error) {
	scores := make(abi.Scores, len(r.Payloads))
	for i, p := range r.Payloads {
		if !letters(p) {
			continue
		}
		longer := max(len(p), len(r.Private))
		scores[i] = abi.One * uint64(longer-sdk.EditDistance(p, r.Private)) / uint64(longer)
	}
	return scores, nil
}

// rank moves a miner's average an eighth of the way to this epoch's mean, and
// remembers it in 8 bytes.
func rank(r *abi.RankRequest) (abi.Ranks, error) {
	ranks := make(abi.Ranks, len(r.Rows))
	for i, row := range r.Rows {
		var mean uint64
		for _, s := range row.Scores {
			mean += s
		}
		mean /= uint64(max(len(row.Scores), 1))
		if len(row.Carry) == 8 {
			if old := binary.BigEndian.Uint64(row.Carry); old <= abi.One {
				mean = (7*old + mean) / 8
			}
		}
		ranks[i] = abi.Rank{Weight: mean, Carry: binary.BigEndian.AppendUint64(nil, mean)}
	}
	return ranks, nil
}

func check(r *abi.CheckRequest) (abi.Verdict, error) {
	if letters(r.Payload) {
		return abi.Verdict{OK: true}, nil
	}
	return abi.Verdict{Reason: "1 to 64 letters from a to z"}, nil
}

func solve(r *abi.SolveRequest) ([]byte, error) {
	rnd := sdk.NewRand(r.Seed, 0)
	word := make([]byte, len(r.Public))
	for i, c := range r.Public {
		if word[i] = c; c == '?' {
			word[i] = 'a' + byte(rnd.Intn(26))
		}
	}
	return word, nil
}

// merge keeps the longest word that was ever answered. It shows how miners build
// one thing together; nothing of spell's tasks needs it.
func merge(r *abi.MergeRequest) (abi.Merged, error) {
	best := r.Artifact
	var merged abi.Merged
	for _, p := range r.Payloads {
		if letters(p) && len(p) > len(best) {
			best, merged.Artifact = p, p
		}
	}
	return merged, nil
}
