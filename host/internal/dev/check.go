package dev

import (
	"context"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/host/internal/event"
)

// checkEpochs is how many paid epochs of each subnet a check waits for.
const checkEpochs = 2

// replayPatience is how long after a payment its evidence is waited for.
const replayPatience = 60 * time.Second

// Check is what `plexus dev --check` found.
type Check struct {
	Kind     string             `json:"event"` // "check", the last of the events
	Subnets  []SubnetCheck      `json:"subnets"`
	Replays  []Verdict          `json:"replays"`
	Altered  string             `json:"altered"` // what replay said of a bundle with one score altered
	Failures []string           `json:"failures"`
	Seconds  map[string]float64 `json:"seconds"` // from start to: first_block, first_payment, end
}

// SubnetCheck is one subnet's part.
type SubnetCheck struct {
	Name    string       `json:"name"`
	Netuid  uint16       `json:"netuid"`
	Epochs  []uint64     `json:"epochs"` // that were paid
	Needed  int          `json:"tasks_needed"`
	Skipped int          `json:"rounds_skipped"`
	Miners  []MinerCheck `json:"miners"`
	Pairs   []PairCheck  `json:"pairs"`
}

// MinerCheck is one miner's part.
type MinerCheck struct {
	Name   string  `json:"name"`
	Say    string  `json:"model"`
	Tasks  int     `json:"tasks"`
	Score  float64 `json:"score"` // mean over the tasks
	Earned uint64  `json:"earned_alpha"`
	sum    uint64
}

// PairCheck is whether one miner came out above another.
type PairCheck struct {
	Better  string `json:"better"`
	Worse   string `json:"worse"`
	Decided bool   `json:"decided"` // both have had as many tasks as it takes
	Holds   bool   `json:"holds"`   // in scores and in earnings
}

// OK reports whether nothing failed.
func (c *Check) OK() bool { return len(c.Failures) == 0 }

func (c *Check) fail(format string, args ...any) {
	c.Failures = append(c.Failures, fmt.Sprintf(format, args...))
}

// replays collects what a stranger says while the network runs.
type replays struct {
	mu   sync.Mutex
	seen map[uint16]map[uint64][]Verdict // by netuid and epoch
}

func (l *replays) add(v Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[v.Netuid] == nil {
		l.seen[v.Netuid] = map[uint64][]Verdict{}
	}
	l.seen[v.Netuid][v.Epoch] = append(l.seen[v.Netuid][v.Epoch], v)
}

func (l *replays) of(netuid uint16, e uint64) []Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Verdict(nil), l.seen[netuid][e]...)
}

