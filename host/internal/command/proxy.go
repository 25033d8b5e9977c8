package command

import (
	"encoding/hex"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

func proxyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "proxy", Short: "Let another key act for your account", Args: subcommands, RunE: showHelp,
		Long: `An account can give a delegate rights: to set weights, to move stake, to spend, or all. With a
delay the delegate must announce a call so many blocks before it makes it, and the account can
cancel it until then. A delegate makes a call with --as ACCOUNT on any command that pays, or
with 'plexus proxy exec'.`,
		Example: `  plexus proxy add --delegate 5Grw… --rights staking --delay 100 --from cold
  plexus stake add --amount 1 --netuid 1 --hotkey 5Grw… --as 5Fcold… --from delegate --announce
  plexus stake add --amount 1 --netuid 1 --hotkey 5Grw… --as 5Fcold… --from delegate`,
	}
	c.AddCommand(proxyLs(), proxyCalls("exec", "Make a call for an account that gave you the right",
		"The commands below, made for the account of --as. The same as the command itself with --as.", false),
		proxyCalls("announce", "Announce a call that a right with a delay lets you make later",
			"The commands below, announced for the account of --as. The same as the command itself with --as and --announce.", true))
	c.AddCommand(proxyPaying()...)
	return c
}

// proxyPaying are the proxy commands that sign and pay.
func proxyPaying() []*cobra.Command {
	return []*cobra.Command{proxyAdd(), proxyRemove(), proxyCancel()}
}

// proxyCalls has the commands that pay, made for another account.
func proxyCalls(name, short, long string, announce bool) *cobra.Command {
	c := &cobra.Command{Use: name + " COMMAND --as ACCOUNT", Short: short, Long: long, Args: subcommands, RunE: showHelp}
	for _, sub := range payingCommands() {
		walk(sub, func(leaf *cobra.Command) {
			if leaf.Flags().Lookup("as") == nil {
				return
			}
			run := leaf.RunE
			leaf.RunE = func(c *cobra.Command, args []string) error {
				if !c.Flags().Changed("as") {
					return usage("--as ACCOUNT is needed: who gave you the right")
				}
				if announce {
					if err := c.Flags().Set("announce", "true"); err != nil {
						return err
					}
				}
				return run(c, args)
			}
		})
		c.AddCommand(sub)
	}
	return c
}

// rights are the names of what a delegate may do.
var rights = map[string]ledger.Rights{"weights": ledger.RightWeights, "staking": ledger.RightStaking, "transfer": ledger.RightTransfer, "all": ledger.RightAll}

func parseRights(text string) (ledger.Rights, error) {
	var out ledger.Rights
	for _, name := range strings.Split(text, ",") {
		r, ok := rights[strings.TrimSpace(name)]
		if !ok {
			return 0, usage("--rights %q: weights, staking, transfer or all, several with commas between", name)
		}
		out |= r
	}
	return out, nil
}

