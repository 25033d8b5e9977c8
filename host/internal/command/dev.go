package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/host/internal/event"
)

type devFlags struct {
	check, plain, json bool
	keep, corpus       string
	cache              string
}

func devCommand() *cobra.Command {
	var f devFlags
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole network on this machine and watch it",
		Long: `Starts four block producers, three of which validate, and four miners of different
quality, each producer a process, all miners in one, their models in children. Tasks are
drawn from a text, answered, scored by a Wasm module, and paid every 20 blocks.

With --check it runs until two epochs are paid, compares scores and earnings, replays all
evidence from a separate process with an empty home, alters one score in a copy and sees
that found; it prints a table and exits 0, or 1 when anything fails.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDev(c, &f) },
	}
	c.Flags().BoolVar(&f.check, "check", false, "run until two epochs are paid and checked, then exit")
	c.Flags().BoolVar(&f.plain, "plain", false, "print lines instead of a live view")
	jsonFlag(c, &f.json, event.Event{})
	c.Flags().StringVar(&f.keep, "keep", "", "keep the network in this directory, and resume the one that is there")
	c.Flags().StringVar(&f.corpus, "corpus", "", "text to draw tasks from (default: the Opticks text of the Go distribution)")
	c.Flags().StringVar(&f.cache, "cache", config.DefaultCache(), "folder of compiled modules")
	return c
}

// checkTimeout bounds `dev --check`.
const checkTimeout = 10 * time.Minute

func runDev(c *cobra.Command, f *devFlags) error {
	if f.plain && f.json {
		return usage("--plain and --json exclude each other")
	}
	start := time.Now()
	home, cleanup, err := devHome(f.keep)
	if err != nil {
		return err
	}
	defer cleanup()
	out := c.OutOrStdout()
	live := !f.plain && !f.json && !f.check && term.IsTerminal(int(os.Stdout.Fd()))
	say := sayer(out, f, start)
	net, err := dev.Open(c.Context(), dev.Config{Home: home, Corpus: f.corpus, Cache: f.cache}, c.ErrOrStderr(), say)
	if err != nil {
		if errors.Is(err, dev.ErrLocked) {
			return &coded{exitLocked, err}
		}
		return err
	}
	defer net.Close()
	say("starting four producers and four miners")
	ctx := c.Context()
	if f.check {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, checkTimeout)
		defer cancel()
	}
	clock := &firsts{start: start}
	var result *dev.Check
	err = net.Run(ctx, func(e event.Event) {
		clock.take(e)
		printEvent(out, f, live, e)
	}, func(ctx context.Context, r *dev.Running) error {
		say("join it with --join " + r.Join().String())
		if r.API() != "" {
			say("its HTTP API is at " + r.API() + ", described at " + r.API() + "/docs")
		}
		switch {
		case f.check:
			var err error
			if result, err = r.Check(ctx, say); err == nil {
				result.Seconds["first_block"], result.Seconds["first_payment"] = clock.block.Seconds(), clock.paid.Seconds()
				result.Seconds["end"] = time.Since(start).Seconds()
			}
			return err
		case live:
			g, ctx := errgroup.WithContext(ctx)
			g.Go(func() error { return r.Watch(ctx) })
			g.Go(func() error { return dev.View(ctx, out, r, f.keep) })
			return g.Wait()
		}
		return r.Watch(ctx)
	})
	if err != nil {
		return fmt.Errorf("%w (logs are in %s/log, kept with --keep DIR)", err, home)
	}
	if result == nil {
		return nil
	}
	if f.json {
		if err := json.NewEncoder(out).Encode(result); err != nil {
			return err
		}
	} else {
		result.Table(out)
	}
	if !result.OK() {
		return &coded{exitDiffers, errors.New("the check failed")}
	}
	return nil
}

// devHome is the kept directory, or one that is removed afterwards.
func devHome(keep string) (dir string, cleanup func(), err error) {
	if keep != "" {
		return keep, func() {}, os.MkdirAll(keep, 0o700)
	}
	dir, err = os.MkdirTemp("", "plexus-dev-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// sayer prints what dev itself does.
func sayer(out io.Writer, f *devFlags, start time.Time) func(string) {
	return func(s string) {
		if f.json {
			json.NewEncoder(out).Encode(event.Event{Kind: "progress", From: "dev", Text: s})
			return
		}
		fmt.Fprintf(out, "%6.1fs  %s\n", time.Since(start).Seconds(), s)
	}
}

// firsts notes when the first block and the first payment of a miner were seen.
type firsts struct {
	start       time.Time
	block, paid time.Duration
}

func (f *firsts) take(e event.Event) {
	switch {
	case e.Kind == "block" && f.block == 0:
		f.block = time.Since(f.start)
	case e.Kind == "paid" && f.paid == 0 && dev.IsMiner(e.Hotkey):
		f.paid = time.Since(f.start)
	}
}

// printEvent prints an event as the flags ask.
func printEvent(out io.Writer, f *devFlags, live bool, e event.Event) {
	switch {
	case live:
	case f.json:
		json.NewEncoder(out).Encode(e)
	default:
		if line := dev.Line(e); line != "" {
			fmt.Fprintln(out, "         "+line)
		}
	}
}
