package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/dev"
)

// nodeEnv overrides the API that is asked.
const nodeEnv = "PLEXUS_NODE"

// defaultNode is where a node's API is unless it is configured otherwise.
const defaultNode = "http://127.0.0.1:9650"

// nodeFlag adds --node to a command.
func nodeFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "node", "", "API to ask, http://HOST:PORT (default: "+nodeEnv+", else the running 'plexus dev', else "+defaultNode+")")
}

// nodeClient asks the API named by the flag, the environment, the last
// development network, or the default.
func nodeClient(flag string) (*api.Client, error) {
	if flag == "" {
		flag = os.Getenv(nodeEnv)
	}
	if flag == "" {
		if file, err := dev.APIFile(); err == nil {
			if b, err := os.ReadFile(file); err == nil {
				flag = strings.TrimSpace(string(b))
			}
		}
	}
	if flag == "" {
		flag = defaultNode
	}
	if !strings.Contains(flag, "://") {
		flag = "http://" + flag
	}
	c, err := api.NewClient(flag)
	if err != nil {
		return nil, usage("--node: %v", err)
	}
	return c, nil
}

// statusReport is what `plexus status --json` prints.
type statusReport struct {
	Node string `json:"node"`
	api.Status
	Account *api.Account `json:"account,omitempty"`
}

func statusCommand() *cobra.Command {
	var url, account string
	var watch, asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show how a node is doing: height, peers, epochs, your balance",
		Long: `Asks a node's API. With --watch it shows the state anew at every block until it is
stopped, with --json as one object a line.`,
		Example: "  plexus status --watch --account 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			client, err := nodeClient(url)
			if err != nil {
				return err
			}
			out := c.OutOrStdout()
			if !watch {
				r, err := askStatus(c.Context(), client, account)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, r)
				}
				r.table(out)
				return nil
			}
			return watchStatus(c, client, account, asJSON)
		},
	}
	nodeFlag(c, &url)
	c.Flags().StringVar(&account, "account", "", "address whose balance to show")
	c.Flags().BoolVar(&watch, "watch", false, "show it again at every block")
	jsonFlag(c, &asJSON, statusReport{})
	return c
}

func askStatus(ctx context.Context, client *api.Client, account string) (*statusReport, error) {
	st, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	r := &statusReport{Node: client.URL(), Status: *st}
	if account != "" {
		r.Account, err = client.Account(ctx, account)
	}
	return r, err
}

// watchStatus shows the status whenever the height changes. A node that is away
// for a while is waited for.
func watchStatus(c *cobra.Command, client *api.Client, account string, asJSON bool) error {
	out, live := c.OutOrStdout(), false
	if f, ok := c.OutOrStdout().(*os.File); ok {
		live = term.IsTerminal(int(f.Fd())) && !asJSON
	}
	shown := uint64(1<<64 - 1)
	for first := true; ; first = false {
		r, err := askStatus(c.Context(), client, account)
		switch {
		case c.Context().Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			fmt.Fprintf(c.ErrOrStderr(), "plexus: %v\n", err)
		case r.Height != shown:
			shown = r.Height
			if asJSON {
				if err := printLine(out, r); err != nil {
					return err
				}
				break
			}
			if live {
				fmt.Fprint(out, "\x1b[H\x1b[2J")
			}
			r.table(out)
			if !live {
				fmt.Fprintln(out)
			}
		}
		select {
		case <-c.Context().Done():
			return nil
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (r *statusReport) table(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s "+format+"\n", append([]any{name}, args...)...)
	}
	line("node", "%s, %s", r.Node, r.Version)
	line("chain", "%s, genesis %s", r.ChainID, r.Genesis.String()[:16])
	state := "up to date"
	switch age := time.Since(r.Time).Round(time.Second); {
	case r.Light:
		state = "light client, every answer proved"
	case r.CatchingUp:
		state = "syncing"
	case age > 2*time.Minute:
		state = "no block for " + age.String()
	}
	line("height", "%d at %s, %s", r.Height, r.Time.Local().Format("2006-01-02 15:04:05"), state)
	if n := r.Network; n != nil {
		line("peers", "%d, %d of them in consensus", n.Peers, n.Consensus)
	}
	line("producers", "%d", r.Producers)
	if !r.Light {
		line("waiting", "%d transactions", r.Waiting)
	}
	if r.History != nil && r.Blocks != nil {
		line("stored", "blocks %d to %d, history %d to %d", r.Blocks.First, r.Blocks.Last, r.History.First, r.History.Last)
	}
	for _, e := range r.Epochs {
		length, gone := e.Next-e.First, min(r.Height+1-min(e.First, r.Height+1), e.Next-e.First)
		bar := ""
		if length > 0 {
			n := int(20 * gone / length)
			bar = strings.Repeat("#", n) + strings.Repeat(".", 20-n)
		}
		line(fmt.Sprintf("subnet %d", e.NetUID), "epoch %d [%s] block %d of %d, the next begins at %d", e.Epoch, bar, gone, length, e.Next)
	}
	if a := r.Account; a != nil {
		line("balance", "%s TAO of %s, nonce %d", a.Balance.Coins(), a.Address, a.Nonce)
	}
}
