package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func stakeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "stake", Short: "Stake behind hotkeys, take stake out, move it", Args: subcommands, RunE: showHelp,
		Long: `Stake stands behind a hotkey. On the root network, netuid 0, it is TAO; on a subnet it is the
subnet's alpha, bought from its pool and sold back to it at the price that the pool makes.
--dry-run shows that price, the slippage and everything that would change.`,
		Example: `  plexus stake add --amount 10 --netuid 1 --hotkey 5Grw… --from cold --dry-run
  plexus stake remove --all --netuid 1 --hotkey 5Grw… --from cold`,
	}
	c.AddCommand(stakeLs())
	c.AddCommand(stakePaying()...)
	return c
}

// stakePaying are the stake commands that sign and pay.
func stakePaying() []*cobra.Command {
	return []*cobra.Command{stakeAdd(), stakeRemove(), stakeMove(), stakeSwap(), stakeTransfer()}
}

// stakeFlags are what every change of stake is about.
type stakeFlags struct {
	txFlags
	subnet                   subnetFlag
	hotkey, amount, slippage string
	limit                    string
	all, partial             bool
}

func (f *stakeFlags) add(c *cobra.Command, amount string) {
	f.txFlags.add(c)
	f.subnet.add(c, "subnet; 0 for the root network")
	keyNameFlag(c, &f.hotkey, "hotkey", "hotkey that the stake stands behind: a name or an address")
	c.Flags().StringVar(&f.amount, "amount", "", amount)
}

// trading adds the flags of what trades on a pool.
func (f *stakeFlags) trading(c *cobra.Command) {
	c.Flags().StringVar(&f.slippage, "slippage", "1", "percents by which the price may move against you before the trade; the chain refuses it beyond")
	c.Flags().StringVar(&f.limit, "limit", "", "price, in TAO per alpha, that the trade must not pass")
	c.Flags().BoolVar(&f.partial, "partial", false, "with --limit: trade as much as it allows, instead of all or nothing")
}

// priceLimit reads --limit.
func (f *stakeFlags) priceLimit(n ledger.NetUID) (ledger.PriceLimit, error) {
	switch {
	case f.limit == "" && f.partial:
		return 0, usage("--partial needs --limit PRICE")
	case f.limit == "":
		return 0, nil
	case n == 0:
		return 0, usage("--limit: a TAO on the root network is a TAO")
	}
	price, err := unit.ParsePrice(f.limit)
	if err != nil || price.Nano() == 0 {
		return 0, usage("--limit %q: want a price in TAO per alpha, like 0.05", f.limit)
	}
	return ledger.PriceLimit(price.Nano()), nil
}

// bound gives a trade its least amount: none when only a part of it may be made,
// since the limit bounds that.
func bound[T unit.TAO | unit.Alpha](partial bool, q *quote, least T) T {
	if !partial || q == nil {
		return least
	}
	q.Least, q.Receives = "the limit", "at most "+q.Receives
	return 0
}

func (f *stakeFlags) wholly(c *cobra.Command) {
	c.Flags().BoolVar(&f.all, "all", false, "the whole of your stake there, instead of --amount")
}

// where reads netuid and hotkey.
func (f *stakeFlags) where() (n ledger.NetUID, hot ledger.Hotkey, err error) {
	if n, err = f.subnet.get(); err != nil {
		return n, hot, err
	}
	if err = need(&f.hotkey, "hotkey", "KEY", "Hotkey that the stake stands behind", "a name or an address"); err != nil {
		return n, hot, err
	}
	hot, err = addressOf(f.keys, f.hotkey)
	return n, hot, err
}

// tao reads the amount as TAO.
func (f *stakeFlags) tao() (unit.TAO, error) {
	if err := need(&f.amount, "amount", "TAO", "How much TAO", "like 12.5"); err != nil {
		return 0, err
	}
	a, err := unit.ParseTAO(f.amount)
	if err != nil {
		return 0, usage("--amount: %v", err)
	}
	return a, nil
}

// stake reads the amount as stake of a netuid; --all is everything.
func (f *stakeFlags) stake(n ledger.NetUID) (ledger.StakeAmount, error) {
	if f.all {
		if f.amount != "" {
			return 0, usage("--all and --amount exclude each other")
		}
		return ledger.StakeAmount(ledger.AllStake), nil
	}
	if n == 0 {
		a, err := f.tao()
		return ledger.StakeAmount(a), err
	}
	if err := need(&f.amount, "amount", "ALPHA", "How much alpha", "like 12.5, or --all"); err != nil {
		return 0, err
	}
	a, err := unit.ParseAlpha(f.amount)
	if err != nil {
		return 0, usage("--amount: %v", err)
	}
	return ledger.StakeAmount(a), nil
}

// inUnits writes stake in the unit of its netuid.
func inUnits(n ledger.NetUID, v uint64) string {
	if n == 0 {
		return unit.TAO(v).String()
	}
	return unit.Alpha(v).String()
}

// worth is how much of the acting account's stake an amount is.
func worth(v ledger.View, n ledger.NetUID, hot ledger.Hotkey, who ledger.Coldkey, a ledger.StakeAmount) (uint64, error) {
	has, err := ledger.LoadPosition(v, n, hot, who)
	if err != nil {
		return 0, err
	}
	if has == 0 {
		return 0, fmt.Errorf("%s has no stake behind %s on netuid %d", who, hot, n)
	}
	if uint64(a) == ledger.AllStake {
		return has, nil
	}
	if uint64(a) > has {
		return 0, fmt.Errorf("%s of a stake of %s behind %s on netuid %d: take less, or --all", inUnits(n, uint64(a)), inUnits(n, has), hot, n)
	}
	return uint64(a), nil
}

