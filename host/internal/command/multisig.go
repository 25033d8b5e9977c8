package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger/key"
)

// multisigShown is what multisig address prints as JSON.
type multisigShown struct {
	Address   string   `json:"address"`
	Threshold int      `json:"threshold"`
	Members   []key.ID `json:"members"`
}

func multisigCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "multisig", Short: "Accounts of several people", Args: subcommands, RunE: showHelp,
		Long: `A multisig account is a rule, THRESHOLD:KEY,KEY,…: so many of these keys must sign. Its address
follows from the rule, so that nothing needs to be set up: money can be sent to it at once. To
spend, write the transaction to a file and let the members sign it.`,
		Example: `  plexus multisig address 2:ann,ben,eve
  plexus send 3 5Grw… --multisig 2:ann,ben,eve --unsigned pay.json
  plexus tx sign pay.json
  plexus tx submit pay.json`,
	}
	c.AddCommand(multisigAddress())
	return c
}

func multisigAddress() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "address THRESHOLD:KEY,KEY,…", Short: "Print the address of a multisig account",
		Long: `Prints the address that a threshold and its members make; names are looked up among your keys.
Needs no network.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes a rule like 2:ann,ben,eve", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			m, err := parseMultisig(dir, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, multisigShown{m.ID().String(), m.Threshold, m.Members})
			}
			fmt.Fprintln(c.OutOrStdout(), m.ID())
			return nil
		},
	}
	keysFlag(c, &dir)
	jsonFlag(c, &asJSON, multisigShown{})
	return c
}
