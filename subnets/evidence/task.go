package evidence

import (
	"context"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
)

// Task draws the task of a round again, which a bundle holds by its hash only,
// for showing it to a person. It is an error when the round was skipped, or its
// task is not the one that the bundle names.
func Task(ctx context.Context, v ledger.View, m plugins.Caller, b *Bundle, i int) (t abi.Task, err error) {
	if i < 0 || i >= len(b.Rounds) || b.Rounds[i].Skipped {
		return t, fmt.Errorf("evidence: round %d was not run", i)
	}
	r := &replay{ctx: ctx, m: m, b: b, report: &Report{}}
	if err := r.load(v); err != nil {
		return t, err
	}
	rd := &b.Rounds[i]
	var beta [32]byte
	var data [][]byte
	for _, step := range []func() error{r.identity,
		func() (err error) { beta, data, err = r.drawn(rd, i); return err },
		func() (err error) { t, err = r.task(rd, i, beta, data); return err }} {
		if err := step(); err != nil {
			return t, err
		}
		if r.report.Diff != nil {
			return t, fmt.Errorf("evidence: %s", r.report.Diff)
		}
	}
	return t, nil
}
