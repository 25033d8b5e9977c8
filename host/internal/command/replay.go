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
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// verdict is the outcome of replaying one validator's epoch, as --json prints it.
type verdict struct {
	Netuid     uint16           `json:"netuid"`
	Epoch      uint64           `json:"epoch"`
	Validator  string           `json:"validator"`
	Verdict    string           `json:"verdict"` // equal, different, unavailable, or engines differ
	Evidence   string           `json:"evidence,omitempty"`
	Engine     string           `json:"engine"`
	Rounds     int              `json:"rounds"`
	Leaves     int              `json:"leaves"`
	Fuel       uint64           `json:"fuel"`
	Seconds    float64          `json:"seconds"`
	Difference string           `json:"difference,omitempty"`
	First      *firstDifference `json:"first_difference,omitempty"`
	Error      string           `json:"error,omitempty"`
	Scores     []minerTotal     `json:"scores,omitempty"`
}

// firstDifference is the first thing that a replay found to differ.
type firstDifference struct {
	What      string `json:"what"`            // score, status, task, proof, asked set, weight, …
	Round     *int   `json:"round,omitempty"` // absent when it concerns the whole epoch
	Hotkey    string `json:"hotkey,omitempty"`
	Published string `json:"published"`
	Replayed  string `json:"replayed"`
}

// minerTotal sums a miner's scores of one validator's epoch.
type minerTotal struct {
	Hotkey string `json:"hotkey"`
	Asked  int    `json:"asked"`
	Sum    uint64 `json:"sum"` // Q32.32
}

type replayFlags struct {
	epochFlags
	file   string
	engine string
	json   bool
	follow bool
	trust  trustFlag
}

func replayCommand() *cobra.Command {
	var f replayFlags
	c := &cobra.Command{
		Use:   "replay",
		Short: "Recompute validators' scores from their evidence, trusting nobody",
		Long: `Fetches the evidence of an epoch over p2p, proves the epoch's record, roster, commitments
and reveals against a block header, and recomputes everything: proofs, asked sets, tasks,
signatures, scores, weights. Prints "equal", or the first thing that differs with both values. With --follow it
goes on, epoch after epoch, until Ctrl-C.

A file that 'plexus evidence get' wrote holds all of that, and is replayed without any network.
What its proofs begin with is trusted: the block or the genesis in the join string, for as long
as the trusting period, or at any time the block named by --trust. Asked for a file, replay goes
to the network only when it is the bare bundle.

The interpreter is the reference. The compiler is some ten times as fast; what it finds to
differ is run in the interpreter before anything is claimed. With --engine both, a difference
between the two is named as one.

Exit codes: 0 equal, 1 different, 2 the evidence, or a part of what it is
checked against, is not to be had; the message names it.`,
		Example: "  plexus replay --netuid 1 --epoch 7\n  plexus replay --bundle netuid1-epoch7-5GrwvaEF.bundle --engine both",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return replay(c, &f) },
	}
	f.add(c)
	f.trust.add(c)
	c.Flags().BoolVar(&f.follow, "follow", false, "go on: replay all validators of all subnets, or of --netuid, as evidence appears; with --json a verdict a line")
	c.Flags().StringVar(&f.file, "bundle", "", "replay this file instead of fetching the evidence")
	c.Flags().StringVar(&f.engine, "engine", "interpreter", "engine of the module: interpreter, compiler or both")
	jsonFlag(c, &f.json, []verdict{})
	return c
}

func replay(c *cobra.Command, f *replayFlags) error {
	ctx := c.Context()
	engines, err := engineNames(f.engine)
	if err != nil {
		return err
	}
	if f.follow && (f.file != "" || f.epoch >= 0 || f.validator != "") {
		return usage("--follow takes neither --bundle nor --epoch nor --validator")
	}
	if f.file != "" {
		file, err := readBundle(f.file)
		if err != nil {
			return err
		}
		src, done, err := f.trust.of(ctx, file, f.join)
		if err != nil {
			return err
		}
		defer done()
		job := &replayJob{c: c, f: f, src: src, engines: engines}
		out, err := job.bundle(ctx, file.bundle)
		if err != nil {
			return err
		}
		return report(c, f, out)
	}
	if err := f.trust.unused(); err != nil {
		return err
	}
	r, err := dial(ctx, f.join)
	if err != nil {
		return err
	}
	defer r.Close()
	job := &replayJob{c: c, f: f, r: r, src: r, engines: engines}
	if f.follow {
		only := map[ledger.NetUID]bool{}
		if c.Flags().Changed("netuid") {
			only[ledger.NetUID(f.netuid)] = true
		}
		return job.follow(ctx, only)
	}
	out, err := job.epoch(ctx)
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

type replayJob struct {
	c       *cobra.Command
	f       *replayFlags
	r       *remote.Remote // nil for a file
	src     source
	engines []string
	modules modules
}

// epoch replays every validator that committed for the epoch, or the one named.
func (j *replayJob) epoch(ctx context.Context) ([]verdict, error) {
	v, err := j.r.View(ctx)
	if err != nil {
		return nil, err
	}
	all, err := j.f.find(v)
	if err != nil {
		return nil, err
	}
	var out []verdict
	for i := range all {
		p := &all[i]
		b, err := p.fetch(ctx, j.r)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			out = append(out, verdict{Netuid: j.f.netuid, Epoch: p.epoch, Validator: p.validator.Hotkey.String(), Verdict: "unavailable",
				Evidence: fmt.Sprintf("%x", p.committed.Evidence), Error: err.Error()})
			continue
		}
		done, err := j.bundle(ctx, b)
		if err != nil {
			return nil, err
		}
		out = append(out, done...)
	}
	return out, nil
}

