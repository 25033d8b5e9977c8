package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func sendCommand() *cobra.Command {
	var f txFlags
	c := &cobra.Command{
		Use:   "send AMOUNT TO --from KEY",
		Short: "Send TAO to an account",
		Long: `Sends TAO from one of your keys to an address. AMOUNT is in TAO, like 12.5, or
"all" for what is left after the fee. The
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
			to, err := key.Parse(args[1])
			if err != nil {
				return err
			}
			if args[0] == "all" {
				return sendAll(c, &f, to)
			}
			amount, err := unit.ParseTAO(args[0])
			if err != nil {
				return usage("%v", err)
			}
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				return &payment{amount: amount, what: "a transfer to " + to.String(), to: to, done: fmt.Sprintf("sent %s to %s", amount, to)},
					&ledger.Transfer{To: to, Amount: amount}, nil
			})
		},
	}
	f.add(c)
	return c
}

// sendAll sends everything that an account has beside the fee.
func sendAll(c *cobra.Command, f *txFlags, to key.ID) error {
	return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
		return &payment{what: "a transfer of the whole balance to " + to.String(), to: to, done: "sent the whole balance to " + to.String()}, &ledger.TransferAll{To: to}, nil
	})
}
