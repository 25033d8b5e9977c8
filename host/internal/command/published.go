package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// epochFlags choose what validators published for an epoch of a subnet.
type epochFlags struct {
	join      string
	netuid    uint16
	epoch     int64
	validator string
}

func (f *epochFlags) add(c *cobra.Command) {
	c.Flags().Uint16Var(&f.netuid, "netuid", 1, "subnet")
	c.Flags().Int64Var(&f.epoch, "epoch", -1, "epoch (default: the last one that was revealed)")
	c.Flags().StringVar(&f.validator, "validator", "", "hotkey of one validator (default: all that committed)")
	joinFlag(c, &f.join)
}

// published is what one validator committed for an epoch.
type published struct {
	netuid    ledger.NetUID
	epoch     ledger.Epoch
	validator ledger.Member
	committed *ledger.Committed // nil for one that did not
	revealed  *ledger.Opening   // nil for one that did not
}

// each fetches what the flags choose and calls fn with one bundle after another, nil
// with the reason for one that is not to be had. It ends with fn's first error.
func (f *epochFlags) each(ctx context.Context, fn func(v ledger.View, p *published, b *evidence.Bundle, missing error) error) error {
	r, err := dial(ctx, f.join)
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := r.View(ctx)
	if err != nil {
		return err
	}
	all, err := f.find(v)
	if err != nil {
		return err
	}
	for i := range all {
		b, missing := all[i].fetch(ctx, r)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fn(v, &all[i], b, missing); err != nil {
			return err
		}
	}
	return nil
}

// find lists what the flags choose: the members of the epoch's roster that
// committed. That there are none is an error with exit code 2.
func (f *epochFlags) find(v ledger.View) ([]published, error) {
	n := ledger.NetUID(f.netuid)
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	if clock == nil {
		return nil, noSubnet(n)
	}
	e := uint64(f.epoch)
	if f.epoch < 0 {
		if e, err = lastCommitted(v, n, clock.Epoch); err != nil {
			return nil, err
		}
	}
	var only ledger.Hotkey
	if f.validator != "" {
		if only, err = key.Parse(f.validator); err != nil {
			return nil, err
		}
	}
	all, err := publishedIn(v, n, e)
	if err != nil {
		return nil, err
	}
	if all == nil {
		return nil, &coded{exitUnavailable, fmt.Errorf("epoch %d of netuid %d has not begun, or is older than what the chain keeps: epoch %d is running", e, n, clock.Epoch)}
	}
	var out []published
	known := false
	for _, p := range all {
		known = known || p.validator.Hotkey == only
		if p.committed != nil && (f.validator == "" || p.validator.Hotkey == only) {
			out = append(out, p)
		}
	}
	switch {
	case f.validator != "" && !known:
		return nil, usage("%s is not in the roster of epoch %d", only, e)
	case len(out) == 0 && f.validator != "":
		return nil, &coded{exitUnavailable, fmt.Errorf("%s committed no weights for epoch %d of netuid %d", only, e, n)}
	case len(out) == 0:
		return nil, &coded{exitUnavailable, fmt.Errorf("nobody committed weights for epoch %d of netuid %d", e, n)}
	}
	return out, nil
}

// publishedIn lists the members of an epoch's roster with what they published,
// nil for an epoch that has no roster.
func publishedIn(v ledger.View, n ledger.NetUID, e ledger.Epoch) ([]published, error) {
	roster, err := ledger.LoadRoster(v, n, e)
	if err != nil || roster == nil {
		return nil, err
	}
	out := make([]published, len(roster))
	for i := range roster {
		out[i] = published{netuid: n, epoch: e, validator: roster[i]}
		if !roster[i].Permit {
			continue
		}
		if out[i].committed, err = ledger.LoadCommitted(v, n, e, roster[i].Hotkey); err != nil {
			return nil, err
		}
		if out[i].revealed, err = ledger.LoadReveal(v, n, e, roster[i].Hotkey); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// lastCommitted finds the newest epoch before the last one, whose reveals are
// over, for which anybody committed weights.
func lastCommitted(v ledger.View, n ledger.NetUID, running ledger.Epoch) (ledger.Epoch, error) {
	for back := ledger.Epoch(2); back <= running && back <= ledger.CarryEpochs; back++ {
		all, err := publishedIn(v, n, running-back)
		if err != nil {
			return 0, err
		}
		for i := range all {
			if all[i].committed != nil {
				return running - back, nil
			}
		}
	}
	return 0, &coded{exitUnavailable, fmt.Errorf("no weights of netuid %d are revealed yet, and epoch %d is running: those of an epoch can be replayed once the next one has ended", n, running)}
}

// fetch gets a bundle into memory, with a bar on a terminal; a node that serves
// it may need a moment to be found.
func (p *published) fetch(ctx context.Context, r *remote.Remote) (b *evidence.Bundle, err error) {
	err = p.tries(ctx, func(bar func(done, total int64)) (err error) {
		b, err = r.Bundle(ctx, p.committed.Evidence, bar, p.validator.Work.Peer)
		return err
	})
	return b, err
}

func (p *published) tries(ctx context.Context, get func(bar func(done, total int64)) error) error {
	bar := progress.New(os.Stderr, "bytes")
	defer bar.Done()
	var err error
	for try := range 3 {
		if try > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
		if err = get(bar.Set); err == nil || !errors.Is(err, p2p.ErrNoBlob) {
			return err
		}
	}
	return err
}

// name is the file that `evidence get` makes of a bundle.
func (p *published) name() string {
	return fmt.Sprintf("netuid%d-epoch%d-%s.bundle", p.netuid, p.epoch, p.validator.Hotkey.Short())
}

// isDir reports whether a name is a folder.
func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir() || errors.Is(err, fs.ErrNotExist) && len(name) > 0 && os.IsPathSeparator(name[len(name)-1])
}