// bundle replays one bundle in each engine.
func (j *replayJob) bundle(ctx context.Context, b *evidence.Bundle) ([]verdict, error) {
	var out []verdict
	for _, engine := range j.engines {
		v, err := j.play(ctx, b, engine)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(out) == 1 && out[0].Engine == "compiler" && out[0].Verdict == "different" {
		v, err := j.play(ctx, b, "interpreter")
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if len(out) == 2 && out[0].finding() != out[1].finding() {
		d := out[1] // the interpreter's
		d.Verdict, d.Engine = "engines differ", "both"
		d.Difference = fmt.Sprintf("%s says %s, %s says %s", out[0].Engine, out[0].finding(), out[1].Engine, out[1].finding())
		out = append(out, d)
	}
	return out, nil
}

// finding is what an engine found, in one line.
func (v *verdict) finding() string {
	switch v.Verdict {
	case "different":
		return "different: " + v.Difference
	case "equal":
		return fmt.Sprintf("equal with %d fuel", v.Fuel)
	}
	return v.Verdict
}

// play replays one bundle in one engine.
func (j *replayJob) play(ctx context.Context, b *evidence.Bundle, engine string) (verdict, error) {
	start := time.Now()
	v, err := j.src.Fresh(ctx)
	if err != nil {
		return verdict{}, err
	}
	res := verdict{Netuid: uint16(b.NetUID), Epoch: b.Epoch, Validator: b.Validator.String(), Verdict: "equal", Engine: engine,
		Evidence: fmt.Sprintf("%x", b.Root()), Scores: totals(v, b)}
	m, err := j.modules.of(ctx, j.src, v, b, engine)
	if err != nil {
		return res, err
	}
	rep, err := evidence.Replay(ctx, v, m, b, j.bar(b, engine))
	switch {
	case errors.Is(err, evidence.ErrNoReveal):
		res.Verdict, res.Error = "unavailable", err.Error()
		return res, nil
	case err != nil:
		return res, err
	}
	res.Rounds, res.Leaves, res.Fuel, res.Seconds = rep.Rounds, rep.Leaves, rep.Fuel, time.Since(start).Seconds()
	if d := rep.Diff; d != nil {
		res.Verdict, res.Difference = "different", d.String()
		res.First = &firstDifference{What: d.What, Published: d.Published, Replayed: d.Replayed}
		if d.Round >= 0 {
			res.First.Round = &d.Round
		}
		if d.Hotkey != (ledger.Hotkey{}) {
			res.First.Hotkey = d.Hotkey.String()
		}
	}
	return res, nil
}

// modules are the loaded modules of a command, by engine and hash.
type modules map[string]*wasm.Module

// of fetches and loads the module that a bundle's epoch names, once for each
// engine.
func (l *modules) of(ctx context.Context, src source, v ledger.View, b *evidence.Bundle, engine string) (*wasm.Module, error) {
	rec, err := ledger.LoadRecord(v, b.NetUID, b.Epoch)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, &coded{exitUnavailable, fmt.Errorf("the chain has no epoch %d of netuid %d", b.Epoch, b.NetUID)}
	}
	name := engine + string(rec.Module[:])
	if m, ok := (*l)[name]; ok {
		return m, nil
	}
	raw, err := src.Module(ctx, plugins.ID(rec.Module), nil)
	if err != nil {
		return nil, &coded{exitUnavailable, fmt.Errorf("fetching module %x: %w", rec.Module[:6], err)}
	}
	e, err := wasm.NewEngine(wasm.Config{Interpreter: engine == "interpreter"})
	if err != nil {
		return nil, err
	}
	m, err := e.Load(ctx, raw)
	if err != nil {
		return nil, err
	}
	if *l == nil {
		*l = modules{}
	}
	(*l)[name] = m
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
	case "different", "engines differ":
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
		case "different", "engines differ":
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