// marketOf reads a subnet's pool and the fee of a trade on it.
func marketOf(v ledger.View, n ledger.NetUID) (*ledger.Market, uint16, error) {
	if _, err := ownedSubnet(v, n); err != nil {
		return nil, 0, err
	}
	m, err := ledger.LoadMarket(v, n)
	if err != nil {
		return nil, 0, err
	}
	params, err := ledger.ChainParams(v)
	return m, params.PoolFee, err
}

func stakeAdd() *cobra.Command {
	var f stakeFlags
	c := &cobra.Command{
		Use:   "add --amount TAO --netuid N --hotkey KEY --from KEY",
		Short: "Stake TAO behind a hotkey",
		Long: `Puts TAO behind a hotkey: on the root network one for one, on a subnet by buying its alpha. The
chain refuses the trade when it brings less than the price now less --slippage.`,
		Example: "  plexus stake add --amount 10 --netuid 1 --hotkey 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --from cold",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, hot, err := f.where()
			if err != nil {
				return err
			}
			amount, err := f.tao()
			if err != nil {
				return err
			}
			slip, err := percent("slippage", f.slippage)
			if err != nil {
				return err
			}
			limit, err := f.priceLimit(n)
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				p := &payment{amount: amount, what: fmt.Sprintf("stake behind %s on netuid %d", hot, n), to: hot,
					done: fmt.Sprintf("staked %s behind %s on netuid %d", amount, hot, n)}
				s := &ledger.Stake{NetUID: n, Hotkey: hot, Amount: amount, Limit: limit, Partial: f.partial}
				if n == 0 {
					return p, s, nil
				}
				m, fee, err := marketOf(v, n)
				if err == nil {
					p.trade, s.Least, err = quoteBuy(m, amount, fee, slip)
				}
				s.Least = bound(f.partial, p.trade, s.Least)
				return p, s, err
			})
		},
	}
	f.add(c, "TAO to stake")
	f.trading(c)
	return c
}

func stakeRemove() *cobra.Command {
	var f stakeFlags
	c := &cobra.Command{
		Use:   "remove --amount ALPHA|--all --netuid N --hotkey KEY --from KEY",
		Short: "Take stake out from behind a hotkey",
		Long: `Takes your stake out: on a subnet by selling the alpha to its pool, on the root network one for
one. Root stake behind a block producer answers for its votes and waits in a queue before it
is free; 'plexus stake ls' shows until when.`,
		Example: "  plexus stake remove --all --netuid 1 --hotkey 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --from cold",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, hot, err := f.where()
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
			limit, err := f.priceLimit(n)
			if err != nil {
				return err
			}
			who, err := f.acting()
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				out, err := worth(v, n, hot, who, amount)
				if err != nil {
					return nil, nil, err
				}
				p := &payment{what: fmt.Sprintf("%s out from behind %s on netuid %d", inUnits(n, out), hot, n), to: hot,
					done: fmt.Sprintf("took %s out from behind %s on netuid %d", inUnits(n, out), hot, n)}
				s := &ledger.Unstake{NetUID: n, Hotkey: hot, Amount: amount, Limit: limit, Partial: f.partial}
				if n == 0 {
					return p, s, nil
				}
				m, fee, err := marketOf(v, n)
				if err == nil {
					p.trade, s.Least, err = quoteSell(m, unit.Alpha(out), fee, slip)
				}
				s.Least = bound(f.partial, p.trade, s.Least)
				return p, s, err
			})
		},
	}
	f.add(c, "alpha to take out, TAO on netuid 0")
	f.wholly(c)
	f.trading(c)
	return c
}

// hand pays for stake that goes to another hotkey or account, untraded; form and title
// say who that is, and call makes the transaction of the stake, also given in words.
func (f *stakeFlags) hand(c *cobra.Command, to *string, form, title string,
	call func(n ledger.NetUID, hot ledger.Hotkey, other key.ID, stake string, amount ledger.StakeAmount) (*payment, ledger.Payload)) error {
	n, hot, err := f.where()
	if err != nil {
		return err
	}
	if err := need(to, "to", form, title, "a name or an address"); err != nil {
		return err
	}
	other, err := addressOf(f.keys, *to)
	if err != nil {
		return err
	}
	amount, err := f.stake(n)
	if err != nil {
		return err
	}
	who, err := f.acting()
	if err != nil {
		return err
	}
	return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
		out, err := worth(v, n, hot, who, amount)
		if err != nil {
			return nil, nil, err
		}
		p, payload := call(n, hot, other, inUnits(n, out), amount)
		return p, payload, nil
	})
}

func stakeMove() *cobra.Command {
	var f stakeFlags
	var to string
	c := &cobra.Command{
		Use:   "move --amount ALPHA|--all --netuid N --hotkey KEY --to KEY --from KEY",
		Short: "Move stake to another hotkey of the same subnet, without a trade",
		Long: `Moves your stake from one hotkey to another on the same subnet. No alpha is traded, so that the
price plays no part. Root stake behind a block producer goes through the queue.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.hand(c, &to, "KEY", "Hotkey that it moves to", func(n ledger.NetUID, hot ledger.Hotkey, other key.ID, stake string, amount ledger.StakeAmount) (*payment, ledger.Payload) {
				return &payment{what: fmt.Sprintf("the move of %s on netuid %d from %s to %s", stake, n, hot, other), to: other,
						done: fmt.Sprintf("moved %s on netuid %d to %s", stake, n, other)},
					&ledger.MoveStake{NetUID: n, From: hot, To: other, Amount: amount}
			})
		},
	}
	f.add(c, "alpha to move, TAO on netuid 0")
	f.wholly(c)
	keyNameFlag(c, &to, "to", "hotkey that it moves to")
	return c
}
