package command

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	text "github.com/plexus-network/plexus/examples/engines/text"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/host/internal/miners"
	"github.com/plexus-network/plexus/ledger"
)

func minerCommand() *cobra.Command {
	var join, dir, hotkey, train string
	var engine []string
	var netuid uint16
	c := &cobra.Command{
		Use:   "miner --hotkey KEY --engine NAME",
		Short: "Answer a subnet's tasks with a model",
		Long: fmt.Sprintf(`Joins a network without a node and answers tasks for a registered hotkey. --engine is one
of %s, or a program of your own and its arguments, each with a
--engine of its own. The program is a child process; see plugins/engine for what it must
speak. Events are printed as JSON, one a line; Ctrl-C ends it.`, strings.Join(text.Names(), ", ")),
		Example: "  plexus miner --hotkey alice --engine text-order0\n  plexus miner --hotkey alice --engine ./my-model --engine --fast",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if hotkey == "" || len(engine) == 0 {
				return usage("--hotkey KEY and --engine NAME are needed")
			}
			hot, err := loadKey(c, dir, hotkey)
			if err != nil {
				return err
			}
			j, err := joinString(join)
			if err != nil {
				return err
			}
			if err := registered(c.Context(), join, ledger.NetUID(netuid), hot.Public(), hotkey); err != nil {
				return err
			}
			m := miners.Miner{Name: hotkey, Seed: hot, NetUID: ledger.NetUID(netuid), Engine: engine}
			if len(engine) == 1 && known(engine[0]) {
				self, err := os.Executable()
				if err != nil {
					return err
				}
				m.Engine = []string{self, "engine", engine[0]}
				if train != "" {
					m.Engine = append(m.Engine, "--train", train)
				}
			}
			events := event.NewWriter(c.OutOrStdout(), hotkey)
			return miners.Run(c.Context(), miners.Config{Join: j, Miners: []miners.Miner{m}}, stderrLog("warn"), events,
				func() { events.Emit(event.Event{Kind: "ready", Hotkey: hot.Public().String(), Netuid: netuid}) })
		},
	}
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet")
	keyNameFlag(c, &hotkey, "hotkey", "registered key")
	keysFlag(c, &dir)
	c.Flags().StringArrayVar(&engine, "engine", nil, "model, or program and arguments")
	c.Flags().StringVar(&train, "train", "", "text that text-mix learns from")
	joinFlag(c, &join)
	return c
}

// registered sees to it that a miner who would never be asked learns why.
func registered(ctx context.Context, join string, n ledger.NetUID, hot ledger.Hotkey, name string) error {
	r, err := dial(ctx, join)
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := r.View(ctx)
	if err != nil {
		return err
	}
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return err
	}
	if clock == nil {
		return usage("no subnet has netuid %d", n)
	}
	uid, ok, err := ledger.FindUID(v, n, hot)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s is not registered in netuid %d: run plexus register --netuid %d --hotkey %s --from KEY", hot, n, n, name)
	}
	sub, err := ledger.LoadSubnet(v, n)
	if err != nil {
		return err
	}
	nr, err := ledger.LoadNeuron(v, n, uid)
	if err != nil {
		return err
	}
	if nr.Registered >= clock.First {
		next := clock.First + uint64(sub.Params.Tempo)
		fmt.Fprintf(os.Stderr, "asked from epoch %d on, which begins at block %d; this is block %d\n", clock.Epoch+1, next, v.Height())
	}
	return nil
}

func known(name string) bool {
	for _, n := range text.Names() {
		if n == name {
			return true
		}
	}
	return false
}
