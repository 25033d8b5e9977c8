package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// checkEpochs is how many paid epochs a check waits for.
const checkEpochs = 2

// Check is what `plexus dev --check` found.
type Check struct {
	Kind     string             `json:"event"` // "check", the last of the events
	Epochs   []uint64           `json:"epochs"`
	Miners   []MinerCheck       `json:"miners"`
	Replays  []Verdict          `json:"replays"`
	Altered  string             `json:"altered"` // what replay said of a bundle with one score altered
	Failures []string           `json:"failures"`
	Seconds  map[string]float64 `json:"seconds"` // from start to: first_block, first_payment, end
}

// MinerCheck is one miner's part.
type MinerCheck struct {
	Name   string  `json:"name"`
	Tasks  int     `json:"tasks"`
	Score  float64 `json:"score"` // mean over the tasks
	Earned uint64  `json:"earned_alpha"`
	sum    uint64
}

// OK reports whether nothing failed.
func (c *Check) OK() bool { return len(c.Failures) == 0 }

func (c *Check) fail(format string, args ...any) {
	c.Failures = append(c.Failures, fmt.Sprintf(format, args...))
}

// Check waits until two epochs are paid, then replays all of their evidence from
// outside, compares scores and earnings, and sees a forged score found.
func (r *Running) Check(ctx context.Context, say func(string)) (*Check, error) {
	c := &Check{Kind: "check", Seconds: map[string]float64{}}
	for len(c.Epochs) < checkEpochs {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("only %d of %d epochs were paid: %w", len(c.Epochs), checkEpochs, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
		paid := r.State.PaidEpochs()
		if len(paid) == len(c.Epochs) {
			continue
		}
		e := paid[len(c.Epochs)]
		c.Epochs = append(c.Epochs, e)
		say(fmt.Sprintf("epoch %d is paid; replaying its evidence from a process with an empty home", e))
		if err := r.replayAll(ctx, c, e); err != nil {
			return nil, err
		}
	}
	r.compare(c)
	say("altering one score in a copy of a bundle")
	if err := r.forge(ctx, c); err != nil {
		return nil, err
	}
	if s := r.State.Split(); s != "" {
		c.fail("the nodes disagree: %s", s)
	}
	return c, nil
}

// replayAll replays every bundle of an epoch and adds up what they say.
func (r *Running) replayAll(ctx context.Context, c *Check, e uint64) error {
	v, code, err := r.Replay(ctx, "--netuid", fmt.Sprint(netuid), "--epoch", fmt.Sprint(e))
	if err != nil {
		c.fail("epoch %d: %v", e, err)
		return ctx.Err()
	}
	if code != 0 || len(v) != validators {
		c.fail("epoch %d: replay of %d bundles ended with code %d, want %d bundles and code 0", e, len(v), code, validators)
	}
	for _, one := range v {
		one.Validator = r.State.Name(one.Validator)
		c.Replays = append(c.Replays, one)
		if one.Verdict != "equal" {
			c.fail("epoch %d: %s: %s: %s%s", e, one.Validator, one.Verdict, one.Difference, one.Error)
		}
		for _, s := range one.Scores {
			m := c.miner(r.State.Name(s.Hotkey))
			m.Tasks += s.Asked
			m.sum += s.Sum
		}
	}
	for name, amount := range r.State.Paid(e) {
		for _, m := range minerKinds {
			if m.Name == name {
				c.miner(name).Earned += amount
			}
		}
	}
	return nil
}

func (c *Check) miner(name string) *MinerCheck {
	for i := range c.Miners {
		if c.Miners[i].Name == name {
			return &c.Miners[i]
		}
	}
	c.Miners = append(c.Miners, MinerCheck{Name: name})
	return &c.Miners[len(c.Miners)-1]
}

// compare checks that the better miner scored and earned more, the constant and
// the copier least, and that none of them scored nothing.
func (r *Running) compare(c *Check) {
	for i := range c.Miners {
		if m := &c.Miners[i]; m.Tasks > 0 {
			m.Score = float64(m.sum) / float64(abi.One) / float64(m.Tasks)
		}
	}
	// better, worse
	for _, pair := range [][2]string{{"mix", "order0"}, {"order0", "constant"}, {"order0", "copy"}} {
		a, b := c.miner(pair[0]), c.miner(pair[1])
		if a.Score <= b.Score {
			c.fail("%s scored %.4f, not more than %s with %.4f", a.Name, a.Score, b.Name, b.Score)
		}
		if a.Earned <= b.Earned {
			c.fail("%s earned %s α, not more than %s with %s α", a.Name, coins(a.Earned), b.Name, coins(b.Earned))
		}
	}
	for i := range c.Miners {
		if m := &c.Miners[i]; m.Score == 0 || m.Earned == 0 {
			c.fail("%s scored %.4f and earned %s α: each of the four must score and earn something", m.Name, m.Score, coins(m.Earned))
		}
	}
}

// forge alters one score in a copy of a bundle and checks that a stranger's
// replay names the miner, and both values.
func (r *Running) forge(ctx context.Context, c *Check) error {
	if len(c.Replays) == 0 {
		return errors.New("no bundle to alter")
	}
	last := c.Replays[len(c.Replays)-1]
	v, err := r.Client().View(ctx)
	if err != nil {
		return err
	}
	var hot ledger.Hotkey
	for i := range producers {
		if producerName(i) == last.Validator {
			hot = hotkeyOf(last.Validator)
		}
	}
	com, err := ledger.LoadCommitted(v, netuid, last.Epoch, hot)
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
	roster, err := ledger.LoadRoster(v, netuid, last.Epoch)
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
	if len(out) == 1 {
		c.Altered = out[0].Difference
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

// Table prints the outcome for a person.
func (c *Check) Table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "miner\tmodel\ttasks\tmean score\tearned α")
	for _, k := range minerKinds {
		m := c.miner(k.Name)
		fmt.Fprintf(t, "%s\t%s\t%d\t%.4f\t%s\n", m.Name, k.Say, m.Tasks, m.Score, coins(m.Earned))
	}
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "epoch\tvalidator\treplay\trounds\tscores\tengine\tseconds")
	for _, v := range c.Replays {
		fmt.Fprintf(t, "%d\t%s\t%s\t%d\t%d\t%s\t%.1f\n", v.Epoch, v.Validator, v.Verdict, v.Rounds, v.Leaves, v.Engine, v.Seconds)
	}
	t.Flush()
	fmt.Fprintf(w, "\nwith one score altered, replay says: %s\n", c.Altered)
	fmt.Fprintf(w, "first block after %.1f s, first payment after %.1f s, all after %.1f s\n\n", c.Seconds["first_block"], c.Seconds["first_payment"], c.Seconds["end"])
	for _, f := range c.Failures {
		fmt.Fprintln(w, "FAILED: "+f)
	}
	if c.OK() {
		fmt.Fprintf(w, "check passed: epochs %v paid, %d bundles replayed equal\n", c.Epochs, len(c.Replays))
	}
}

// coins writes smallest units as coins with four decimals.
func coins(v uint64) string { return fmt.Sprintf("%d.%04d", v/1e9, v%1e9/1e5) }
