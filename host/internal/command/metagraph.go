package command

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

func metagraphCommand() *cobra.Command {
	var join string
	var netuid uint16
	var asJSON bool
	c := &cobra.Command{
		Use:   "metagraph",
		Short: "Show a subnet's neurons: stake, incentive, dividends, earnings",
		Long:  `Shows a subnet as the last epoch's step left it. Every value is proved against a block header, so no node is trusted.`,
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := dial(c.Context(), join)
			if err != nil {
				return err
			}
			defer r.Close()
			v, err := r.View(c.Context())
			if err != nil {
				return err
			}
			m, err := ledger.LoadMetagraph(v, ledger.NetUID(netuid))
			if err != nil {
				return err
			}
			if m == nil {
				return noSubnet(ledger.NetUID(netuid))
			}
			if asJSON {
				return printJSON(c, m)
			}
			return printMetagraph(c.OutOrStdout(), m)
		},
	}
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet")
	jsonFlag(c, &asJSON, ledger.Metagraph{})
	joinFlag(c, &join)
	return c
}

func printMetagraph(out io.Writer, m *ledger.Metagraph) error {
	fmt.Fprintf(out, "netuid %d at block %d: epoch %d since block %d, price %s TAO, pool %s and %s\n",
		m.NetUID, m.Height, m.Epoch, m.First, m.Price, m.PoolTAO, m.PoolAlpha)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "uid\thotkey\tserves\tpermit\tstake α\tincentive\tdividends\tconsensus\ttrust\tpaid last α\tpaid in all α\t")
	for _, n := range m.Neurons {
		fmt.Fprintf(w, "%d\t%s\t%v\t%v\t%s\t%.4f\t%.4f\t%.4f\t%.4f\t%s\t%s\t\n", n.UID, n.Hotkey.Short(), n.Serves, n.Permit, coins(uint64(n.Stake)),
			share(n.Incentive), share(n.Dividends), share(n.Consensus), share(n.Trust), coins(uint64(n.Emission)), coins(uint64(n.Earned)))
	}
	return w.Flush()
}

func share(v uint16) float64 { return float64(v) / 65535 }

// coins writes smallest units as coins with four decimals.
func coins(v uint64) string { return fmt.Sprintf("%d.%04d", v/1e9, v%1e9/1e5) }
