package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

func registerCommand() *cobra.Command {
	var f txFlags
	var netuid uint16
	var hotkey, limit string
	var only bool
	c := &cobra.Command{
		Use:   "register --hotkey KEY --from KEY",
		Short: "Buy a place in a subnet for a hotkey",
		Long: `Registers a hotkey in a subnet; the paying key owns it from then on. The price falls from
block to block and rises with each registration: --max-price bounds what is paid. The keys
with which the hotkey works are derived from it and their possession is proved.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&hotkey, "hotkey", "KEY", "Key to register", "make one with 'plexus key new NAME'"); err != nil {
				return err
			}
			hot, err := loadKey(c, f.keys, hotkey)
			if err != nil {
				return err
			}
			var most unit.TAO
			if limit != "" {
				if most, err = unit.ParseTAO(limit); err != nil {
					return usage("--max-price: %v", err)
				}
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				n := ledger.NetUID(netuid)
				work, proof := hot.Work(!only)
				if n == 0 {
					return &payment{what: "a place on the root network", to: hot.Public(), done: fmt.Sprintf("registered %s on the root network", hot.Public())},
						&ledger.Register{Hotkey: hot.Public(), Work: work, Proof: proof}, nil
				}
				m, err := ledger.LoadMarket(v, n)
				if err != nil {
					return nil, nil, err
				}
				if m == nil {
					return nil, nil, noSubnet(ledger.NetUID(netuid))
				}
				if uid, ok, err := ledger.FindUID(v, n, hot.Public()); err != nil {
					return nil, nil, err
				} else if ok {
					return nil, nil, fmt.Errorf("%s has uid %d in netuid %d already", hot.Public(), uid, netuid)
				}
				if most == 0 { // the price moves by one registration at the most before this one
					most = m.Burn + m.Burn/2
				}
				if m.Burn > most {
					return nil, nil, fmt.Errorf("a registration costs %s now, above --max-price %s", m.Burn, most)
				}
				return &payment{amount: most, what: fmt.Sprintf("a uid in netuid %d, which costs %s now", netuid, m.Burn), to: hot.Public(),
						done: fmt.Sprintf("registered %s in netuid %d", hot.Public(), netuid)},
					&ledger.Register{NetUID: n, Hotkey: hot.Public(), MaxPrice: most, Work: work, Proof: proof}, nil
			})
		},
	}
	f.add(c)
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet; 0 for the root network, whose 64 places the most root stake holds")
	keyNameFlag(c, &hotkey, "hotkey", "key to register")
	c.Flags().StringVar(&limit, "max-price", "", "most TAO to pay (default: half above the price now)")
	c.Flags().BoolVar(&only, "validate-only", false, "announce no peer identity: the hotkey answers no tasks")
	return c
}
