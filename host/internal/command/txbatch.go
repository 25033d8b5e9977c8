package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

func txBatch() *cobra.Command {
	var f txFlags
	c := &cobra.Command{
		Use:   "batch FILE FILE… --from KEY",
		Short: "Make several transactions as one: all or none",
		Long: `Puts what several transaction files of one account do into one transaction, in their order: either
all of it happens or nothing. Write the files with 'plexus tx build'; their signatures, nonces
and tips play no part.`,
		Example: `  plexus tx build send 1 5Grw… --from cold --unsigned a.json
  plexus tx build stake add --amount 2 --netuid 1 --hotkey 5Grw… --from cold --unsigned b.json
  plexus tx batch a.json b.json --from cold`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > ledger.MaxBatch {
				return usage("%s takes 1 to %d files", c.CommandPath(), ledger.MaxBatch)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			who, err := f.acting()
			if err != nil {
				return err
			}
			b := &ledger.Batch{}
			for _, file := range args {
				_, t, err := readTxFile(file)
				if err != nil {
					return err
				}
				if t.Account != who {
					return usage("%s is of %s, this is for %s", file, t.Account, who)
				}
				if t.Free() || t.Kind == ledger.KindBatch || t.Kind == ledger.KindProxied {
					return usage("%s: a %s cannot be part of a batch", file, t.Kind)
				}
				b.Steps = append(b.Steps, t.Payload)
			}
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				return &payment{what: fmt.Sprintf("%d steps, all or none", len(b.Steps)), done: fmt.Sprintf("made %d steps", len(b.Steps))}, b, nil
			})
		},
	}
	f.add(c)
	return c
}
