package command

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func stakeSwap() *cobra.Command {
	var f stakeFlags
	var to subnetFlag
	c := &cobra.Command{
		Use:   "swap --amount ALPHA|--all --netuid N --to-netuid N --hotkey KEY --from KEY",
		Short: "Swap stake behind a hotkey from one subnet to another",
		Long: `Sells your alpha of one subnet and buys that of another with it, behind the same hotkey, in one
step and for one pool fee; netuid 0 is the root network. The chain refuses it when it brings
less than the prices now less --slippage.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, hot, err := f.where()
			if err != nil {
				return err
			}
			if err := need(&to.text, "to-netuid", "N", "Subnet that it goes to", "see 'plexus subnet ls'"); err != nil {
				return err
			}
			dest, err := parseNetUID(to.text)
			if err != nil {
				return err
			}
			amount, err := f.stake(n)
			if err != nil {
				return err
			}
			slip, err := percent("slippage", f.slippage)
			if err != nil {
				return err
			}
			who, err := f.acting()
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				in, err := worth(v, n, hot, who, amount)
				if err != nil {
					return nil, nil, err
				}
				got, err := swapped(v, n, dest, in)
				if err != nil {
					return nil, nil, err
				}
				least := unit.MulDiv(got, 10_000-slip, 10_000)
				return &payment{what: fmt.Sprintf("a swap of %s on netuid %d for about %s on netuid %d, at least %s", inUnits(n, in), n, inUnits(dest, got), dest, inUnits(dest, least)),
						to: hot, done: fmt.Sprintf("swapped %s on netuid %d to netuid %d", inUnits(n, in), n, dest)},
					&ledger.SwapStake{From: n, To: dest, Hotkey: hot, Amount: amount, Least: ledger.StakeAmount(least)}, nil
			})
		},
	}
	f.add(c, "alpha to swap, TAO on netuid 0")
	f.wholly(c)
	c.Flags().StringVar(&f.slippage, "slippage", "1", "percents by which the prices may move against you before the swap; the chain refuses it beyond")
	c.Flags().StringVar(&to.text, "to-netuid", "", "subnet that it goes to; 0 for the root network")
	return c
}

// swapped is what an amount of one subnet's stake gets of another's now: one fee,
// on the purchase, or on the sale when the destination is root.
func swapped(v ledger.View, from, to ledger.NetUID, in uint64) (uint64, error) {
	if from == to {
		return 0, usage("the stake is on netuid %d already", to)
	}
	tao := unit.TAO(in)
	if from != 0 {
		m, fee, err := marketOf(v, from)
		if err != nil {
			return 0, err
		}
		if to != 0 {
			fee = 0
		}
		q, least, err := quoteSell(m, unit.Alpha(in), fee, 0)
		if err != nil || q == nil {
			return 0, err
		}
		tao = least
	}
	if to == 0 {
		return uint64(tao), nil
	}
	m, fee, err := marketOf(v, to)
	if err != nil {
		return 0, err
	}
	_, out, err := quoteBuy(m, tao, fee, 0)
	return uint64(out), err
}

func stakeTransfer() *cobra.Command {
	var f stakeFlags
	var to string
	c := &cobra.Command{
		Use:   "transfer --amount ALPHA|--all --netuid N --hotkey KEY --to ACCOUNT --from KEY",
		Short: "Give stake to another account; it stays behind its hotkey",
		Long:  `Gives your stake to another account, without a trade. A subnet's owner may forbid it.`,
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.hand(c, &to, "ACCOUNT", "Who gets it", func(n ledger.NetUID, hot ledger.Hotkey, other key.ID, stake string, amount ledger.StakeAmount) (*payment, ledger.Payload) {
				return &payment{what: fmt.Sprintf("the gift of %s on netuid %d behind %s to %s", stake, n, hot, other), to: other,
						done: fmt.Sprintf("gave %s on netuid %d to %s", stake, n, other)},
					&ledger.TransferStake{NetUID: n, Hotkey: hot, To: other, Amount: amount}
			})
		},
	}
	f.add(c, "alpha to give, TAO on netuid 0")
	f.wholly(c)
	keyNameFlag(c, &to, "to", "account that gets it: a name or an address")
	return c
}

func stakeLs() *cobra.Command {
	var url, dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "ls ACCOUNT", Aliases: []string{"list"}, Short: "List the stake of an account, and what waits to be free",
		Long: `Asks a node for all positions of an account, by subnet and hotkey, with what they would be worth at
the price of now, and for the root stake that waits in the queue. A list cannot be proved
complete, so that this is as the node says.`,
		Args: oneAccount,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := addressOf(dir, args[0])
			if err != nil {
				return err
			}
			client, err := nodeClient(url)
			if err != nil {
				return err
			}
			list, err := client.Stakes(c.Context(), id.String())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, list)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "netuid\thotkey\tstake\tworth TAO now")
			for _, s := range list.Items {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", s.NetUID, s.Hotkey, inUnits(ledger.NetUID(s.NetUID), uint64(s.Stake)), s.Worth.Coins())
			}
			for _, u := range list.Waiting {
				fmt.Fprintf(w, "0\t%s\t%s\tfree at block %d\n", u.Hotkey, unit.TAO(u.Amount), u.Release)
			}
			if err := w.Flush(); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%d positions of %s at block %d\n", len(list.Items), list.Address, list.Height)
			return nil
		},
	}
	keysFlag(c, &dir)
	nodeFlag(c, &url)
	jsonFlag(c, &asJSON, api.Stakes{})
	return c
}