func proxyAdd() *cobra.Command {
	var f txFlags
	var delegate, what string
	var delay uint64
	c := &cobra.Command{
		Use:   "add --delegate KEY --rights RIGHT,… --from KEY",
		Short: "Give a delegate rights over your account",
		Long: `Gives rights to a delegate, or changes what it has: weights (commit, reveal and serve for your
hotkeys), staking, transfer, all. With --delay the delegate has to announce each call so many
blocks before, and you can cancel it.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&delegate, "delegate", "KEY", "Who gets the right", "a name or an address"); err != nil {
				return err
			}
			to, err := addressOf(f.keys, delegate)
			if err != nil {
				return err
			}
			if err := need(&what, "rights", "RIGHT,…", "Which rights", "weights, staking, transfer or all"); err != nil {
				return err
			}
			r, err := parseRights(what)
			if err != nil {
				return err
			}
			if delay > ledger.MaxProxyDelay {
				return usage("--delay %d: at most %d blocks", delay, ledger.MaxProxyDelay)
			}
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				return &payment{what: fmt.Sprintf("the rights %s of %s, after %d blocks", r, to, delay), to: to, done: fmt.Sprintf("gave %s the rights %s", to, r)},
					&ledger.SetProxy{Delegate: to, Rights: r, Delay: delay}, nil
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &delegate, "delegate", "who gets the rights: a name or an address")
	c.Flags().StringVar(&what, "rights", "", "weights, staking, transfer or all, several with commas between")
	c.Flags().Uint64Var(&delay, "delay", 0, "blocks between the announcement of a call and the call")
	return c
}

func proxyRemove() *cobra.Command {
	var f txFlags
	var delegate string
	c := &cobra.Command{
		Use: "remove --delegate KEY --from KEY", Short: "Take all rights from a delegate, and forget what it announced", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&delegate, "delegate", "KEY", "Who loses its rights", "a name or an address"); err != nil {
				return err
			}
			to, err := addressOf(f.keys, delegate)
			if err != nil {
				return err
			}
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				return &payment{what: "the end of the rights of " + to.String(), to: to, done: "took all rights from " + to.String()}, &ledger.SetProxy{Delegate: to}, nil
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &delegate, "delegate", "who loses its rights: a name or an address")
	return c
}

func proxyCancel() *cobra.Command {
	var f txFlags
	var delegate, principal, call string
	c := &cobra.Command{
		Use:   "cancel --call HASH --delegate KEY --from KEY",
		Short: "Take an announced call back",
		Long: `Takes back a call that was announced and not made: as the account that gave the right, with
--delegate, or as the delegate, with --principal. 'plexus proxy ls' lists what waits.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if (delegate == "") == (principal == "") {
				return usage("--delegate KEY or --principal KEY is needed: who is on the other side")
			}
			b, err := hex.DecodeString(call)
			if err != nil || len(b) != 32 {
				return usage("--call %q: want the 64 hexadecimal digits that 'plexus proxy ls' shows", call)
			}
			other, err := addressOf(f.keys, delegate+principal)
			if err != nil {
				return err
			}
			me, err := f.acting()
			if err != nil {
				return err
			}
			p := &ledger.CancelProxied{Principal: me, Delegate: other, Call: [32]byte(b)}
			if principal != "" {
				p.Principal, p.Delegate = other, me
			}
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				return &payment{what: "the end of the announced call", to: other, done: "cancelled the call " + call}, p, nil
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &delegate, "delegate", "who announced it, when you gave the right")
	keyNameFlag(c, &principal, "principal", "who gave the right, when you announced it")
	c.Flags().StringVar(&call, "call", "", "hash of the call")
	return c
}

// proxyList is what proxy ls prints as JSON.
type proxyList struct {
	Account   string       `json:"account"`
	Height    uint64       `json:"height"`
	Delegates []proxyShown `json:"delegates"`
}

// proxyShown is a delegate with what it announced.
type proxyShown struct {
	Delegate string      `json:"delegate"`
	Rights   string      `json:"rights"`
	Delay    uint64      `json:"delay"` // blocks
	Calls    []callShown `json:"calls"`
}

// callShown is a call that waits.
type callShown struct {
	Call    string        `json:"call"`
	Height  ledger.Height `json:"announced"`
	Allowed ledger.Height `json:"allowed"` // first block that may hold it
}

func loadProxies(v ledger.View, account key.ID) (*proxyList, error) {
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	out := &proxyList{Account: account.String(), Height: tot.Height, Delegates: []proxyShown{}}
	list, err := ledger.LoadProxies(v, account)
	for _, p := range list {
		calls, err := ledger.LoadAnnounced(v, account, p.Delegate)
		if err != nil {
			return nil, err
		}
		s := proxyShown{Delegate: p.Delegate.String(), Rights: p.Rights.String(), Delay: p.Delay, Calls: []callShown{}}
		for _, a := range calls {
			s.Calls = append(s.Calls, callShown{hex.EncodeToString(a.Call[:]), a.Height, a.Height + p.Delay})
		}
		out.Delegates = append(out.Delegates, s)
	}
	return out, err
}

func proxyLs() *cobra.Command {
	var join, dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "ls ACCOUNT", Aliases: []string{"list"}, Short: "List the delegates of an account, and the calls that wait",
		Args: oneAccount,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := addressOf(dir, args[0])
			if err != nil {
				return err
			}
			return look(c, join, func(v ledger.View) error {
				list, err := loadProxies(v, id)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, list)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				for _, p := range list.Delegates {
					fmt.Fprintf(w, "%s\t%s\tafter %d blocks\n", p.Delegate, p.Rights, p.Delay)
					for _, a := range p.Calls {
						fmt.Fprintf(w, "  call %s\tannounced at block %d\tallowed from block %d\n", a.Call, a.Height, a.Allowed)
					}
				}
				if len(list.Delegates) == 0 {
					fmt.Fprintf(w, "%s has given no rights\n", id)
				}
				return w.Flush()
			})
		},
	}
	keysFlag(c, &dir)
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, proxyList{})
	return c
}