// Check waits until every subnet has paid two epochs, while a stranger replays
// all evidence; compares scores and earnings; and sees a forged score found.
func (r *Running) Check(ctx context.Context, say func(string)) (*Check, error) {
	c := &Check{Kind: "check", Seconds: map[string]float64{}}
	for _, s := range r.subnets {
		c.Subnets = append(c.Subnets, SubnetCheck{Name: s.Name, Netuid: uint16(s.netuid), Needed: s.Tasks})
	}
	l := &replays{seen: map[uint16]map[uint64][]Verdict{}}
	g, gctx := errgroup.WithContext(ctx)
	follow, stop := context.WithCancel(gctx)
	defer stop()
	g.Go(func() error {
		return r.follow(follow, func(v Verdict) {
			l.add(v)
			r.report(follow, r.said(v))
		})
	})
	g.Go(func() error {
		defer stop()
		if err := r.awaitPaid(gctx, c, say); err != nil {
			return err
		}
		return r.awaitReplays(gctx, c, l)
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range c.Subnets {
		r.judge(c, &c.Subnets[i], l)
	}
	say("altering one score in a copy of a bundle")
	if err := r.forge(ctx, c); err != nil {
		return nil, err
	}
	if s := r.State.Split(); s != "" {
		c.fail("the nodes disagree: %s", s)
	}
	return c, nil
}

// report hands an event to whoever shows them.
func (r *Running) report(ctx context.Context, e event.Event) {
	select {
	case r.events <- e:
	case <-ctx.Done():
	}
}

// awaitPaid waits until every subnet has paid the epochs that are checked.
func (r *Running) awaitPaid(ctx context.Context, c *Check, say func(string)) error {
	for {
		waiting := 0
		for i := range c.Subnets {
			s := &c.Subnets[i]
			paid := r.State.PaidEpochs(s.Netuid)
			for len(s.Epochs) < checkEpochs && len(s.Epochs) < len(paid) {
				e := paid[len(s.Epochs)]
				s.Epochs = append(s.Epochs, e)
				say(fmt.Sprintf("%s: epoch %d is paid, %d of %d", s.Name, e, len(s.Epochs), checkEpochs))
			}
			if len(s.Epochs) < checkEpochs {
				waiting++
			}
		}
		if waiting == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d subnets have not paid %d epochs: %w", waiting, len(c.Subnets), checkEpochs, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// awaitReplays waits until the evidence of the paid epochs is replayed, and some
// time at the most: what is missing then is a failure of the check.
func (r *Running) awaitReplays(ctx context.Context, c *Check, l *replays) error {
	for over := time.Now().Add(replayPatience); time.Now().Before(over); {
		missing := false
		for i := range c.Subnets {
			for _, e := range c.Subnets[i].Epochs {
				missing = missing || len(l.of(c.Subnets[i].Netuid, e)) < validators
			}
		}
		if !missing {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return nil
}

// judge adds up what the replays say of a subnet and checks its order.
func (r *Running) judge(c *Check, sc *SubnetCheck, l *replays) {
	s := find(r.subnets, sc.Name)
	at := map[string]*MinerCheck{} // by hotkey
	for _, m := range s.Miners {
		sc.Miners = append(sc.Miners, MinerCheck{Name: m.Name, Say: m.Say})
	}
	for i := range sc.Miners {
		at[hotkeyOf(s.account(sc.Miners[i].Name)).String()] = &sc.Miners[i]
	}
	for _, e := range sc.Epochs {
		found := l.of(sc.Netuid, e)
		if len(found) != validators {
			c.fail("%s: epoch %d: %d bundles were replayed, want %d", sc.Name, e, len(found), validators)
		}
		for _, v := range found {
			v.Validator = r.State.Name(v.Validator)
			c.Replays = append(c.Replays, v)
			if v.Verdict != "equal" {
				c.fail("%s: epoch %d: %s: %s: %s%s", sc.Name, e, v.Validator, v.Verdict, v.Difference, v.Error)
			}
			for _, one := range v.Scores {
				if m := at[one.Hotkey]; m != nil {
					m.Tasks += one.Asked
					m.sum += one.Sum
				}
			}
		}
		for hotkey, amount := range r.State.Paid(sc.Netuid, e) {
			if m := at[hotkey]; m != nil {
				m.Earned += amount
			}
		}
	}
	sc.Skipped = r.State.Skipped(sc.Netuid)
	c.order(s.Above, s.Nothing, sc)
}

// order checks that the better miner of each pair scored and earned more,
// wherever both have had enough tasks, and that who is to earn nothing did.
func (c *Check) order(above [][2]string, nothing []string, sc *SubnetCheck) {
	by := map[string]*MinerCheck{}
	for i := range sc.Miners {
		m := &sc.Miners[i]
		if by[m.Name] = m; m.Tasks > 0 {
			m.Score = float64(m.sum) / float64(abi.One) / float64(m.Tasks)
		}
	}
	for _, pair := range above {
		a, b := by[pair[0]], by[pair[1]]
		p := PairCheck{Better: pair[0], Worse: pair[1]}
		if a == nil || b == nil {
			c.fail("%s: there are no two miners %s and %s", sc.Name, pair[0], pair[1])
			continue
		}
		p.Decided = a.Tasks > 0 && b.Tasks > 0 && a.Tasks >= sc.Needed && b.Tasks >= sc.Needed
		p.Holds = a.sum > b.sum && a.Earned > b.Earned
		if p.Decided && a.sum <= b.sum {
			c.fail("%s: %s scored %.4f, not more than %s with %.4f", sc.Name, a.Name, a.Score, b.Name, b.Score)
		}
		if p.Decided && a.Earned <= b.Earned {
			c.fail("%s: %s earned %s α, not more than %s with %s α", sc.Name, a.Name, coins(a.Earned), b.Name, coins(b.Earned))
		}
		sc.Pairs = append(sc.Pairs, p)
	}
	for _, name := range nothing {
		if m := by[name]; m == nil || m.Earned > 0 {
			c.fail("%s: %s earned something, and must not", sc.Name, name)
		}
	}
}

// Table prints the outcome for a person.
func (c *Check) Table(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "subnet\tminer\tmodel\ttasks\tmean score\tearned α")
	for _, s := range c.Subnets {
		for _, m := range s.Miners {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%.4f\t%s\n", s.Name, m.Name, m.Say, m.Tasks, m.Score, coins(m.Earned))
		}
	}
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "subnet\texpected order\ttasks needed\toutcome")
	for _, s := range c.Subnets {
		for _, p := range s.Pairs {
			say := map[bool]string{true: "holds", false: "FAILED"}[p.Holds]
			if !p.Decided {
				say = "not yet decided: too few tasks; so far it " + map[bool]string{true: "holds", false: "does not hold"}[p.Holds]
			}
			fmt.Fprintf(t, "%s\t%s above %s\t%d\t%s\n", s.Name, p.Better, p.Worse, s.Needed, say)
		}
	}
	t.Flush()
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "subnet\tepoch\tvalidator\treplay\trounds\tscores\tfuel\tengine\tseconds")
	for _, v := range c.Replays {
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%d\t%.1e\t%s\t%.1f\n", c.name(v.Netuid), v.Epoch, v.Validator, v.Verdict, v.Rounds, v.Leaves, float64(v.Fuel), v.Engine, v.Seconds)
	}
	t.Flush()
	fmt.Fprintf(w, "\nwith one score altered, replay says: %s\n", c.Altered)
	fmt.Fprintf(w, "first block after %.1f s, first payment after %.1f s, all after %.1f s\n\n", c.Seconds["first_block"], c.Seconds["first_payment"], c.Seconds["end"])
	for _, f := range c.Failures {
		fmt.Fprintln(w, "FAILED: "+f)
	}
	if c.OK() {
		fmt.Fprintf(w, "check passed: %d subnets paid %d epochs each, %d bundles replayed equal\n", len(c.Subnets), checkEpochs, len(c.Replays))
	}
}

func (c *Check) name(netuid uint16) string {
	for _, s := range c.Subnets {
		if s.Netuid == netuid {
			return s.Name
		}
	}
	return fmt.Sprint(netuid)
}

// coins writes smallest units as coins with four decimals.
func coins(v uint64) string { return fmt.Sprintf("%d.%04d", v/1e9, v%1e9/1e5) }
