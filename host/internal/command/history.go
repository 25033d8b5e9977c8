package command

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger/key"
)

// historyReport is what `plexus history --json` prints.
type historyReport struct {
	Address string             `json:"address"`
	First   uint64             `json:"first"` // height at which the node's history begins
	Items   []api.HistoryEntry `json:"items"` // newest first
}

func historyCommand() *cobra.Command {
	var url string
	var limit int
	var asCSV, asJSON bool
	c := &cobra.Command{
		Use:   "history ADDRESS",
		Short: "Show what an account did and received",
		Long: `Shows transactions, events and every change of the free balance, newest first, as the
node's history has them. With --csv it prints a table for a spreadsheet, in TAO.`,
		Example: "  plexus history 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --csv --limit 0",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes one address", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if asCSV && asJSON {
				return usage("--csv and --json exclude each other")
			}
			if limit < 0 {
				return usage("--limit %d: 0 is all, else at least 1", limit)
			}
			if _, err := key.Parse(args[0]); err != nil {
				return err
			}
			client, err := nodeClient(url)
			if err != nil {
				return err
			}
			r := historyReport{Address: args[0], Items: []api.HistoryEntry{}}
			for next := ""; ; {
				size := 200
				if limit > 0 {
					size = min(size, limit-len(r.Items))
				}
				p, err := client.History(c.Context(), args[0], next, size)
				if err != nil {
					return err
				}
				r.First, r.Items = p.First, append(r.Items, p.Items...)
				if next = p.Next; next == "" || limit > 0 && len(r.Items) >= limit {
					break
				}
			}
			switch {
			case asJSON:
				return printJSON(c, r)
			case asCSV:
				return writeHistoryCSV(c.OutOrStdout(), r.Items)
			}
			for i := range r.Items {
				fmt.Fprintln(c.OutOrStdout(), historyLine(&r.Items[i]))
			}
			if len(r.Items) == 0 {
				fmt.Fprintf(c.OutOrStdout(), "nothing since block %d, where this node's history begins\n", r.First)
			}
			return nil
		},
	}
	nodeFlag(c, &url)
	c.Flags().IntVar(&limit, "limit", 50, "how many lines, 0 for all")
	c.Flags().BoolVar(&asCSV, "csv", false, "print comma-separated values")
	jsonFlag(c, &asJSON, historyReport{})
	return c
}

func historyLine(e *api.HistoryEntry) string {
	s := fmt.Sprintf("%8d  %s  ", e.Height, e.Time.Local().Format("2006-01-02 15:04:05"))
	switch {
	case e.ID != nil:
		s += fmt.Sprintf("%-11s %s %s", e.Kind, e.ID.String()[:16], e.Result)
	case e.After != nil:
		s += fmt.Sprintf("balance     %s TAO (%s)", e.After.Coins(), difference(*e.Before, *e.After))
	case e.Event != nil:
		s += fmt.Sprintf("%-11s", e.Event.Kind)
		if e.Event.NetUID != 0 {
			s += fmt.Sprintf(" subnet %d, epoch %d", e.Event.NetUID, e.Event.Epoch)
		}
		if e.Event.Amount != 0 {
			s += " " + e.Event.Amount.Coins()
		}
	}
	return s
}

// difference is signed: +1.5, -0.000000001.
func difference(before, after api.Amount) string {
	if after >= before {
		return "+" + (after - before).Coins()
	}
	return "-" + (before - after).Coins()
}

// writeHistoryCSV writes amounts in coins, as spreadsheets want them.
func writeHistoryCSV(w io.Writer, items []api.HistoryEntry) error {
	out := csv.NewWriter(w)
	out.Write([]string{"height", "time", "type", "kind", "id", "result", "netuid", "epoch", "amount", "change_tao", "balance_tao"})
	for _, e := range items {
		row := []string{strconv.FormatUint(e.Height, 10), e.Time.Format(time.RFC3339Nano), e.Type, e.Kind, "", e.Result, "", "", "", "", ""}
		if e.ID != nil {
			row[4] = e.ID.String()
		}
		if ev := e.Event; ev != nil {
			row[3], row[8] = ev.Kind, ev.Amount.Coins()
			if ev.NetUID != 0 {
				row[6], row[7] = strconv.Itoa(int(ev.NetUID)), strconv.FormatUint(ev.Epoch, 10)
			}
		}
		if e.After != nil {
			row[9], row[10] = difference(*e.Before, *e.After), e.After.Coins()
		}
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// printLine writes v as one line of JSON.
func printLine(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) }
