package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
)

func swapHotkeyCommand() *cobra.Command {
	var f txFlags
	var old, next string
	c := &cobra.Command{
		Use:   "swap-hotkey --hotkey KEY --new KEY --from KEY",
		Short: "Put a fresh hotkey in the place of another one of yours",
		Long: `Moves everything of a hotkey to a new one: its uids, stake, children, takes, its candidacy as a
producer. The new key proves that it agrees, and must never have been used. For epochs that
have begun the old hotkey goes on committing and revealing: keep both running until they end.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&old, "hotkey", "KEY", "Hotkey to replace", "a name or an address"); err != nil {
				return err
			}
			was, err := addressOf(f.keys, old)
			if err != nil {
				return err
			}
			if err := need(&next, "new", "KEY", "Key that takes its place", "make one with 'plexus key new NAME --scheme ed25519'"); err != nil {
				return err
			}
			with, err := loadKey(c, f.keys, next)
			if err != nil {
				return err
			}
			who, err := f.acting()
			if err != nil {
				return err
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				chainID, err := ledger.ChainID(v)
				if err != nil {
					return nil, nil, err
				}
				params, err := ledger.ChainParams(v)
				return &payment{amount: params.KeySwapCost, what: fmt.Sprintf("%s in the place of %s", with.Public(), was), to: with.Public(),
					done: fmt.Sprintf("put %s in the place of %s", with.Public(), was)}, ledger.NewSwapHotkey(chainID, who, was, with), err
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &old, "hotkey", "hotkey to replace: a name or an address")
	keyNameFlag(c, &next, "new", "key that takes its place")
	return c
}

func swapColdkeyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "swap-coldkey", Short: "Move a whole account to another coldkey, in two steps", Args: subcommands, RunE: showHelp,
		Long: `When a coldkey may be known to somebody else: announce another one, which locks the account, and
complete the change after a delay. An announcement that is not yours is disputed: then nothing
moves until the freeze is over.`,
	}
	c.AddCommand(coldkeyShow())
	c.AddCommand(coldkeyPaying()...)
	return c
}

// coldkeyPaying are the steps of a rotation.
func coldkeyPaying() []*cobra.Command {
	return []*cobra.Command{
		coldkeyStep("announce", "Name the coldkey that will take this one's place, and lock the account", true,
			func(to ledger.Coldkey) (*payment, ledger.Payload) {
				return &payment{what: "the announcement of another coldkey", done: "announced another coldkey; the account is locked"},
					&ledger.AnnounceColdkeySwap{Hash: ledger.ColdkeySwapHash(to)}
			}),
		coldkeyStep("complete", "Let the announced coldkey take this one's place", true, func(to ledger.Coldkey) (*payment, ledger.Payload) {
			return &payment{what: "the move of everything to " + to.String(), to: to, done: "moved everything to " + to.String()}, &ledger.SwapColdkey{New: to}
		}),
		coldkeyStep("dispute", "Stop an announcement that is not yours, and freeze the account", false, func(ledger.Coldkey) (*payment, ledger.Payload) {
			return &payment{what: "a dispute of the announced coldkey", done: "disputed the announced coldkey; the account is frozen"}, &ledger.DisputeColdkeySwap{}
		}),
		coldkeyStep("clear", "Take an announcement back, once its time is over", false, func(ledger.Coldkey) (*payment, ledger.Payload) {
			return &payment{what: "the end of the announcement", done: "took the announcement back"}, &ledger.AnnounceColdkeySwap{}
		}),
	}
}

// coldkeyStep is a step of a rotation, with the other coldkey if it names one.
func coldkeyStep(use, short string, named bool, fn func(to ledger.Coldkey) (*payment, ledger.Payload)) *cobra.Command {
	var f txFlags
	var other string
	c := &cobra.Command{
		Use: use + " --from KEY", Short: short, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var to ledger.Coldkey
			if named {
				if err := need(&other, "to", "ACCOUNT", "The other coldkey", "a name or an address"); err != nil {
					return err
				}
				var err error
				if to, err = addressOf(f.keys, other); err != nil {
					return err
				}
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				p, payload := fn(to)
				if use != "announce" {
					return p, payload, nil
				}
				params, err := ledger.ChainParams(v)
				p.amount = params.KeySwapCost
				return p, payload, err
			})
		},
	}
	f.add(c)
	if named {
		c.Use = use + " --to ACCOUNT --from KEY"
		keyNameFlag(c, &other, "to", "the other coldkey: a name or an address")
	}
	return c
}

// rotation is what swap-coldkey show prints as JSON.
type rotation struct {
	Account   string        `json:"account"`
	Announced ledger.Height `json:"announced"` // 0 for no announcement
	Completes ledger.Height `json:"completes"` // first block that may complete it
	Clears    ledger.Height `json:"clears"`    // first block that may take it back
	Disputed  ledger.Height `json:"disputed"`  // 0 for not
	Frozen    ledger.Height `json:"frozen"`    // first block at which a disputed account is free again
}

func coldkeyShow() *cobra.Command {
	var join, dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "show ACCOUNT", Short: "Show whether an account is about to be moved",
		Args: oneAccount,
		RunE: func(c *cobra.Command, args []string) error {
			id, err := addressOf(dir, args[0])
			if err != nil {
				return err
			}
			return look(c, join, func(v ledger.View) error {
				s, err := ledger.LoadColdkeySwap(v, id)
				if err != nil {
					return err
				}
				params, err := ledger.ChainParams(v)
				if err != nil {
					return err
				}
				out := rotation{Account: id.String()}
				if s != nil {
					out.Announced, out.Completes, out.Clears = s.At, s.At+params.ColdkeySwap, s.At+params.ColdkeySwap+params.ColdkeyAgain
					if s.Disputed > 0 {
						out.Disputed, out.Frozen = s.Disputed, s.Disputed+params.DisputeFreeze
					}
				}
				switch {
				case asJSON:
					return printJSON(c, out)
				case s == nil:
					fmt.Fprintf(c.OutOrStdout(), "%s has announced nothing\n", id)
				case s.Disputed > 0:
					fmt.Fprintf(c.OutOrStdout(), "announced at block %d and disputed at block %d: frozen until block %d\n", out.Announced, out.Disputed, out.Frozen)
				default:
					fmt.Fprintf(c.OutOrStdout(), "announced at block %d: may be completed from block %d on, taken back from block %d on\n", out.Announced, out.Completes, out.Clears)
				}
				return nil
			})
		},
	}
	keysFlag(c, &dir)
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, rotation{})
	return c
}
