package command

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

func delegateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "delegate", Short: "Hotkeys that others stake behind, and their takes", Args: subcommands, RunE: showHelp,
		Long: `Anybody may stake behind any hotkey. Its owner keeps a part of what the stake earns, the take;
the rest raises everybody's stake behind it.`,
	}
	c.AddCommand(delegateLs())
	c.AddCommand(delegatePaying()...)
	return c
}

// delegatePaying are the delegate commands that sign and pay.
func delegatePaying() []*cobra.Command { return []*cobra.Command{delegateTake(), delegateAuto()} }

// over65535 turns ten thousandths into a part over 65,535, to the nearest.
func over65535(tenThousandths uint64) uint16 { return uint16((tenThousandths*65535 + 5000) / 10_000) }

// takeText writes a part over 65,535 as percents.
func takeText(v uint16) string { return fmt.Sprintf("%.2f %%", 100*share(v)) }

func delegateTake() *cobra.Command {
	var f txFlags
	var hotkey, take string
	c := &cobra.Command{
		Use:   "take --hotkey KEY --take PERCENT --from KEY",
		Short: "Set what you keep of your hotkey's dividends",
		Long: `Sets the take of a hotkey of yours. It may fall at any time, and rise after a pause; --dry-run says
when.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&hotkey, "hotkey", "KEY", "Hotkey", "a name or an address"); err != nil {
				return err
			}
			hot, err := addressOf(f.keys, hotkey)
			if err != nil {
				return err
			}
			if err := need(&take, "take", "PERCENT", "Take", "in percents, like 9"); err != nil {
				return err
			}
			p, err := percent("take", take)
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				now, err := ledger.LoadTake(v, hot)
				next := over65535(p)
				return &payment{what: fmt.Sprintf("a take of %s instead of %s of %s", takeText(next), takeText(now), hot), to: hot,
					done: fmt.Sprintf("set the take of %s to %s", hot, takeText(next))}, &ledger.SetTake{Hotkey: hot, Take: next}, err
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &hotkey, "hotkey", "hotkey of yours: a name or an address")
	c.Flags().StringVar(&take, "take", "", "percents of the dividends")
	return c
}

func delegateAuto() *cobra.Command {
	var f txFlags
	var subnet subnetFlag
	var hotkey string
	var clear bool
	c := &cobra.Command{
		Use:   "auto --netuid N --hotkey KEY|--clear --from KEY",
		Short: "Stake what your hotkeys mine behind one hotkey",
		Long: `Names the hotkey behind which everything is staked that your hotkeys mine in a subnet; --clear
leaves it behind each of them.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			if clear == (hotkey != "") {
				return usage("--hotkey KEY or --clear is needed, and not both")
			}
			p := &ledger.SetAutoStake{NetUID: n}
			if !clear {
				if p.Hotkey, err = addressOf(f.keys, hotkey); err != nil {
					return err
				}
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				_, err := ownedSubnet(v, n)
				return &payment{what: fmt.Sprintf("where the earnings of netuid %d are staked", n), to: p.Hotkey,
					done: fmt.Sprintf("set where the earnings of netuid %d are staked", n)}, p, err
			})
		},
	}
	f.add(c)
	subnet.add(c, "subnet")
	keyNameFlag(c, &hotkey, "hotkey", "hotkey to stake behind: a name or an address")
	c.Flags().BoolVar(&clear, "clear", false, "stake behind each hotkey what it earns")
	return c
}

// delegateRow is a hotkey that others may stake behind.
type delegateRow struct {
	Hotkey ledger.Hotkey  `json:"hotkey"`
	Owner  ledger.Coldkey `json:"owner"`
	Name   string         `json:"name"` // what the owner says it is called
	Take   uint16         `json:"take"` // over 65,535
	Stake  unit.TAO       `json:"root_stake_rao"`
}

// delegateList is what delegate ls prints as JSON.
type delegateList struct {
	Height    ledger.Height `json:"height"`
	Delegates []delegateRow `json:"delegates"`
}

func loadDelegates(v ledger.View, hotkeys []ledger.Hotkey) (*delegateList, error) {
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	out := &delegateList{Height: tot.Height, Delegates: []delegateRow{}}
	for _, h := range hotkeys {
		r := delegateRow{Hotkey: h}
		if r.Owner, err = ledger.LoadOwner(v, h); err != nil {
			return nil, err
		}
		if r.Take, err = ledger.LoadTake(v, h); err != nil {
			return nil, err
		}
		stake, err := ledger.LoadStake(v, 0, h)
		if err != nil {
			return nil, err
		}
		r.Stake = unit.TAO(stake)
		if who, err := ledger.LoadAccountIdentity(v, r.Owner); err != nil {
			return nil, err
		} else if who != nil {
			r.Name = who.Name
		}
		out.Delegates = append(out.Delegates, r)
	}
	return out, nil
}

func delegateLs() *cobra.Command {
	var join, dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "ls [HOTKEY…]", Aliases: []string{"list"}, Short: "Show hotkeys with their takes: those given, or the producers and the root network's",
		Long: `Shows the take, the root stake and the owner of hotkeys, every value proved. Without arguments it
shows the members of the root network and those who stand for producing blocks.`,
		RunE: func(c *cobra.Command, args []string) error {
			var asked []ledger.Hotkey
			for _, a := range args {
				id, err := addressOf(dir, a)
				if err != nil {
					return err
				}
				asked = append(asked, id)
			}
			return look(c, join, func(v ledger.View) error {
				if len(args) == 0 {
					var err error
					if asked, err = knownHotkeys(v); err != nil {
						return err
					}
				}
				list, err := loadDelegates(v, asked)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, list)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "hotkey\ttake\troot stake TAO\towner\tname")
				for _, d := range list.Delegates {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.Hotkey, takeText(d.Take), coins(uint64(d.Stake)), d.Owner, d.Name)
				}
				return w.Flush()
			})
		},
	}
	keysFlag(c, &dir)
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, delegateList{})
	return c
}

// knownHotkeys are the root network's and the candidates', each once.
func knownHotkeys(v ledger.View) ([]ledger.Hotkey, error) {
	out, err := ledger.LoadRootMembers(v)
	if err != nil {
		return nil, err
	}
	may, err := ledger.Candidates(v)
	if err != nil {
		return nil, err
	}
	seen := map[ledger.Hotkey]bool{}
	for _, h := range out {
		seen[h] = true
	}
	for _, p := range may {
		if !seen[p.Hotkey] {
			seen[p.Hotkey] = true
			out = append(out, p.Hotkey)
		}
	}
	return out, nil
}

// cutPart reads KEY=PERCENT.
func cutPart(text string) (name string, tenThousandths uint64, err error) {
	name, p, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return "", 0, usage("%q: want KEY=PERCENT", text)
	}
	tenThousandths, err = percent("child", p)
	return name, tenThousandths, err
}
