// Command sum is the smallest complete subnet: miners add up 16 numbers. It
// pays nobody for a model; it shows all that a module must have.
package main

import (
	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(module()) }

func main() {}

func module() sdk.Module { return sdk.Module{Task: task, Score: score, Rank: rank} }

// task draws the numbers from the round's randomness. The miners see the public
// part; the private part stays with the validator until the epoch has ended.
func task(r *abi.TaskRequest) (abi.Task, error) {
	rnd := sdk.NewRand(r.Beta, 0)
	public, sum := cbor.AppendArray(nil, 16), uint64(0)
	for range 16 {
		n := rnd.Uint64n(1000)
		public, sum = cbor.AppendUint(public, n), sum+n
	}
	return abi.Task{Public: public, Private: cbor.AppendUint(nil, sum)}, nil
}

// score gives one for the right sum and 0 for anything else, malformed answers
// included. It sees payloads only, never who sent them.
func score(r *abi.ScoreRequest) (abi.Scores, error) {
	scores := make(abi.Scores, len(r.Payloads))
	for i, p := range r.Payloads {
		if string(p) == string(r.Private) {
			scores[i] = abi.One
		}
	}
	return scores, nil
}

// rank weighs each miner by its mean score of the epoch and remembers nothing.
func rank(r *abi.RankRequest) (abi.Ranks, error) {
	ranks := make(abi.Ranks, len(r.Rows))
	for i, row := range r.Rows {
		for _, s := range row.Scores {
			ranks[i].Weight += s / uint64(len(row.Scores))
		}
	}
	return ranks, nil
}
