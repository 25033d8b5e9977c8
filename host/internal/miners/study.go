package miners

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/plexus-network/plexus/examples/engines/study"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// studyPause is how often a student looks for evidence, and studyKeep how many
// epochs it keeps answers of.
const (
	studyPause = 2 * time.Second
	studyKeep  = 2
)

// student collects what miners of a subnet answered, once it is published, in a
// folder for engines that learn from it.
type student struct {
	netuid ledger.NetUID
	dir    string
	r      *remote.Remote
	log    *slog.Logger
	done   map[[32]byte]ledger.Epoch // bundles read
}

// run studies until ctx ends. What cannot be had now is tried again.
func (s *student) run(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	for {
		if err := s.once(ctx); err != nil && ctx.Err() == nil {
			s.log.Debug("studying evidence", "netuid", s.netuid, "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(studyPause):
		}
	}
}

// once reads what was committed for the last epoch, from the close of its commit
// window on.
func (s *student) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	v, err := s.r.View(ctx)
	if err != nil {
		return err
	}
	clock, err := ledger.LoadClock(v, s.netuid)
	if err != nil || clock == nil || clock.Epoch == 0 {
		return err
	}
	sub, err := ledger.LoadSubnet(v, s.netuid)
	if err != nil || sub == nil || v.Height()+1 < clock.First+sub.Params.CommitWindow() {
		return err
	}
	e := clock.Epoch - 1
	roster, err := ledger.LoadRoster(v, s.netuid, e)
	if err != nil {
		return err
	}
	for i := range roster {
		com, err := ledger.LoadCommitted(v, s.netuid, e, roster[i].Hotkey)
		if err != nil {
			return err
		}
		if com == nil {
			continue
		}
		if _, read := s.done[com.Evidence]; read {
			continue
		}
		b, err := s.r.Bundle(ctx, com.Evidence, nil)
		if err == nil {
			err = s.write(b)
		}
		if err != nil {
			return err
		}
		s.done[com.Evidence] = e
	}
	for root, at := range s.done {
		if at+studyKeep < e {
			delete(s.done, root)
		}
	}
	return nil
}

// write keeps a bundle's answers and drops those of epochs long past.
func (s *student) write(b *evidence.Bundle) error {
	var errs []error
	for i := range b.Rounds {
		for _, r := range b.Rounds[i].Responses {
			if r.Leaf.Status != evidence.Answered {
				continue
			}
			name := fmt.Sprintf("%d-%s-%d-%d", b.Epoch, b.Validator.Short(), i, r.Leaf.Index)
			err := study.Write(s.dir, name, r.Leaf.Score, r.Payload.Data)
			if !errors.Is(err, study.ErrTooLong) { // too long to be worth keeping
				errs = append(errs, err)
			}
		}
	}
	if b.Epoch >= studyKeep {
		old, _ := filepath.Glob(filepath.Join(s.dir, fmt.Sprintf("%d-*", b.Epoch-studyKeep))) // the pattern is well formed
		for _, f := range old {
			errs = append(errs, os.Remove(f))
		}
	}
	return errors.Join(errs...)
}
