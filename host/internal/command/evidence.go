package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/p2p"
)

func evidenceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "evidence",
		Short: "List, fetch, check and read what validators published for their weights",
		Long: `A validator commits for every epoch, with its weights, the root of a bundle: the tasks it
drew, the answers it got with all signatures, the scores and the ranking, in one file. Bundles
are served by the validators for at least eight epochs; 'plexus replay' recomputes one.`,
		Args: subcommands,
		RunE: showHelp,
	}
	c.AddCommand(evidenceLs(), evidenceGet(), evidenceVerify(), evidenceShow(), evidenceClaim(), evidenceAlter())
	return c
}

// evidenceRow is one line of `plexus evidence ls`.
type evidenceRow struct {
	Netuid    uint16 `json:"netuid"`
	Epoch     uint64 `json:"epoch"`
	Validator string `json:"validator"`
	State     string `json:"state"`               // revealed, committed, or nothing
	Root      string `json:"root,omitempty"`      // of the evidence
	Block     uint64 `json:"block,omitempty"`     // of the commitment
	Served    *bool  `json:"served,omitempty"`    // absent when nobody was asked
	By        int    `json:"served_by"`           // peers that say they have it
	Bytes     int64  `json:"bytes,omitempty"`     // as they say
	Problem   string `json:"problem,omitempty"`   // why it is not served
	Weights   int    `json:"weights,omitempty"`   // miners that were given any
	CarryOut  string `json:"carry_out,omitempty"` // what the module is to remember, by hash
}

func evidenceLs() *cobra.Command {
	var f epochFlags
	var epochs int
	var asJSON, offline bool
	c := &cobra.Command{
		Use:   "ls",
		Short: "Who committed evidence, and whether it is served",
		Long: `Lists the members of an epoch's roster that may validate, with what each committed and
revealed, as proved by the light client, and asks the peers who has the file.`,
		Example: "  plexus evidence ls --netuid 1 --epochs 4",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if epochs < 1 {
				return usage("--epochs %d: at least 1", epochs)
			}
			r, err := dial(c.Context(), f.join)
			if err != nil {
				return err
			}
			defer r.Close()
			rows, err := listEvidence(c.Context(), r, &f, epochs, !offline)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, rows)
			}
			return printEvidence(c, rows)
		},
	}
	f.add(c)
	c.Flags().Lookup("epoch").Usage = "newest epoch to list (default: the last one whose commitments are in)"
	c.Flags().IntVar(&epochs, "epochs", 2, "how many epochs to list")
	c.Flags().BoolVar(&offline, "no-ask", false, "list what is on the chain and ask nobody for the files")
	jsonFlag(c, &asJSON, []evidenceRow{})
	return c
}

func listEvidence(ctx context.Context, r *remote.Remote, f *epochFlags, epochs int, ask bool) ([]evidenceRow, error) {
	v, err := r.View(ctx)
	if err != nil {
		return nil, err
	}
	n := ledger.NetUID(f.netuid)
	clock, err := ledger.LoadClock(v, n)
	if err != nil {
		return nil, err
	}
	if clock == nil {
		return nil, noSubnet(n)
	}
	last := uint64(f.epoch)
	if f.epoch < 0 {
		last = clock.Epoch - min(clock.Epoch, 1)
	}
	var out []evidenceRow
	for e := last - min(last, uint64(epochs-1)); e <= last; e++ {
		all, err := publishedIn(v, n, e)
		if err != nil {
			return nil, err
		}
		for i := range all {
			p := &all[i]
			// A miner may have a permit too, and does not use it.
			if !p.validator.Permit || p.committed == nil && p.validator.Serves() || f.validator != "" && p.validator.Hotkey.String() != f.validator {
				continue
			}
			row := evidenceRow{Netuid: f.netuid, Epoch: e, Validator: p.validator.Hotkey.String(), State: "nothing"}
			if p.committed != nil {
				row.State, row.Root, row.Block = "committed", fmt.Sprintf("%x", p.committed.Evidence), p.committed.Height
				if p.revealed != nil {
					row.State, row.Weights, row.CarryOut = "revealed", len(p.revealed.Row.Weights), fmt.Sprintf("%x", p.revealed.CarryOut)
				}
				if ask {
					if err := row.ask(ctx, r, p); err != nil {
						return nil, err
					}
				}
			}
			out = append(out, row)
		}
	}
	return out, nil
}

// ask finds out who has the file.
func (row *evidenceRow) ask(ctx context.Context, r *remote.Remote, p *published) error {
	size, at, err := r.BundleAt(ctx, p.committed.Evidence, p.validator.Work.Peer)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	served := err == nil
	row.Served, row.Bytes, row.By = &served, size, len(at)
	switch {
	case errors.Is(err, p2p.ErrNoBlob):
		row.Problem = "no peer has it"
	case err != nil:
		row.Problem = strings.SplitN(err.Error(), "\n", 2)[0]
	}
	return nil
}

func printEvidence(c *cobra.Command, rows []evidenceRow) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "epoch\tvalidator\tstate\tblock\tevidence\tserved")
	for _, r := range rows {
		block, root, served := "", "", ""
		if r.Root != "" {
			block, root = fmt.Sprint(r.Block), r.Root[:16]
		}
		if r.Served != nil {
			served = r.Problem
			if *r.Served {
				served = fmt.Sprintf("by %d, %d bytes", r.By, r.Bytes)
			}
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Epoch, r.Validator, r.State, block, root, served)
	}
	return w.Flush()
}
