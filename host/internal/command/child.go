package command

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

func childCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "child", Short: "Lend a hotkey's stake weight to other hotkeys", Args: subcommands, RunE: showHelp,
		Long: `A hotkey can lend parts of its stake weight in a subnet to child hotkeys, which validate with it
and pass on what it earns, less their take. The stake itself stays where it is.`,
		Example: "  plexus child set --netuid 1 --hotkey mine --child 5Grw…=60 --child 5Fhu…=40 --from cold",
	}
	c.AddCommand(childLs())
	c.AddCommand(childPaying()...)
	return c
}

// childPaying are the child commands that sign and pay.
func childPaying() []*cobra.Command { return []*cobra.Command{childSet(), childRevoke(), childTake()} }

// hotkeyIn are the flags of what is about a hotkey in a subnet.
type hotkeyIn struct {
	txFlags
	subnet subnetFlag
	hotkey string
}

func (f *hotkeyIn) add(c *cobra.Command) {
	f.txFlags.add(c)
	f.subnet.add(c, "subnet")
	keyNameFlag(c, &f.hotkey, "hotkey", "hotkey of yours: a name or an address")
}

func (f *hotkeyIn) get() (n ledger.NetUID, hot ledger.Hotkey, err error) {
	if n, err = f.subnet.get(); err != nil {
		return n, hot, err
	}
	if err = need(&f.hotkey, "hotkey", "KEY", "Hotkey of yours", "a name or an address"); err != nil {
		return n, hot, err
	}
	hot, err = addressOf(f.keys, f.hotkey)
	return n, hot, err
}

func childSet() *cobra.Command {
	var f hotkeyIn
	var children []string
	c := &cobra.Command{
		Use:   "set --netuid N --hotkey KEY --child KEY=PERCENT… --from KEY",
		Short: "Name the children of a hotkey, in place of those before",
		Long: `Lends parts of a hotkey's stake weight in a subnet: at most five children, whose parts make up
100 percent or less. It takes effect with an epoch that begins after a cooldown.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, hot, err := f.get()
			if err != nil {
				return err
			}
			if len(children) == 0 {
				return usage("--child KEY=PERCENT is needed; 'plexus child revoke' takes all back")
			}
			p := &ledger.SetChildren{NetUID: n, Hotkey: hot}
			var sum uint64
			for _, text := range children {
				name, part, err := cutPart(text)
				if err != nil {
					return err
				}
				id, err := addressOf(f.keys, name)
				if err != nil {
					return err
				}
				if sum += part; part == 0 || sum > 10_000 {
					return usage("--child %s: parts above 0 that make up 100 percent or less", text)
				}
				p.Children = append(p.Children, ledger.Kin{Hotkey: id, Part: unit.MulDiv(part, math.MaxUint64, 10_000)})
			}
			slices.SortFunc(p.Children, func(a, b ledger.Kin) int { return bytes.Compare(a.Hotkey[:], b.Hotkey[:]) })
			return f.lend(c, p)
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&children, "child", nil, "child with its part: KEY=PERCENT; several times for several")
	return c
}

func (f *hotkeyIn) lend(c *cobra.Command, p *ledger.SetChildren) error {
	return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
		_, err := ownedSubnet(v, p.NetUID)
		return &payment{what: fmt.Sprintf("%d children of %s on netuid %d", len(p.Children), p.Hotkey, p.NetUID), to: p.Hotkey,
			done: fmt.Sprintf("named %d children of %s on netuid %d", len(p.Children), p.Hotkey, p.NetUID)}, p, err
	})
}

func childRevoke() *cobra.Command {
	var f hotkeyIn
	c := &cobra.Command{
		Use: "revoke --netuid N --hotkey KEY --from KEY", Short: "Take the stake weight back from all children of a hotkey", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, hot, err := f.get()
			if err != nil {
				return err
			}
			return f.lend(c, &ledger.SetChildren{NetUID: n, Hotkey: hot})
		},
	}
	f.add(c)
	return c
}

func childTake() *cobra.Command {
	var f hotkeyIn
	var take string
	c := &cobra.Command{
		Use:   "take --netuid N --hotkey KEY --take PERCENT --from KEY",
		Short: "Set what a hotkey keeps of what it earns for its parents",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, hot, err := f.get()
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
				_, err := ownedSubnet(v, n)
				next := over65535(p)
				return &payment{what: fmt.Sprintf("a child's take of %s of %s on netuid %d", takeText(next), hot, n), to: hot,
					done: fmt.Sprintf("set the child's take of %s on netuid %d to %s", hot, n, takeText(next))}, &ledger.SetChildTake{NetUID: n, Hotkey: hot, Take: next}, err
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&take, "take", "", "percents of what it earns with its parents' stake weight")
	return c
}

// kin is a child or a parent.
type kin struct {
	Hotkey ledger.Hotkey `json:"hotkey"`
	Part   float64       `json:"percent"`
}

func kinOf(list []ledger.Kin) []kin {
	out := []kin{}
	for _, k := range list {
		part, _ := unit.MulDivUp(k.Part, 1_000_000, math.MaxUint64) // a part was rounded down
		out = append(out, kin{k.Hotkey, float64(part) / 10_000})
	}
	return out
}

// family is what child ls prints as JSON.
type family struct {
	NetUID   ledger.NetUID `json:"netuid"`
	Hotkey   ledger.Hotkey `json:"hotkey"`
	Children []kin         `json:"children"` // whom it lends stake weight
	Parents  []kin         `json:"parents"`  // who lends it theirs
	Take     uint16        `json:"take"`     // what it keeps of what it earns for its parents, over 65,535
	Waiting  []kin         `json:"waiting"`  // children that are named and wait
	Due      ledger.Height `json:"due"`      // block after which an epoch's beginning gives them to it; 0 for none
}

func childLs() *cobra.Command {
	var join, dir, hotkey string
	var subnet subnetFlag
	var asJSON bool
	c := &cobra.Command{
		Use: "ls --netuid N --hotkey KEY", Aliases: []string{"list"}, Short: "Show the children and parents of a hotkey in a subnet", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			n, err := subnet.get()
			if err != nil {
				return err
			}
			if err := need(&hotkey, "hotkey", "KEY", "Hotkey", "a name or an address"); err != nil {
				return err
			}
			hot, err := addressOf(dir, hotkey)
			if err != nil {
				return err
			}
			return look(c, join, func(v ledger.View) error {
				if _, err := ownedSubnet(v, n); err != nil {
					return err
				}
				fam, err := ledger.LoadFamily(v, n, hot)
				if err != nil {
					return err
				}
				wait, due, err := ledger.LoadWaiting(v, n, hot)
				if err != nil {
					return err
				}
				out := family{n, hot, kinOf(fam.Children), kinOf(fam.Parents), fam.Take, kinOf(wait), due}
				if asJSON {
					return printJSON(c, out)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, l := range []struct {
					name string
					list []kin
				}{{"child", out.Children}, {"parent", out.Parents}, {fmt.Sprintf("child after block %d", due), out.Waiting}} {
					for _, k := range l.list {
						fmt.Fprintf(w, "%s\t%s\t%.2f %%\n", l.name, k.Hotkey, k.Part)
					}
				}
				fmt.Fprintf(w, "take\t%s\n", takeText(out.Take))
				return w.Flush()
			})
		},
	}
	subnet.add(c, "subnet")
	keyNameFlag(c, &hotkey, "hotkey", "hotkey: a name or an address")
	keysFlag(c, &dir)
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, family{})
	return c
}
