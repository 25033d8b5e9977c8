package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// forge alters one score in a copy of a bundle and checks that a stranger's
// replay names the miner, and both values.
func (r *Running) forge(ctx context.Context, c *Check) error {
	if len(c.Replays) == 0 {
		return errors.New("no bundle to alter")
	}
	last := c.Replays[0] // of the first subnet, whose module the least takes
	n := ledger.NetUID(last.Netuid)
	v, err := r.Client().View(ctx)
	if err != nil {
		return err
	}
	com, err := ledger.LoadCommitted(v, n, last.Epoch, hotkeyOf(last.Validator))
	if err != nil || com == nil {
		return fmt.Errorf("the commitment of %s for epoch %d: %v", last.Validator, last.Epoch, err)
	}
	b, err := r.Client().Bundle(ctx, com.Evidence, nil)
	if err != nil {
		return err
	}
	victim, where := alter(b)
	if victim < 0 {
		c.fail("no answered leaf to alter in the bundle of %s", last.Validator)
		return nil
	}
	roster, err := ledger.LoadRoster(v, n, last.Epoch)
	if err != nil {
		return err
	}
	file, err := b.Encode()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "plexus-forged-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "forged.bundle")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		return err
	}
	out, code, err := r.Replay(ctx, "--bundle", name)
	if err != nil {
		return err
	}
	hotkey := roster[victim].Hotkey.String()
	for _, v := range out { // a second one is the referee's, of what the compiler found
		if c.Altered = v.Difference; c.Altered == "" {
			break
		}
	}
	if want := fmt.Sprintf("round %d", where); code != 1 || !strings.Contains(c.Altered, hotkey) || !strings.Contains(c.Altered, "score") || !strings.Contains(c.Altered, want) {
		c.fail("replay of a bundle whose %s was altered for %s ended with code %d and said %q", want, hotkey, code, c.Altered)
	}
	c.Altered = strings.ReplaceAll(c.Altered, hotkey, r.State.Name(hotkey))
	return nil
}

// alter raises the score of the last answered leaf by a quarter of the scale,
// and returns its roster index and its round.
func alter(b *evidence.Bundle) (index, round int) {
	for i := len(b.Rounds) - 1; i >= 0; i-- {
		for j := range b.Rounds[i].Responses {
			l := &b.Rounds[i].Responses[j].Leaf
			if l.Status == evidence.Answered && l.Score < abi.One/2 {
				l.Score += abi.One / 4
				return int(l.Index), i
			}
		}
	}
	return -1, 0
}
