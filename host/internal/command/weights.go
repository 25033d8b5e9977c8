package command

import (
	"encoding/hex"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

func weightsCommand() *cobra.Command {
	c := &cobra.Command{Use: "weights", Short: "Show the weights that validators set", Args: subcommands, RunE: showHelp}
	c.AddCommand(weightsShow())
	return c
}

// weightsShown is what weights show prints as JSON.
type weightsShown struct {
	NetUID    ledger.NetUID `json:"netuid"`
	Mechanism uint8         `json:"mechanism"`
	Epoch     ledger.Epoch  `json:"epoch"`
	Members   int           `json:"members"` // of the epoch's roster
	Rows      []weightRow   `json:"rows"`    // of those who may validate in it
}

// weightRow is what one validator said of an epoch.
type weightRow struct {
	UID      ledger.UID    `json:"uid"`
	Hotkey   ledger.Hotkey `json:"hotkey"`
	State    string        `json:"state"`    // revealed, committed or silent
	Height   ledger.Height `json:"height"`   // of the commitment, 0 for none
	Evidence string        `json:"evidence"` // root of the evidence behind them
	Weights  []weight      `json:"weights"`  // once revealed; the largest is 65,535
}

// weight is what a validator thinks of a neuron.
type weight struct {
	UID    ledger.UID `json:"uid"`
	Weight uint16     `json:"weight"`
}

func loadWeights(v ledger.View, n ledger.NetUID, mech uint8, e ledger.Epoch) (*weightsShown, error) {
	roster, err := ledger.LoadRoster(v, n, e)
	if err != nil {
		return nil, err
	}
	if roster == nil {
		return nil, usage("epoch %d of netuid %d has not begun, or its roster is no longer in the state", e, n)
	}
	out := &weightsShown{NetUID: n, Mechanism: mech, Epoch: e, Members: len(roster), Rows: []weightRow{}}
	at := n.Mechanism(mech)
	for _, m := range roster {
		if !m.Permit {
			continue
		}
		r := weightRow{UID: m.UID, Hotkey: m.Hotkey, State: "silent", Weights: []weight{}}
		com, err := ledger.LoadCommitted(v, at, e, m.Hotkey)
		if err != nil {
			return nil, err
		}
		if com != nil {
			r.State, r.Height, r.Evidence = "committed", com.Height, hex.EncodeToString(com.Evidence[:])
		}
		o, err := ledger.LoadReveal(v, at, e, m.Hotkey)
		if err != nil {
			return nil, err
		}
		if o != nil {
			r.State = "revealed"
			dense, err := o.Row.Dense(len(roster))
			if err != nil {
				return nil, err
			}
			for i, w := range dense {
				if w > 0 {
					r.Weights = append(r.Weights, weight{roster[i].UID, w})
				}
			}
		}
		out.Rows = append(out.Rows, r)
	}
	return out, nil
}

func weightsShow() *cobra.Command {
	var join string
	var asJSON bool
	var netuid uint16
	var mech uint8
	var epoch int64
	c := &cobra.Command{
		Use: "show [--netuid N] [--epoch E]", Short: "Show who committed and revealed which weights",
		Long: `Shows what the validators of a subnet said of an epoch: nothing yet, a commitment, or their
weights once they are revealed. Without --epoch it is the last epoch that ended, whose weights
are due now. The state keeps the last few epochs.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return look(c, join, func(v ledger.View) error {
				n := ledger.NetUID(netuid)
				sub, err := ownedSubnet(v, n)
				if err != nil {
					return err
				}
				if mech >= sub.Mechanisms() {
					return usage("--mechanism %d: netuid %d has %d, numbered from 0", mech, n, sub.Mechanisms())
				}
				clock, err := ledger.LoadClock(v, n)
				if err != nil {
					return err
				}
				e := ledger.Epoch(epoch)
				if epoch < 0 {
					if clock.Epoch == clock.Origin {
						return usage("no epoch of netuid %d has ended yet: --epoch %d is the running one", n, clock.Epoch)
					}
					e = clock.Epoch - 1
				}
				s, err := loadWeights(v, n, mech, e)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, s)
				}
				return s.print(c)
			})
		},
	}
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet")
	c.Flags().Uint8Var(&mech, "mechanism", 0, "incentive mechanism")
	c.Flags().Int64Var(&epoch, "epoch", -1, "epoch (default: the last that ended)")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, weightsShown{})
	return c
}

func (s *weightsShown) print(c *cobra.Command) error {
	fmt.Fprintf(c.OutOrStdout(), "netuid %d, epoch %d: %d members\n", s.NetUID, s.Epoch, s.Members)
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "uid\tvalidator\tstate\tblock\tweights, uid:share of the largest")
	for _, r := range s.Rows {
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t", r.UID, r.Hotkey.Short(), r.State, r.Height)
		for _, x := range r.Weights {
			fmt.Fprintf(w, "%d:%.3f ", x.UID, share(x.Weight))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
