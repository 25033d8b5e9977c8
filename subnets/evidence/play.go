package evidence

import (
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// playAtOnce bounds how many rounds are replayed at once, and with it the memory
// that their modules may take.
const playAtOnce = 4

// play replays the rounds, several at once, up to the first that differs or
// fails. Whichever ends first, that one is the same: no round before it is left
// out. tick is called after each, not at once.
func (r *replay) play(tick func()) error {
	parts := make([]Report, len(r.b.Rounds))
	errs := make([]error, len(parts))
	end := len(parts) // rounds from here on need not be run
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(min(runtime.GOMAXPROCS(0), playAtOnce))
	for i := range parts {
		g.Go(func() error {
			mu.Lock()
			over := i >= end
			mu.Unlock()
			if over {
				return nil
			}
			one := *r
			one.report = &parts[i]
			errs[i] = r.ctx.Err()
			if errs[i] == nil {
				errs[i] = one.round(&r.b.Rounds[i], i)
			}
			mu.Lock()
			defer mu.Unlock()
			if errs[i] != nil || parts[i].Diff != nil {
				end = min(end, i+1)
				return nil
			}
			tick()
			return nil
		})
	}
	g.Wait() // no round returns an error here
	sum := r.report
	for i, p := range parts[:end] {
		if errs[i] != nil {
			return errs[i]
		}
		sum.Rounds, sum.Leaves, sum.Fuel, sum.Diff = sum.Rounds+p.Rounds, sum.Leaves+p.Leaves, sum.Fuel+p.Fuel, p.Diff
	}
	return nil
}
