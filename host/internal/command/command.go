// Package command is the command line: one file a command, each a thin layer
// over the packages that do the work.
package command

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/dev"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/p2p"
)

// parsing is what Go's parser of numbers says of itself in its errors.
var parsing = regexp.MustCompile(`strconv\.\w+: parsing "[^"]*": `)

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

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "plexus",
		Short: "A market for machine intelligence whose scores anyone can replay",
		Long: `plexus runs a decentralised market for machine intelligence: a chain, subnets whose
tasks and scores are sandboxed code, miners, validators, and the replay of any
validator's scores by anyone.

See 'plexus help exit-codes' for the exit codes and 'plexus schema' for what --json prints.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          subcommands,
		RunE:          showHelp,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		text := parsing.ReplaceAllString(err.Error(), "")
		return usage("%s: see '%s --help'", text, c.CommandPath())
	})
	root.AddCommand(devCommand(), replayCommand(), metagraphCommand(), sendCommand(), txCommand(), registerCommand(), minerCommand(), keyCommand(),
		initCommand(), startCommand(), validatorCommand(), snapshotCommand(), stateCommand(), doctorCommand(), versionCommand(), configCommand(), pluginCommand(), subnetCommand(), schemaCommand(), exitTopic(), statusCommand(), historyCommand(), adminCommand(), nodeCommand(), minersCommand(), workerCommand(), engineCommand())
	root.AddCommand(stakeCommand(), govCommand(), delegateCommand(), childCommand(), swapHotkeyCommand(), swapColdkeyCommand(), weightsCommand(), producerCommand(), multisigCommand(), proxyCommand())
	root.AddCommand(datasetCommand(), lightCommand(), evidenceCommand(), whyCommand())
	root.SetHelpCommand(helpCommand())
	return root
}

// helpCommand is cobra's, but for an unknown command, which fails here as it does
// without help.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(c *cobra.Command, args []string) error {
			found, rest, err := c.Root().Find(args)
			if err != nil {
				return err // what subcommands says
			}
			if len(rest) > 0 && found.HasSubCommands() {
				return subcommands(found, rest)
			}
			found.InitDefaultHelpFlag()
			return found.Help()
		},
	}
}

// subcommands refuses arguments of a command that only groups others.
func subcommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		return usage("unknown command %q: did you mean %q?", args[0], near[0])
	}
	return usage("unknown command %q: see '%s --help'", args[0], c.CommandPath())
}

func showHelp(c *cobra.Command, _ []string) error { return c.Help() }

// oneAccount is the check of a command that takes an account.
func oneAccount(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("%s takes a key's name or an address", c.CommandPath())
	}
	return nil
}

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

// dial joins the network of joinString. The newest header that it verifies is
// kept as that of a light client is: a join string stays good for as long as it
// is used within each trusting period.
func dial(ctx context.Context, flag string) (*remote.Remote, error) {
	f := lightFlags{join: flag}
	return f.openLenient(ctx)
}

const joinUsage = "network to join, plexus://GENESIS[@HEIGHT:HASH]/MULTIADDR (default: " + joinEnv + ", else the last 'plexus dev')"

// joinFlag adds --join to a command.
func joinFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "join", "", joinUsage)
}

// printJSON writes v as one indented JSON document.
func printJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	return e.Encode(v)
}
