package command

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

// subnetFlag is a subnet that has to be named: where value is at stake there is
// no default.
type subnetFlag struct{ text string }

func (f *subnetFlag) add(c *cobra.Command, help string) {
	c.Flags().StringVar(&f.text, "netuid", "", help)
}

// get asks for the number if need be.
func (f *subnetFlag) get() (ledger.NetUID, error) {
	if err := need(&f.text, "netuid", "N", "Number of the subnet", "see 'plexus subnet ls'"); err != nil {
		return 0, err
	}
	return parseNetUID(f.text)
}

func parseNetUID(text string) (ledger.NetUID, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, usage("netuid %q: want a number, 0 to 65535", text)
	}
	return ledger.NetUID(n), nil
}
