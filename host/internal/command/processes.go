package command

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/host/internal/node"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/plugins/worker"
)

// The commands in this file are the processes of a network. `plexus dev` starts
// them; they report on standard output, one JSON event a line, log to standard
// error, and end when their standard input does, so that no process outlives
// the one that started it.

// order is one line that a process takes on standard input.
type order struct {
	Join []string `json:"join"` // further addresses to connect to
}

// orphanGrace is how long a process may take to end in order once nobody waits
// for it any more.
const orphanGrace = 10 * time.Second

// underParent ends ctx when standard input ends, and hands each order to fn. A
// process that does not end by itself then is ended.
func underParent(ctx context.Context, in io.Reader, fn func(order)) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() { // ends with the input, which the parent holds open
		defer func() {
			cancel()
			time.AfterFunc(orphanGrace, func() { os.Exit(exitDiffers) })
		}()
		s := bufio.NewScanner(in)
		for s.Scan() {
			var o order
			if json.Unmarshal(s.Bytes(), &o) == nil {
				fn(o)
			}
		}
	}()
	return ctx
}

// stderrLog is the log of a process; what libp2p logs goes there too.
func stderrLog(level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	h := slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})
	p2p.LogTo(h)
	return slog.New(h)
}

func nodeCommand() *cobra.Command {
	var home, name, level, api string
	var listen []string
	var child bool
	c := &cobra.Command{
		Use: "node", Short: "Run a node from its home", Args: noArgs, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if home == "" {
				return usage("--home DIR is needed")
			}
			over := map[string]any{}
			if len(listen) > 0 {
				over["listen"] = listen
			}
			if c.Flags().Changed("api") {
				over["api.listen"] = api
			}
			if c.Flags().Changed("log") {
				over["log.level"] = level
			}
			cfg, err := config.Load(home, over)
			if err != nil {
				return err
			}
			events := event.NewWriter(c.OutOrStdout(), name)
			log, current := openLog(os.Stderr, cfg.Log)
			n, err := node.Open(c.Context(), cfg, log, events)
			if err != nil {
				return err
			}
			defer n.Close()
			ctx := c.Context()
			if child {
				ctx = underParent(ctx, os.Stdin, func(o order) {
					if len(o.Join) > 0 {
						go n.Join(ctx, o.Join...) // failures show as missing peers
					}
				})
			}
			operate(ctx, n, current, func() (config.Config, error) { return config.Load(home, over) }, log)
			events.Emit(event.Event{Kind: "ready", Addrs: n.Addrs(), API: n.API()})
			err = n.Run(ctx)
			events.Emit(event.Event{Kind: "stopped"})
			return err
		},
	}
	c.Flags().StringVar(&home, "home", "", "directory of the node")
	c.Flags().StringVar(&name, "name", "node", "name in events")
	c.Flags().StringVar(&level, "log", "info", "level of the log on standard error, instead of the configuration's")
	c.Flags().StringVar(&api, "api", "", "HOST:PORT of the HTTP API, instead of the configuration's")
	c.Flags().StringSliceVar(&listen, "listen", nil, "multiaddrs to listen on, instead of the configuration's")
	c.Flags().BoolVar(&child, "child", false, "end with standard input")
	return c
}

func minersCommand() *cobra.Command {
	var file, level string
	var child bool
	c := &cobra.Command{
		Use: "miners", Short: "Run miners from a configuration", Args: noArgs, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := miners.Load(file)
			if err != nil {
				return err
			}
			events := event.NewWriter(c.OutOrStdout(), "miners")
			ctx := c.Context()
			if child {
				ctx = underParent(ctx, os.Stdin, func(order) {})
			}
			return miners.Run(ctx, cfg, stderrLog(level), events, func() { events.Emit(event.Event{Kind: "ready"}) })
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration, a JSON file")
	c.Flags().StringVar(&level, "log", "info", "level of the log on standard error")
	c.Flags().BoolVar(&child, "child", false, "end with standard input")
	return c
}

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run modules for a node", Args: noArgs, Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			return worker.Serve(c.Context(), worker.ServeConfig{Log: stderrLog("info")})
		},
	}
}
