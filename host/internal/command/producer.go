package command

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

func producerCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "producer", Short: "Stand for producing blocks", Args: subcommands, RunE: showHelp,
		Long: `Those with the most root stake behind them produce the blocks, one vote a TAO. A hotkey stands
for election once it is announced with a key that signs its votes. A producer that misses over
half of its votes is jailed; one that votes twice loses stake and never produces again.`,
	}
	c.AddCommand(producerLs())
	c.AddCommand(producerPaying()...)
	return c
}

// producerPaying are the producer commands that sign and pay.
func producerPaying() []*cobra.Command {
	return []*cobra.Command{producerAnnounce(), producerWithdraw(), producerUnjail()}
}

func producerAnnounce() *cobra.Command {
	var f txFlags
	var hotkey, consensus, home string
	c := &cobra.Command{
		Use:   "announce --hotkey KEY --consensus KEY --from KEY",
		Short: "Offer a hotkey for election as a producer",
		Long: `Announces a hotkey with the key that will sign its votes; the possession of both is proved. With
--home DIR both are those of the node configured there. A key that signs votes is used once, by
one hotkey, and must run in one node only.`,
		Example: "  plexus producer announce --home /srv/plexus --from cold",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hot, cons, err := producerKeys(c, f.keys, hotkey, consensus, home)
			if err != nil {
				return err
			}
			a := ledger.NewAnnounceProducer(hot, cons)
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				return &payment{what: "the candidacy of " + a.Hotkey.String(), to: a.Hotkey, done: "announced " + a.Hotkey.String()}, a, nil
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &hotkey, "hotkey", "key that produces")
	keyNameFlag(c, &consensus, "consensus", "key that signs its votes")
	c.Flags().StringVar(&home, "home", "", "home of the node that has both keys")
	c.MarkFlagDirname("home")
	return c
}

// producerKeys opens the two keys of a producer.
func producerKeys(c *cobra.Command, dir, hotkey, consensus, home string) (hot, cons key.Seed, err error) {
	if home != "" {
		if hotkey != "" || consensus != "" {
			return hot, cons, usage("--home and the names of keys exclude each other")
		}
		cfg, err := config.Load(home, nil)
		if err != nil {
			return hot, cons, err
		}
		if cfg.Hotkey == "" || cfg.Consensus == "" {
			return hot, cons, usage("the node of %s has no hotkey and no key that signs votes: set hotkey and consensus in its configuration", home)
		}
		for _, k := range []struct {
			file string
			to   *key.Seed
		}{{cfg.Hotkey, &hot}, {cfg.Consensus, &cons}} {
			ask := (&passwordFlags{fd: -1, env: passwordEnv}).ask(c, filepath.Base(k.file), false)
			if *k.to, err = keys.LoadSeed(cfg.Path(k.file), ask); err != nil {
				return hot, cons, err
			}
		}
		return hot, cons, nil
	}
	if err = need(&hotkey, "hotkey", "KEY", "Key that produces", "or --home DIR of its node"); err != nil {
		return hot, cons, err
	}
	if err = need(&consensus, "consensus", "KEY", "Key that signs its votes", "or --home DIR of its node"); err != nil {
		return hot, cons, err
	}
	if hot, err = loadKey(c, dir, hotkey); err != nil {
		return hot, cons, err
	}
	cons, err = loadKey(c, dir, consensus)
	return hot, cons, err
}

// hotkeyPaying is a command about one hotkey.
func hotkeyPaying(use, short, long string, fn func(hot ledger.Hotkey) (*payment, ledger.Payload)) *cobra.Command {
	var f txFlags
	var hotkey string
	c := &cobra.Command{
		Use: use + " --hotkey KEY --from KEY", Short: short, Long: long, Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := need(&hotkey, "hotkey", "KEY", "Hotkey", "a name or an address"); err != nil {
				return err
			}
			hot, err := addressOf(f.keys, hotkey)
			if err != nil {
				return err
			}
			return f.pay(c, func(ledger.View) (*payment, ledger.Payload, error) {
				p, payload := fn(hot)
				p.to = hot
				return p, payload, nil
			})
		},
	}
	f.add(c)
	keyNameFlag(c, &hotkey, "hotkey", "hotkey: a name or an address")
	return c
}

