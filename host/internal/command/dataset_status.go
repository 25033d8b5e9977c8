package command

import (
	"encoding/hex"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

// dataRow is the data of one subnet, as dataset status prints it.
type dataRow struct {
	NetUID  ledger.NetUID `json:"netuid"`
	Root    string        `json:"root"`
	Slices  uint64        `json:"slices"`
	Slice   uint64        `json:"slice_bytes"`
	Epoch   ledger.Epoch  `json:"epoch"`             // that runs
	Window  uint64        `json:"window,omitempty"`  // slices of an epoch; absent where all are drawn in each
	Windows uint64        `json:"windows,omitempty"` // of the set
	Left    *uint64       `json:"windows_left,omitempty"`
	Last    ledger.Epoch  `json:"last_epoch,omitempty"` // that draws from the set
	Ends    ledger.Height `json:"ends_at,omitempty"`    // last block of that epoch, unless steps are put off
	Seconds uint64        `json:"ends_in_s,omitempty"`  // about
	Next    string        `json:"next_root,omitempty"`  // of the set that follows with the next epoch
	Warning string        `json:"warning,omitempty"`
}

func datasetStatus() *cobra.Command {
	var join, netuid string
	var warn uint64
	var asJSON bool
	c := &cobra.Command{
		Use: "status", Short: "How many windows of their data the subnets have left",
		Long: `Shows for each subnet that draws from data, or for one, how many windows are left and until
when they last. Exits with 1 if one has fewer than --warn left, so that a timer can watch it.
With no window left no round is drawn and the subnet earns nothing.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			rows := []dataRow{}
			err := look(c, join, func(v ledger.View) error {
				nets, err := ledger.Subnets(v)
				if netuid != "" {
					var n ledger.NetUID
					if n, err = parseNetUID(netuid); err == nil {
						nets = []ledger.NetUID{n}
					}
				}
				if err != nil {
					return err
				}
				for _, n := range nets {
					row, err := dataStatus(v, n, warn)
					if err != nil {
						return err
					}
					if row != nil {
						rows = append(rows, *row)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			low := 0
			for _, r := range rows {
				if r.Warning != "" {
					low++
				}
			}
			if asJSON {
				err = printJSON(c, rows)
			} else {
				err = printDataStatus(c, rows)
			}
			if err == nil && low > 0 {
				err = foundFault("%d of %d data sets run out, or have", low, len(rows))
			}
			return err
		},
	}
	c.Flags().StringVar(&netuid, "netuid", "", "one subnet (default: all)")
	c.Flags().Uint64Var(&warn, "warn", 8, "windows below which it warns")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, []dataRow{})
	return c
}

// dataStatus reads what a subnet draws from; nil for one without data.
func dataStatus(v ledger.View, n ledger.NetUID, warn uint64) (*dataRow, error) {
	sub, err := ownedSubnet(v, n)
	if err != nil {
		return nil, err
	}
	d, clock, err := drawnBy(v, n)
	if err != nil {
		return nil, err
	}
	planned, err := ledger.LoadPlanned(v, n)
	if err != nil {
		return nil, err
	}
	if d.Slices == 0 && (planned == nil || planned.Data.Slices == 0) {
		return nil, nil
	}
	r := &dataRow{NetUID: n, Root: hex.EncodeToString(d.Root[:]), Slices: d.Slices, Slice: d.Slice, Epoch: clock.Epoch, Window: d.Window}
	if planned != nil && planned.Data.Root != d.Root {
		r.Next = hex.EncodeToString(planned.Data.Root[:])
	}
	if d.Window == 0 {
		return r, nil
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return nil, err
	}
	tot, err := ledger.LoadTotals(v)
	if err != nil {
		return nil, err
	}
	var left uint64
	r.Windows, left = d.Windows(clock.Epoch)
	r.Left, r.Last = &left, d.From+r.Windows-1
	if left > 0 {
		r.Ends = clock.First + (r.Last-clock.Epoch+1)*uint64(sub.Params.Tempo) - 1
		r.Seconds = (r.Ends - min(r.Ends, tot.Height)) * params.BlockMS / 1000
	}
	if r.Next != "" {
		return r, nil
	}
	switch {
	case left == 0:
		r.Warning = "no window is left: no round is drawn and the subnet earns nothing; its owner must name another set with plexus subnet data"
	case left < warn:
		r.Warning = fmt.Sprintf("%d windows are left: make another set with plexus dataset build and seal, and name it with plexus subnet data", left)
	}
	return r, nil
}

func printDataStatus(c *cobra.Command, rows []dataRow) error {
	if len(rows) == 0 {
		fmt.Fprintln(c.OutOrStdout(), "no subnet draws from data")
		return nil
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "netuid %d\troot %.16s\t%d slices of at most %d bytes\t", r.NetUID, r.Root, r.Slices, r.Slice)
		switch {
		case r.Left == nil:
			fmt.Fprint(w, "all of them in every epoch")
		case *r.Left == 0:
			fmt.Fprintf(w, "0 of %d windows left since epoch %d", r.Windows, r.Last+1)
		default:
			fmt.Fprintf(w, "%d of %d windows left, until block %d in about %v", *r.Left, r.Windows, r.Ends, (time.Duration(r.Seconds) * time.Second).Round(time.Second))
		}
		fmt.Fprintln(w)
		if r.Next != "" {
			fmt.Fprintf(w, "\tfrom epoch %d root %.16s\n", r.Epoch+1, r.Next)
		}
		if r.Warning != "" {
			fmt.Fprintf(w, "\twarning: %s\n", r.Warning)
		}
	}
	return w.Flush()
}
