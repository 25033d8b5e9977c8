package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/plexus-network/plexus/ledger"
)

// followPause is how often a follower looks for evidence.
const followPause = time.Second

// follow replays the evidence of the named subnets, or of all, as it is revealed:
// each bundle once, from the newest epoch that could be replayed at the start on.
// It prints a verdict a line and ends with ctx; what differs or is missing does not
// end it, but decides the exit code.
func (j *replayJob) follow(ctx context.Context, only map[ledger.NetUID]bool) error {
	next := map[ledger.NetUID]ledger.Epoch{}
	var all []verdict
	for {
		err := j.newer(ctx, only, next, func(v verdict) error {
			all = append(all, verdict{Verdict: v.Verdict})
			if j.f.json {
				return json.NewEncoder(j.c.OutOrStdout()).Encode(v)
			}
			fmt.Fprintln(j.c.OutOrStdout(), v.line())
			return nil
		})
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "plexus: trying again:", err)
		}
		select {
		case <-ctx.Done():
			return outcome(all)
		case <-time.After(followPause):
		}
	}
}

// newer replays what can be replayed now and was not. next is the first epoch of
// each subnet that is left.
func (j *replayJob) newer(ctx context.Context, only map[ledger.NetUID]bool, next map[ledger.NetUID]ledger.Epoch, each func(verdict) error) error {
	v, err := j.r.View(ctx)
	if err != nil {
		return err
	}
	nets, err := ledger.Subnets(v)
	if err != nil {
		return err
	}
	for _, n := range nets {
		if len(only) > 0 && !only[n] {
			continue
		}
		clock, err := ledger.LoadClock(v, n)
		if err != nil {
			return err
		}
		if clock == nil || clock.Epoch < 2 {
			continue
		}
		last := clock.Epoch - 2 // whose reveals are over
		if _, known := next[n]; !known {
			next[n] = last
		}
		for ; next[n] <= last; next[n]++ {
			out, err := j.epochOf(ctx, n, next[n])
			var none *coded
			if err != nil && !errors.As(err, &none) { // nobody committed: there is nothing to replay
				return fmt.Errorf("netuid %d epoch %d: %w", n, next[n], err)
			}
			for _, one := range out {
				if err := each(one); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// epochOf replays all validators of one epoch.
func (j *replayJob) epochOf(ctx context.Context, n ledger.NetUID, e ledger.Epoch) ([]verdict, error) {
	f := *j.f
	f.netuid, f.epoch, f.validator = uint16(n), int64(e), ""
	one := replayJob{c: j.c, f: &f, r: j.r, src: j.src, engines: j.engines, modules: j.modules}
	out, err := one.epoch(ctx)
	j.modules = one.modules
	return out, err
}
