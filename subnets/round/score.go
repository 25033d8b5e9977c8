package round

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins"
)

// Errors of a module that breaks a rule the host checks.
var (
	ErrInputs  = errors.New("round: the task asks for what the chain cannot give")
	ErrUnequal = errors.New("round: equal payloads were scored unequally")
)

// Task draws the task of a round from the module.
func Task(ctx context.Context, m plugins.Caller, beta [32]byte, terms Terms) (abi.Task, uint64, error) {
	req := abi.TaskRequest{Beta: beta, Params: terms.Params, Slices: terms.Slices, Artifact: terms.Artifact, Height: terms.Height, Last: terms.Last}
	out, err := m.Call(ctx, abi.OpTask, req.Append(nil), beta)
	if err != nil {
		return abi.Task{}, 0, err
	}
	t, err := abi.DecodeTask(out.Body)
	if err != nil {
		return t, out.Fuel, fmt.Errorf("%w: task: %w", plugins.ErrABI, err)
	}
	if err := t.CheckInputs(terms.Height, terms.Last); err != nil {
		return t, out.Fuel, fmt.Errorf("%w: %w", ErrInputs, err)
	}
	return t, out.Fuel, nil
}

// Score scores the payloads of a round and returns the scores in the order
// given. inputs are the values of the task's inputs, in their order. The module
// sees the payloads in the order of their hashes and nothing else. Equal payloads
// must have equal scores; unless the manifest keeps them, k equal payloads divide
// theirs, rounding down.
func Score(ctx context.Context, m plugins.Caller, beta [32]byte, params []byte, t abi.Task, inputs, payloads [][]byte) ([]uint64, uint64, error) {
	if len(payloads) == 0 {
		return nil, 0, nil
	}
	order := make([]int, len(payloads))
	hashes := make([][32]byte, len(payloads))
	for i, p := range payloads {
		order[i], hashes[i] = i, key.Hash("payload-order", p)
	}
	sort.SliceStable(order, func(a, b int) bool { return bytes.Compare(hashes[order[a]][:], hashes[order[b]][:]) < 0 })
	req := abi.ScoreRequest{Params: params, Public: t.Public, Private: t.Private, Inputs: inputs, Payloads: make([][]byte, len(order))}
	for i, j := range order {
		req.Payloads[i] = payloads[j]
	}
	out, err := m.Call(ctx, abi.OpScore, req.Append(nil), key.Hash("seed-score", beta[:]))
	if err != nil {
		return nil, 0, err
	}
	got, err := abi.DecodeScores(out.Body, len(payloads))
	if err != nil {
		return nil, out.Fuel, fmt.Errorf("%w: score: %w", plugins.ErrABI, err)
	}
	scores := make([]uint64, len(payloads))
	keep := m.Manifest().Keep
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && hashes[order[j]] == hashes[order[i]] {
			if got[j] != got[i] {
				return nil, out.Fuel, ErrUnequal
			}
			j++
		}
		share := got[i]
		if !keep {
			share /= uint64(j - i)
		}
		for ; i < j; i++ {
			scores[order[i]] = share
		}
	}
	return scores, out.Fuel, nil
}

// Rank turns an epoch's scores into weights. The rows stand in the order of the
// roster; the module sees them shuffled by the epoch's seed. The ranks are
// returned in the order of the roster.
func Rank(ctx context.Context, m plugins.Caller, seed [32]byte, params []byte, rows []abi.Row) (abi.Ranks, uint64, error) {
	perm := Shuffle(seed, len(rows))
	req := abi.RankRequest{Params: params, Rows: make([]abi.Row, len(rows))}
	for i, j := range perm {
		req.Rows[i] = rows[j]
	}
	out, err := m.Call(ctx, abi.OpRank, req.Append(nil), key.Hash("seed-rank", seed[:]))
	if err != nil {
		return nil, 0, err
	}
	got, err := abi.DecodeRanks(out.Body, len(rows))
	if err != nil {
		return nil, out.Fuel, fmt.Errorf("%w: rank: %w", plugins.ErrABI, err)
	}
	ranks := make(abi.Ranks, len(rows))
	for i, j := range perm {
		ranks[j] = got[i]
	}
	return ranks, out.Fuel, nil
}
