package trial

import (
	"context"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// Request makes the request of an operation as a node would, from the task of the
// first seed: for score and check the task and the answers, for rank an epoch
// with one row for each answer and its score, for merge the answers, for render
// and parse the first answer. It calls what comes before.
func Request(ctx context.Context, m plugins.Caller, opt Options, op abi.Op, answers [][]byte) ([]byte, error) {
	opt.defaults()
	g := &game{ctx: ctx, m: m, opt: opt, fuel: map[abi.Op][]uint64{}}
	first := func() []byte {
		if len(answers) > 0 {
			return answers[0]
		}
		return nil
	}
	switch op {
	case abi.OpDescribe:
		return nil, nil
	case abi.OpRender, abi.OpParse:
		return first(), nil
	case abi.OpMerge:
		return g.mergeRequest(answers), nil
	case abi.OpTask:
		return g.taskRequest(opt.Seed), nil
	}
	t, _, err := g.draw(opt.Seed)
	if err != nil {
		return nil, fmt.Errorf("the task of seed %d: %w", opt.Seed, err)
	}
	switch op {
	case abi.OpScore:
		order := make([]int, len(answers))
		for i := range order {
			order[i] = i
		}
		return g.scoreRequest(&t, answers, order), nil
	case abi.OpCheck:
		r := abi.CheckRequest{Params: opt.Params, Public: t.Public, Payload: first()}
		return r.Append(nil), nil
	case abi.OpSolve:
		r := abi.SolveRequest{Params: opt.Params, Public: t.Public, Seed: Beta(opt.Seed ^ 1<<63)}
		return r.Append(nil), nil
	case abi.OpRank:
		scores, err := g.score(&t, answers)
		if err != nil {
			return nil, err
		}
		r := abi.RankRequest{Params: opt.Params}
		for _, s := range scores {
			r.Rows = append(r.Rows, abi.Row{Carry: []byte{}, Scores: []uint64{s}})
		}
		return r.Append(nil), nil
	}
	return nil, fmt.Errorf("unknown operation %s", op)
}
