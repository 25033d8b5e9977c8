package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// expiry is how many blocks a transaction made here may wait.
const expiry = 100

// sender finds a key by name; a name that begins with // is a development key,
// which everybody can compute.
func sender(dir, name string) (key.Seed, error) {
	if dev, ok := strings.CutPrefix(name, "//"); ok {
		return keys.Development(dev), nil
	}
	r, err := ring(dir)
	if err != nil {
		return key.Seed{}, err
	}
	return r.Load(name)
}

func sendCommand() *cobra.Command {
	var dir, join, from string
	var asJSON, dry bool
	c := &cobra.Command{
		Use:   "send AMOUNT TO --from KEY",
		Short: "Send TAO to an account",
		Long: `Sends TAO from one of your keys to an address. AMOUNT is in TAO, like 12.5. The
transaction's id is printed before it is waited for. A key named //NAME is a
development key, known to everybody: for local networks only.`,
		Example: "  plexus send 12.5 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --from alice",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes an amount and an address", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			amount, err := unit.ParseTAO(args[0])
			if err != nil {
				return usage("%v", err)
			}
			to, err := key.Parse(args[1])
			if err != nil {
				return err
			}
			if from == "" {
				return usage("--from KEY is needed: see 'plexus key list'")
			}
			seed, err := sender(dir, from)
			if err != nil {
				return err
			}
			r, err := dial(c.Context(), join)
			if err != nil {
				return err
			}
			defer r.Close()
			v, err := r.View(c.Context())
			if err != nil {
				return err
			}
			acc, err := ledger.LoadAccount(v, seed.Public())
			if err != nil {
				return err
			}
			tx := ledger.Sign(seed, r.Genesis.ChainID, acc.Nonce, v.Height()+expiry, &ledger.Transfer{To: to, Amount: amount})
			fee, err := ledger.Fee(v, tx)
			if err != nil {
				return err
			}
			t, err := ledger.DecodeTx(tx)
			if err != nil {
				return err
			}
			out := struct {
				ID     string `json:"id"`
				From   string `json:"from"`
				To     string `json:"to"`
				Amount string `json:"amount"`
				Fee    string `json:"fee"`
				Height uint64 `json:"height,omitempty"`
				DryRun bool   `json:"dry_run,omitempty"`
			}{ID: fmt.Sprintf("%x", t.ID()), From: seed.Public().String(), To: to.String(), Amount: amount.String(), Fee: fee.String(), DryRun: dry}
			need, ok := amount.Add(fee)
			if !ok || need > acc.Balance {
				return fmt.Errorf("%s and a fee of %s exceed the balance of %s, %s", amount, fee, seed.Public(), acc.Balance)
			}
			if dry {
				if asJSON {
					return printJSON(c, out)
				}
				fmt.Fprintf(c.OutOrStdout(), "would send %s to %s for a fee of %s; balance %s would become %s\n", amount, to, fee, acc.Balance, acc.Balance-need)
				return nil
			}
			if !asJSON {
				fmt.Fprintf(c.OutOrStdout(), "transaction %s\n", out.ID)
			}
			id, err := r.Submit(c.Context(), tx)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), 2*time.Minute)
			defer cancel()
			if out.Height, err = r.Wait(ctx, id); err != nil {
				return err
			}
			// The next command of this user must see the effect: wait until the block
			// can be proved.
			for v.Height() < out.Height {
				if v, err = r.View(ctx); err != nil {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(100 * time.Millisecond):
				}
			}
			if asJSON {
				return printJSON(c, out)
			}
			fmt.Fprintf(c.OutOrStdout(), "sent %s to %s in block %d for a fee of %s\n", amount, to, out.Height, fee)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "keys", "", "folder of keys (default ~/.plexus/keys)")
	c.Flags().StringVar(&from, "from", "", "key that pays")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would happen, send nothing")
	joinFlag(c, &join)
	return c
}
