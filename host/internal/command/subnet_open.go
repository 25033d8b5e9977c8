package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

func subnetCreate() *cobra.Command {
	var f txFlags
	var hotkey, limit string
	c := &cobra.Command{
		Use:   "create --hotkey KEY --from KEY",
		Short: "Open a subnet",
		Long: `Opens a subnet that the paying key will own. Its price becomes the pool of the new subnet; it
rises with each creation and falls from block to block: --max-price bounds what is paid. The
hotkey becomes uid 0. When there are as many subnets as there may be, the one with the lowest
price that is no longer immune is dissolved.

Afterwards name a module with 'plexus subnet upgrade', set parameters with 'plexus subnet
set', and start it.`,
		Example: "  plexus subnet create --hotkey mine --from cold --dry-run",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&hotkey, "hotkey", "KEY", "Key that becomes uid 0", "make one with 'plexus key new NAME --scheme ed25519'"); err != nil {
				return err
			}
			hot, err := loadKey(c, f.keys, hotkey)
			if err != nil {
				return err
			}
			most, err := parseLimit("max-price", limit)
			if err != nil {
				return err
			}
			work, proof := hot.Work(false)
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				cost, err := ledger.LockCost(v)
				if err != nil {
					return nil, nil, err
				}
				if most == 0 { // it falls until another is created, which raises it more than anybody would want unasked
					most = cost
				}
				return &payment{amount: min(cost, most), what: "a subnet with the hotkey " + hot.Public().String(), to: hot.Public(),
						done: "created a subnet", after: createdSubnet},
					&ledger.CreateSubnet{Hotkey: hot.Public(), MaxPrice: most, Work: work, Proof: proof}, nil
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &hotkey, "hotkey", "key that becomes uid 0")
	c.Flags().StringVar(&limit, "max-price", "", "most TAO to pay (default: the price now)")
	return c
}

// parseLimit reads a bound in TAO, 0 for none.
func parseLimit(flag, text string) (unit.TAO, error) {
	if text == "" {
		return 0, nil
	}
	most, err := unit.ParseTAO(text)
	if err != nil {
		return 0, usage("--%s: %v", flag, err)
	}
	return most, nil
}

// createdSubnet finds the subnet that a transaction created, to say its number.
func createdSubnet(v ledger.View, out *sent) error {
	nets, err := ledger.Subnets(v)
	if err != nil {
		return err
	}
	for _, n := range nets {
		sub, err := ledger.LoadSubnet(v, n)
		if err != nil {
			return err
		}
		if sub != nil && sub.Created == out.Height && sub.OwnerHotkey.String() == out.To {
			out.NetUID, out.done = &n, fmt.Sprintf("created subnet %d", n)
		}
	}
	return nil
}

func subnetStart() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	c := &cobra.Command{
		Use:   "start --netuid N --from KEY",
		Short: "Start a subnet: its first epoch begins with the next block",
		Long: `Begins the first epoch of a subnet. It needs the rounds of an epoch before that ('plexus subnet
set rounds=…'); its module can be named later, but nothing is emitted to it without one.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				_, err := ownedSubnet(v, n)
				return &payment{what: fmt.Sprintf("the start of netuid %d", n), done: fmt.Sprintf("started netuid %d", n)}, &ledger.StartSubnet{NetUID: n}, err
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet to start")
	return c
}

func subnetTrim() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	var uids uint16
	c := &cobra.Command{
		Use:   "trim --netuid N --uids COUNT --from KEY",
		Short: "Lower the number of uids and drop the neurons beyond it",
		Long: `Drops the neurons that earned the least until COUNT are left, and lowers max_uids to it. Allowed
every 30 days, not below min_uids, and only while less than 80 % of what is left is immune.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			if uids == 0 {
				return usage("--uids COUNT is needed: how many are to be left")
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				_, err := ownedSubnet(v, n)
				return &payment{what: fmt.Sprintf("a trim of netuid %d to %d uids", n, uids), done: fmt.Sprintf("trimmed netuid %d to %d uids", n, uids)},
					&ledger.Trim{NetUID: n, UIDs: uids}, err
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet to trim")
	c.Flags().Uint16Var(&uids, "uids", 0, "uids to be left")
	return c
}

func subnetMechanisms() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	var split []uint
	c := &cobra.Command{
		Use:   "mechanisms --netuid N --split PERCENT,PERCENT,… --from KEY",
		Short: "Divide the miners' emission over several incentive mechanisms",
		Long: `Gives a subnet several incentive mechanisms from its next epoch on: validators set weights in
each, and each divides its part of the miners' emission. The parts are percents that make up
100; a single 100 is one mechanism.`,
		Example: "  plexus subnet mechanisms --netuid 2 --split 70,30 --from cold",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			parts, err := splitOf(split)
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				_, err := ownedSubnet(v, n)
				return &payment{what: fmt.Sprintf("%d mechanisms of netuid %d", max(1, len(parts)), n),
					done: fmt.Sprintf("divided netuid %d over %d mechanisms", n, max(1, len(parts)))}, &ledger.SetMechanisms{NetUID: n, Split: parts}, err
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet to divide")
	c.Flags().UintSliceVar(&split, "split", nil, "percents of the mechanisms, which make up 100")
	return c
}

// splitOf turns percents into parts over 65,535 that sum to it: rounded down,
// the rest goes to the first.
func splitOf(percents []uint) ([]uint16, error) {
	var sum uint
	for _, p := range percents {
		if p > 100 {
			return nil, usage("--split: %d percent: 0 to 100", p)
		}
		sum += p
	}
	if sum != 100 {
		return nil, usage("--split: percents that make up 100, not %d", sum)
	}
	if len(percents) == 1 {
		return nil, nil
	}
	parts, left := make([]uint16, len(percents)), uint(65535)
	for i, p := range percents {
		parts[i] = uint16(p * 65535 / 100)
		left -= uint(parts[i])
	}
	parts[0] += uint16(left)
	return parts, nil
}
