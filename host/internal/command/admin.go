package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/admin"
	"github.com/plexus-network/plexus/host/internal/config"
)

// adminCommands are what an operator may ask, with their arguments.
var adminCommands = []struct{ use, does, short string }{
	{"reload", "reload", "Read the configuration again"},
	{"log-level LEVEL", "log-level", "Change what is logged: debug, info, warn or error"},
	{"peers", "peers", "List connected and banned peers"},
	{"ban PEER", "ban", "Close a peer's connections and refuse new ones"},
	{"unban PEER", "unban", "Let a peer connect again"},
	{"mempool", "mempool", "List transactions that wait for a block"},
	{"subnets", "subnets", "List the subnets that the node validates, and how each fares"},
	{"settings", "settings", "Show the configuration that the node runs with, and what it keeps on disk"},
	{"reindex", "reindex", "Make the history again from the stored blocks"},
	{"snapshot", "snapshot", "Make a snapshot of the state"},
	{"shutdown", "shutdown", "Stop the node in order"},
}

func adminCommand() *cobra.Command {
	var home string
	var asJSON bool
	c := &cobra.Command{
		Use:   "admin",
		Short: "Operate a running node through its private socket",
		Long: `Talks to the node that runs from a home, over the unix socket named by admin.socket in
its configuration. Only the user who runs the node may open it.`,
		Args: subcommands,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVar(&home, "home", "", "directory of the node")
	for _, a := range adminCommands {
		var during time.Duration
		want := strings.Count(a.use, " ")
		sub := &cobra.Command{
			Use: a.use, Short: a.short,
			Args: func(c *cobra.Command, args []string) error {
				if len(args) != want {
					return usage("want plexus admin %s, got %q", a.use, args)
				}
				return nil
			},
			RunE: func(c *cobra.Command, args []string) error {
				req := admin.Request{Do: a.does, For: during}
				if want > 0 && a.does == "log-level" {
					req.Level = args[0]
				} else if want > 0 {
					req.Peer = args[0]
				}
				socket, err := adminSocket(home)
				if err != nil {
					return err
				}
				out, err := admin.Ask(c.Context(), socket, req)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, out)
				}
				return printAnswer(c, out)
			},
		}
		if a.does == "ban" {
			sub.Flags().DurationVar(&during, "for", time.Hour, "how long")
		}
		jsonFlag(sub, &asJSON, admin.Answer{})
		c.AddCommand(sub)
	}
	return c
}

func adminSocket(home string) (string, error) {
	if home == "" {
		return "", usage("--home DIR is needed: the directory of the running node")
	}
	if _, err := os.Stat(home); err != nil {
		return "", usage("--home: %v", err)
	}
	cfg, err := config.Load(home, nil)
	if err != nil {
		return "", err
	}
	if cfg.Admin.Socket == "" {
		return "", usage("admin.socket is empty in %s: the node has no socket", filepath.Join(home, "config.yaml"))
	}
	return cfg.Path(cfg.Admin.Socket), nil
}

// unbounded writes a bound of which 0 is none.
func unbounded(n uint64) string {
	if n == 0 {
		return "unbounded"
	}
	return fmt.Sprint(n)
}

// counted writes counts by name.
func counted(m map[string]int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(out, ", ")
}

func printAnswer(c *cobra.Command, a *admin.Answer) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, p := range a.Peers {
		note := ""
		switch {
		case p.Banned != nil:
			note = "banned until " + p.Banned.Local().Format("2006-01-02 15:04:05")
		case p.Full:
			note = "consensus"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", p.ID, note, strings.Join(p.Addrs, " "))
	}
	for _, t := range a.Waiting {
		fmt.Fprintf(w, "%s\t%s\t%s\tnonce %d\tuntil block %d\t%d bytes\n", t.ID[:16], t.Kind, t.Account, t.Nonce, t.Expiry, t.Bytes)
	}
	for _, s := range a.Settings {
		b, err := json.Marshal(s.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\n", s.Name, strings.TrimSpace(string(b)+" "+s.Unit))
	}
	for _, s := range a.Subnets {
		fmt.Fprintf(w, "netuid %d\t%s\t%d rounds scored\t%d skipped\t%d restarts\tdata %s\tfuel/s %s\tmemory %s\tbytes/s %s\n",
			s.NetUID, s.State, s.Scored, s.Skipped, s.Restarts, cmp.Or(s.Data, "none"), unbounded(s.Fuel), unbounded(s.Memory), unbounded(s.Bandwidth))
		if len(s.Faults) > 0 {
			fmt.Fprintf(w, "\tfaulty messages of miners: %s\n", counted(s.Faults))
		}
		if s.Windows > 0 {
			fmt.Fprintf(w, "\tdata: %d of %d windows left\n", s.Left, s.Windows)
		}
		if s.DataErr != "" {
			fmt.Fprintf(w, "\tdata: %s\n", s.DataErr)
		}
		if s.Err != "" {
			fmt.Fprintf(w, "\tat %s: %s\n", s.ErrAt.Local().Format("2006-01-02 15:04:05"), s.Err)
		}
	}
	if a.Text != "" {
		fmt.Fprintln(w, a.Text)
	}
	return w.Flush()
}