func producerWithdraw() *cobra.Command {
	return hotkeyPaying("withdraw", "Take a hotkey out of the next elections",
		"Takes a hotkey out of the elections. Its stake stays liable for what it signed until that can no longer be proved.",
		func(hot ledger.Hotkey) (*payment, ledger.Payload) {
			return &payment{what: "the withdrawal of " + hot.String(), done: "withdrew " + hot.String()}, &ledger.WithdrawProducer{Hotkey: hot}
		})
}

func producerUnjail() *cobra.Command {
	return hotkeyPaying("unjail", "Let a jailed producer be elected again, when its time is over",
		"Lets a producer that missed too many votes be elected again. --dry-run says from which block on it is allowed.",
		func(hot ledger.Hotkey) (*payment, ledger.Payload) {
			return &payment{what: "the release of " + hot.String(), done: "let " + hot.String() + " stand again"}, &ledger.Unjail{Hotkey: hot}
		})
}

// producerRow is a producer, or who may be elected.
type producerRow struct {
	Hotkey    ledger.Hotkey  `json:"hotkey"`
	Coldkey   ledger.Coldkey `json:"coldkey"`
	Consensus string         `json:"consensus"` // key that signs votes, in hexadecimal
	Stake     unit.TAO       `json:"stake_rao"` // on the root network
	Power     uint64         `json:"power"`     // votes; 0 for one that does not produce now
	Jailed    ledger.Height  `json:"jailed"`    // first block at which it may ask to be let out, 0 for one that is not
	State     string         `json:"state"`     // produces, candidate, jailed, withdrawn or tombstoned
}

// producerList is what producer ls prints as JSON.
type producerList struct {
	Height    ledger.Height `json:"height"`
	Next      ledger.Height `json:"next_election"`
	Most      uint16        `json:"most"` // producers elected at most
	Producers []producerRow `json:"producers"`
}

func loadProducers(v ledger.View) (*producerList, error) {
	tot, err := ledger.LoadTotals(v)
	if err != nil || tot == nil {
		return nil, err
	}
	params, err := ledger.ChainParams(v)
	if err != nil {
		return nil, err
	}
	out := &producerList{Height: tot.Height, Next: (tot.Height/params.ElectEvery + 1) * params.ElectEvery, Most: params.MaxProducers, Producers: []producerRow{}}
	set, err := ledger.Producers(v)
	if err != nil {
		return nil, err
	}
	may, err := ledger.Candidates(v)
	if err != nil {
		return nil, err
	}
	seen := map[key.ID]bool{}
	for _, p := range append(set, may...) {
		if seen[p.Consensus] {
			continue
		}
		seen[p.Consensus] = true
		r := producerRow{Hotkey: p.Hotkey, Coldkey: p.Coldkey, Consensus: hex.EncodeToString(p.Consensus[:]), Power: p.Power, Jailed: p.Jailed, State: "candidate"}
		switch {
		case p.Tombstoned:
			r.State = "tombstoned"
		case p.Jailed > 0:
			r.State = "jailed"
		case p.Power > 0:
			r.State = "produces"
		case p.Withdrawn:
			r.State = "withdrawn"
		}
		stake, err := ledger.LoadStake(v, 0, p.Hotkey)
		if err != nil {
			return nil, err
		}
		r.Stake = unit.TAO(stake)
		out.Producers = append(out.Producers, r)
	}
	return out, nil
}

func producerLs() *cobra.Command {
	var join string
	var asJSON bool
	c := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List producers and candidates, every value proved", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return look(c, join, func(v ledger.View) error {
				list, err := loadProducers(v)
				if err != nil {
					return err
				}
				if asJSON {
					return printJSON(c, list)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "hotkey\tstate\tvotes\troot stake TAO\tcoldkey")
				for _, p := range list.Producers {
					state := p.State
					if p.Jailed > 0 && p.State == "jailed" {
						state = fmt.Sprintf("jailed until block %d", p.Jailed)
					}
					fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", p.Hotkey, state, p.Power, coins(uint64(p.Stake)), p.Coldkey)
				}
				if err := w.Flush(); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "at block %d; the next election is at block %d, of at most %d\n", list.Height, list.Next, list.Most)
				return nil
			})
		},
	}
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, producerList{})
	return c
}
