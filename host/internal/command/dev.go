package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/examples/gallery"
	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/scaffold"
)

type devFlags struct {
	check, plain, json bool
	keep, cache        string
	subnets, load      []string
	files              map[string]*string // by the subnet whose default data they replace
}

func devCommand() *cobra.Command {
	f := devFlags{files: map[string]*string{}}
	var names []string
	for _, s := range gallery.Subnets() {
		names = append(names, s.Name)
	}
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole network on this machine and watch it",
		Long: fmt.Sprintf(`Starts four block producers, three of which validate, and the miners of the example
subnets (%s): good models, plain ones, lazy ones and
copiers. Each producer is a process, all miners are one, their models are children. Tasks are
drawn, answered, scored by Wasm modules and paid every few blocks. Two traders, whose
schedule is drawn from a seed, move the subnets' prices.

With --check it runs until every subnet has paid two epochs, compares scores and earnings,
replays all evidence from a separate process with an empty home, alters one score in a copy
and sees that found; it prints a table and exits 0, or 1 when anything fails.`, strings.Join(names, ", ")),
		Example: "  plexus dev\n  plexus dev --subnets " + names[0] + " --keep net\n  plexus dev --check",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return runDev(c, &f) },
	}
	c.Flags().BoolVar(&f.check, "check", false, "run until two epochs of every subnet are paid and checked, then exit")
	c.Flags().BoolVar(&f.plain, "plain", false, "print lines instead of a live view")
	jsonFlag(c, &f.json, event.Event{})
	c.Flags().StringVar(&f.keep, "keep", "", "keep the network in this directory, and resume the one that is there")
	c.Flags().StringSliceVar(&f.subnets, "subnets", nil, "only these subnets: "+strings.Join(names, ","))
	c.Flags().StringArrayVar(&f.load, "load", nil, "folder of a further subnet, as 'plexus subnet new' makes it; its "+scaffold.DevFile+" says how to run it")
	c.MarkFlagDirname("load")
	for _, s := range gallery.Subnets() {
		if s.Flag != "" {
			f.files[s.Name] = c.Flags().String(s.Flag, "", s.FlagSay+" to draw the tasks of "+s.Name+" from, instead of the default data")
		}
	}
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
	dc := dev.Config{Home: home, Subnets: f.subnets, Load: f.load, Files: map[string]string{}, Cache: f.cache, Built: filepath.Join(filepath.Dir(f.cache), "built")}
	for name, file := range f.files {
		if *file != "" {
			dc.Files[name] = *file
		}
	}
	net, err := dev.Open(c.Context(), dc, c.ErrOrStderr(), say)
	switch {
	case errors.Is(err, dev.ErrLocked):
		return &coded{exitLocked, err}
	case errors.Is(err, dev.ErrNoSubnet), errors.Is(err, dev.ErrNoFile), errors.Is(err, dev.ErrForeign):
		return usage("%v", err)
	case err != nil:
		return err
	}
	defer net.Close()
	say("starting " + net.Shape())
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
		printEvent(out, f, live, net, e)
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
func printEvent(out io.Writer, f *devFlags, live bool, net *dev.Network, e event.Event) {
	switch {
	case live:
	case f.json:
		json.NewEncoder(out).Encode(e)
	default:
		if line := net.Line(e); line != "" {
			fmt.Fprintln(out, "         "+line)
		}
	}
}
