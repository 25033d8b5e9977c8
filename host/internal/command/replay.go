package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// verdict is the outcome of replaying one validator's epoch, as --json prints it.
type verdict struct {
	Netuid     uint16       `json:"netuid"`
	Epoch      uint64       `json:"epoch"`
	Validator  string       `json:"validator"`
	Verdict    string       `json:"verdict"` // equal, different, unavailable
	Evidence   string       `json:"evidence,omitempty"`
	Engine     string       `json:"engine"`
	Rounds     int          `json:"rounds"`
	Leaves     int          `json:"leaves"`
	Fuel       uint64       `json:"fuel"`
	Seconds    float64      `json:"seconds"`
	Difference string       `json:"difference,omitempty"`
	Error      string       `json:"error,omitempty"`
	Scores     []minerTotal `json:"scores,omitempty"`
}

// minerTotal sums a miner's scores of one validator's epoch.
type minerTotal struct {
	Hotkey string `json:"hotkey"`
	Asked  int    `json:"asked"`
	Sum    uint64 `json:"sum"` // Q32.32
}

type replayFlags struct {
	join      string
	netuid    uint16
	epoch     int64
	validator string
	file      string
	engine    string
	json      bool
	follow    bool
}

func replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay",
		Short: "Recompute validators' scores from their evidence, trusting nobody",
		Long: `Fetches the evidence of an epoch over p2p, proves the epoch's record, roster, commitments
and reveals against a block header, and recomputes everything: proofs, asked sets, tasks,
signatures, scores, weights. Prints "equal", or the first thing that differs with both values. With --follow it goes on, epoch after epoch,
until Ctrl-C.

Exit codes: 0 equal, 1 different, 2 the evidence is not to be had.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return replay(c, &f) },
	}
	c.Flags().Uint16Var(&f.netuid, "netuid", 1, "subnet")
	c.Flags().Int64Var(&f.epoch, "epoch", -1, "epoch (default: the last one that was revealed)")
	c.Flags().StringVar(&f.validator, "validator", "", "hotkey of one validator (default: all that committed)")
	c.Flags().BoolVar(&f.follow, "follow", false, "go on: replay all validators of all subnets, or of --netuid, as evidence appears; with --json a verdict a line")
	c.Flags().StringVar(&f.file, "bundle", "", "replay this file instead of fetching the evidence")
	c.Flags().StringVar(&f.engine, "engine", "interpreter", "engine of the module: interpreter, compiler or both")
	jsonFlag(c, &f.json, []verdict{})
	joinFlag(c, &f.join)
	return c
}

func replay(c *cobra.Command, f *replayFlags) error {
	ctx := c.Context()
	engines, err := engineNames(f.engine)
	if err != nil {
		return err
	}
	r, err := dial(ctx, f.join)
	if err != nil {
		return err
	}
	defer r.Close()
	job := &replayJob{c: c, f: f, r: r, engines: engines}
	if f.follow {
		if f.file != "" || f.epoch >= 0 || f.validator != "" {
			return usage("--follow takes neither --bundle nor --epoch nor --validator")
		}
		only := map[ledger.NetUID]bool{}
		if c.Flags().Changed("netuid") {
			only[ledger.NetUID(f.netuid)] = true
		}
		return job.follow(ctx, only)
	}
	var out []verdict
	if f.file != "" {
		out, err = job.file(ctx)
	} else {
		out, err = job.epoch(ctx)
	}
	if err != nil {
		return err
	}
	return report(c, f, out)
}

func engineNames(flag string) ([]string, error) {
	switch flag {
	case "interpreter", "compiler":
		return []string{flag}, nil
	case "both":
		return []string{"compiler", "interpreter"}, nil
	}
	return nil, usage("--engine %q: want interpreter, compiler or both", flag)
}

// replayJob is one run of the command.
type replayJob struct {
	c       *cobra.Command
	f       *replayFlags
	r       *remote.Remote
	engines []string
	modules map[string]*wasm.Module // by engine and id
}

// file replays a bundle given as a file.
func (j *replayJob) file(ctx context.Context) ([]verdict, error) {
	info, err := os.Stat(j.f.file)
	if err != nil {
		return nil, err
	}
	if info.Size() > evidence.MaxBundle {
		return nil, fmt.Errorf("%s: %d bytes, a bundle has at most %d", j.f.file, info.Size(), evidence.MaxBundle)
	}
	raw, err := os.ReadFile(j.f.file)
	if err != nil {
		return nil, err
	}
	b, err := evidence.Unpack(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.f.file, err)
	}
	return j.bundle(ctx, b)
}

// epoch replays every validator that committed for the epoch, or the one named.
func (j *replayJob) epoch(ctx context.Context) ([]verdict, error) {
	n := ledger.NetUID(j.f.netuid)
	v, err := j.r.View(ctx)
	if err != nil {
		return nil, err
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	if clock == nil {
		return nil, usage("no subnet has netuid %d", n)
	}
	e := uint64(j.f.epoch)
	if j.f.epoch < 0 {
		if e, err = lastCommitted(v, n, clock.Epoch); err != nil {
			return nil, err
		}
	}
	roster, err := ledger.LoadRoster(v, n, e)
	if err != nil {
		return nil, err
	}
	if roster == nil {
		return nil, &coded{exitUnavailable, fmt.Errorf("epoch %d of netuid %d has not begun: epoch %d is running", e, n, clock.Epoch)}
	}
	var only ledger.Hotkey
	if j.f.validator != "" {
		if only, err = key.Parse(j.f.validator); err != nil {
			return nil, err
		}
		if roster.Index(only) < 0 {
			return nil, usage("%s is not in the roster of epoch %d", only, e)
		}
	}
	var out []verdict
	for i := range roster {
		hot := roster[i].Hotkey
		if only != (ledger.Hotkey{}) && hot != only {
			continue
		}
		com, err := ledger.LoadCommitted(v, n, e, hot)
		if err != nil {
			return nil, err
		}
		if com == nil {
			continue
		}
		b, err := j.fetch(ctx, com.Evidence)
		if err != nil {
			out = append(out, verdict{Netuid: j.f.netuid, Epoch: e, Validator: hot.String(), Verdict: "unavailable",
				Evidence: fmt.Sprintf("%x", com.Evidence), Error: err.Error()})
			continue
		}
		done, err := j.bundle(ctx, b)
		if err != nil {
			return nil, err
		}
		out = append(out, done...)
	}
	if len(out) == 0 {
		return nil, &coded{exitUnavailable, fmt.Errorf("nobody committed weights for epoch %d of netuid %d", e, n)}
	}
	return out, nil
}

// lastCommitted finds the newest epoch before the last one, whose reveals are
// over, for which anybody committed weights.
func lastCommitted(v ledger.View, n ledger.NetUID, running ledger.Epoch) (ledger.Epoch, error) {
	for back := ledger.Epoch(2); back <= running && back <= ledger.CarryEpochs; back++ {
		roster, err := ledger.LoadRoster(v, n, running-back)
		if err != nil {
			return 0, err
		}
		for i := range roster {
			if com, err := ledger.LoadCommitted(v, n, running-back, roster[i].Hotkey); err != nil || com != nil {
				return running - back, err
			}
		}
	}
	return 0, &coded{exitUnavailable, fmt.Errorf("no weights of netuid %d are revealed yet, and epoch %d is running: those of an epoch can be replayed once the next one has ended", n, running)}
}

// fetch gets a bundle; a node that serves it may need a moment to be found.
func (j *replayJob) fetch(ctx context.Context, root [32]byte) (*evidence.Bundle, error) {
	var err error
	for try := range 3 {
		if try > 0 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(time.Second):
			}
		}
		var b *evidence.Bundle
		if b, err = j.r.Bundle(ctx, root, nil); err == nil {
			return b, nil
		}
	}
	return nil, err
}

// bundle replays one bundle in each engine.
func (j *replayJob) bundle(ctx context.Context, b *evidence.Bundle) ([]verdict, error) {
	var out []verdict
	for _, engine := range j.engines {
		start := time.Now()
		v, err := j.r.View(ctx)
		if err != nil {
			return nil, err
		}
		res := verdict{Netuid: uint16(b.NetUID), Epoch: b.Epoch, Validator: b.Validator.String(), Verdict: "equal", Engine: engine,
			Evidence: fmt.Sprintf("%x", b.Root()), Scores: totals(v, b)}
		rec, err := ledger.LoadRecord(v, b.NetUID, b.Epoch)
		if err != nil {
			return nil, err
		}
		if rec == nil {
			return nil, &coded{exitUnavailable, fmt.Errorf("the chain has no epoch %d of netuid %d", b.Epoch, b.NetUID)}
		}
		m, err := j.module(ctx, engine, rec.Module)
		if err != nil {
			return nil, err
		}
		bar := j.bar(b, engine)
		rep, err := evidence.Replay(ctx, v, m, b, bar)
		if err != nil {
			if errors.Is(err, evidence.ErrNoReveal) {
				res.Verdict, res.Error = "unavailable", err.Error()
				out = append(out, res)
				continue
			}
			return nil, err
		}
		res.Rounds, res.Leaves, res.Fuel, res.Seconds = rep.Rounds, rep.Leaves, rep.Fuel, time.Since(start).Seconds()
		if !rep.Equal() {
			res.Verdict, res.Difference = "different", rep.Diff.String()
		}
		out = append(out, res)
	}
	return out, nil
}

// module fetches and loads the module of an epoch, once for each engine.
func (j *replayJob) module(ctx context.Context, engine string, id [32]byte) (*wasm.Module, error) {
	name := engine + string(id[:])
	if m, ok := j.modules[name]; ok {
		return m, nil
	}
	raw, err := j.r.Module(ctx, plugins.ID(id), nil)
	if err != nil {
		return nil, &coded{exitUnavailable, fmt.Errorf("fetching module %x: %w", id[:6], err)}
	}
	e, err := wasm.NewEngine(wasm.Config{Interpreter: engine == "interpreter"})
	if err != nil {
		return nil, err
	}
	m, err := e.Load(ctx, raw)
	if err != nil {
		return nil, err
	}
	if j.modules == nil {
		j.modules = map[string]*wasm.Module{}
	}
	j.modules[name] = m
	return m, nil
}

// bar draws progress on a terminal, and nothing elsewhere.
func (j *replayJob) bar(b *evidence.Bundle, engine string) func(done, total int) {
	if j.f.json {
		return nil
	}
	bar := progress.New(os.Stderr, fmt.Sprintf("rounds of %s, epoch %d, %s", b.Validator.Short(), b.Epoch, engine))
	return func(done, total int) {
		bar.Set(int64(done), int64(total))
		if done == total {
			bar.Done()
		}
	}
}

// totals sums the published scores by miner.
func totals(v ledger.View, b *evidence.Bundle) []minerTotal {
	roster, err := ledger.LoadRoster(v, b.NetUID, b.Epoch)
	if err != nil {
		return nil
	}
	at := map[uint16]int{}
	var out []minerTotal
	for i := range b.Rounds {
		for k := range b.Rounds[i].Responses {
			l := &b.Rounds[i].Responses[k].Leaf
			if int(l.Index) >= len(roster) {
				continue
			}
			p, ok := at[l.Index]
			if !ok {
				p = len(out)
				at[l.Index] = p
				out = append(out, minerTotal{Hotkey: roster[l.Index].Hotkey.String()})
			}
			out[p].Asked++
			out[p].Sum += l.Score
		}
	}
	return out
}

// report prints the verdicts and turns them into the exit code.
func report(c *cobra.Command, f *replayFlags, out []verdict) error {
	if f.json {
		if err := printJSON(c, out); err != nil {
			return err
		}
	}
	for _, v := range out {
		if !f.json {
			fmt.Fprintln(c.OutOrStdout(), v.line())
		}
	}
	return outcome(out)
}

// line is a verdict for people.
func (v *verdict) line() string {
	line := fmt.Sprintf("netuid %d epoch %d validator %s: %s", v.Netuid, v.Epoch, v.Validator, v.Verdict)
	switch v.Verdict {
	case "different":
		return line + ": " + v.Difference
	case "unavailable":
		return line + ": " + v.Error
	}
	return line + fmt.Sprintf(" (%d rounds, %d scores, %d fuel, %s, %.1f s)", v.Rounds, v.Leaves, v.Fuel, v.Engine, v.Seconds)
}

// outcome turns verdicts into the command's exit code.
func outcome(out []verdict) error {
	different, missing := 0, 0
	for _, v := range out {
		switch v.Verdict {
		case "different":
			different++
		case "unavailable":
			missing++
		}
	}
	switch {
	case different > 0:
		return &coded{exitDiffers, fmt.Errorf("%d of %d replays differ", different, len(out))}
	case missing > 0:
		return &coded{exitUnavailable, fmt.Errorf("%d of %d bundles are not to be had", missing, len(out))}
	}
	return nil
}
