// Package command is the command line: one file a command, each a thin layer
// over the packages that do the work.
package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/host/internal/kv"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/store"
	"github.com/plexus-network/plexus/p2p"
)

// Exit codes. 0 is success.
const (
	exitDiffers     = 1  // a replay or a check found a difference; any other failure
	exitUnavailable = 2  // evidence is not to be had
	exitUsage       = 64 // the command line is wrong
	exitLocked      = 73 // another process has the home
	exitBroken      = 70 // the ledger, its store or consensus broke: the node stopped
	exitNetwork     = 69 // no node answers
)

// coded is an error with an exit code of its own.
type coded struct {
	code int
	err  error
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// Main runs the command line and returns the exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p2p.LogTo(slog.DiscardHandler) // the processes of a network set their own log
	root := newRoot()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if err.Error() != "" {
		fmt.Fprintln(os.Stderr, "plexus: "+err.Error())
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var c *coded
	switch {
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, store.ErrLocked), errors.Is(err, kv.ErrLocked):
		return exitLocked
	case errors.Is(err, chain.ErrBroken), errors.Is(err, ledger.ErrBroken), errors.Is(err, store.ErrCorrupt),
		errors.Is(err, kv.ErrCorrupt), errors.Is(err, chain.ErrOtherGenesis), errors.Is(err, chain.ErrAttack):
		return exitBroken
	case errors.Is(err, remote.ErrNoNode):
		return exitNetwork
	case errors.Is(err, remote.ErrJoin), errors.Is(err, chain.ErrTrust), errors.Is(err, key.ErrAddress):
		return exitUsage
	}
	return exitDiffers
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "plexus",
		Short: "A market for machine intelligence whose scores anyone can replay",
		Long: `plexus runs a decentralised market for machine intelligence: a chain, subnets whose
tasks and scores are sandboxed code, miners, validators, and the replay of any
validator's scores by anyone.

Exit codes: 0 success, 1 failure or a difference found, 2 evidence not to be had,
64 usage, 69 no node answers, 70 broken chain or store, 73 home in use.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				return usage("unknown command %q: did you mean %q?", args[0], near[0])
			}
			return usage("unknown command %q: see 'plexus --help'", args[0])
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &coded{exitUsage, fmt.Errorf("%w: see '%s --help'", err, c.CommandPath())}
	})
	root.AddCommand(devCommand(), replayCommand(), metagraphCommand(), sendCommand(), registerCommand(), minerCommand(), keyCommand(),
		nodeCommand(), minersCommand(), workerCommand(), engineCommand())
	return root
}

// usage wraps an argument error of a command.
func usage(format string, args ...any) error { return &coded{exitUsage, fmt.Errorf(format, args...)} }

// noArgs is cobra.NoArgs with our exit code.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, got %q", c.CommandPath(), args[0])
	}
	return nil
}

// joinEnv overrides the network to join.
const joinEnv = "PLEXUS_JOIN"

// joinString is the network named by the flag, the environment, or the last
// development network.
func joinString(flag string) (string, error) {
	if flag == "" {
		flag = os.Getenv(joinEnv)
	}
	if flag == "" {
		file, err := dev.JoinFile()
		if err != nil {
			return "", err
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return "", usage("no network to join: start one with 'plexus dev', or give --join or %s", joinEnv)
		}
		flag = strings.TrimSpace(string(b))
	}
	return flag, nil
}

// dial joins the network of joinString.
func dial(ctx context.Context, flag string) (*remote.Remote, error) {
	s, err := joinString(flag)
	if err != nil {
		return nil, err
	}
	j, err := remote.ParseJoin(s)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return remote.Dial(ctx, j, key.Seed{}, slog.New(slog.DiscardHandler))
}

// joinFlag adds --join to a command.
func joinFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "join", "", "network to join, plexus://GENESIS/MULTIADDR (default: "+joinEnv+", else the last 'plexus dev')")
}

// printJSON writes v as one indented JSON document.
func printJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(v)
}
