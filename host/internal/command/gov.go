package command

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/unit"
)

func govCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "gov", Short: "Propose changes of parameters, and vote", Args: subcommands, RunE: showHelp,
		Long: `Who holds TAO on the root network decides about what no owner may set. Anybody with the deposit
proposes a value for one parameter, or a text. A vote weighs what its account has on root at
the closing block; who does not vote has voted as the owner of the hotkey that their stake
stands behind. What has passed is carried out by itself after a delay.`,
		Example: `  plexus gov propose pool_fee=66 --from cold
  plexus gov vote 3 yes --from cold`,
	}
	c.AddCommand(govLs(), govShow())
	c.AddCommand(govPaying()...)
	return c
}

// govPaying are the commands of governance that sign and pay.
func govPaying() []*cobra.Command { return []*cobra.Command{govPropose(), govVote()} }

// proposal is a proposal as gov ls and gov show print it as JSON.
type proposal struct {
	ID        uint64         `json:"id"`
	State     string         `json:"state"` // voting, no quorum, rejected, passed, executed or failed
	Proposer  ledger.Coldkey `json:"proposer"`
	Deposit   unit.TAO       `json:"deposit_rao"`       // 0 once it is returned or burned
	NetUID    *ledger.NetUID `json:"netuid,omitempty"`  // absent for a parameter of the chain, and for a text
	Parameter string         `json:"parameter"`         // empty for a text
	Now       *uint64        `json:"now,omitempty"`     // its value at this height
	Value     uint64         `json:"value"`             // its value if the proposal passes
	Unit      string         `json:"unit"`              // of both
	Text      string         `json:"text"`              // what the proposer says
	Opened    ledger.Height  `json:"opened"`            //
	Closes    ledger.Height  `json:"closes"`            // last block whose votes count
	Executes  ledger.Height  `json:"executes"`          // block that carries it out, if it passes
	Quorum    float64        `json:"quorum_percent"`    // of all root stake, which must vote
	Threshold float64        `json:"threshold_percent"` // of yes and no, which must agree
	Yes       unit.TAO       `json:"yes_rao"`           // by weight, once it is counted
	No        unit.TAO       `json:"no_rao"`
	Abstain   unit.TAO       `json:"abstain_rao"`
	Root      unit.TAO       `json:"root_rao"`          // all there was on root then
	Failure   string         `json:"failure,omitempty"` // why it could not be carried out
	Vote      string         `json:"vote,omitempty"`    // of the account asked for
}

// proposals is what gov ls prints as JSON.
type proposals struct {
	Height    ledger.Height `json:"height"`
	Deposit   unit.TAO      `json:"deposit_rao"` // of a new one
	Proposals []proposal    `json:"proposals"`   // the newest first
}

// known finds a parameter of the chain, or of a subnet.
func knownParameter(n ledger.NetUID, name string) *ledger.Parameter {
	all := ledger.ChainParameters()
	if n != 0 {
		all = ledger.SubnetParameters()
	}
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// valueNow is a parameter's value as the next epoch would have it.
func valueNow(v ledger.View, n ledger.NetUID, name string) (uint64, error) {
	if n == 0 {
		p, err := ledger.ChainParams(v)
		value, _ := p.Get(name)
		return value, err
	}
	plan, err := ledger.LoadPlanned(v, n)
	if err != nil {
		return 0, err
	}
	if plan != nil {
		value, _ := plan.Params.Get(name)
		return value, nil
	}
	sub, err := ledger.LoadSubnet(v, n)
	if err != nil || sub == nil {
		return 0, err
	}
	value, _ := sub.Params.Get(name)
	return value, nil
}

func loadProposal(v ledger.View, id uint64) (*proposal, error) {
	p, err := ledger.LoadProposal(v, id)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, usage("no proposal %d was made: see 'plexus gov ls'", id)
	}
	out := &proposal{ID: p.ID, State: p.State.String(), Proposer: p.Proposer, Deposit: p.Deposit, Parameter: p.Name, Value: p.Value, Text: p.Text,
		Opened: p.Opened, Closes: p.Closes, Executes: p.Executes, Quorum: 100 * share(p.Quorum), Threshold: 100 * share(p.Threshold),
		Yes: p.Tally.Yes, No: p.Tally.No, Abstain: p.Tally.Abstain, Root: p.Tally.Root, Failure: p.Failure}
	if p.NetUID != 0 {
		out.NetUID = &p.NetUID
	}
	if k := knownParameter(p.NetUID, p.Name); k != nil {
		now, err := valueNow(v, p.NetUID, p.Name)
		if err != nil {
			return nil, err
		}
		out.Now, out.Unit = &now, k.Unit
	}
	return out, nil
}

// says is the proposal in a few words.
func (p *proposal) says() string {
	if p.Parameter == "" {
		return strconv.Quote(p.Text)
	}
	s := fmt.Sprintf("%s = %d %s", p.Parameter, p.Value, p.Unit)
	if p.NetUID != nil {
		s += fmt.Sprintf(" of netuid %d", *p.NetUID)
	}
	if p.Now != nil {
		s += fmt.Sprintf(" (now %d)", *p.Now)
	}
	return s
}

func govLs() *cobra.Command {
	var join string
	var asJSON bool
	var limit uint64
	c := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List proposals, the newest first, every value proved", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return look(c, join, func(v ledger.View) error {
				tot, err := ledger.LoadTotals(v)
				if err != nil || tot == nil {
					return err
				}
				params, err := ledger.ChainParams(v)
				if err != nil {
					return err
				}
				_, next, err := ledger.Proposals(v)
				if err != nil {
					return err
				}
				out := proposals{Height: tot.Height, Deposit: params.ProposalDeposit, Proposals: []proposal{}}
				for id := next; id > 0 && next-id < limit; id-- {
					p, err := loadProposal(v, id-1)
					if err != nil {
						return err
					}
					out.Proposals = append(out.Proposals, *p)
				}
				if asJSON {
					return printJSON(c, out)
				}
				w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "id\tstate\tcloses\texecutes\tproposal")
				for _, p := range out.Proposals {
					fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%s\n", p.ID, p.State, p.Closes, p.Executes, p.says())
				}
				if err := w.Flush(); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "%d in all at block %d; another one takes a deposit of %s\n", next, out.Height, out.Deposit)
				return nil
			})
		},
	}
	c.Flags().Uint64Var(&limit, "limit", 20, "how many to show")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, proposals{})
	return c
}

func parseProposal(text string) (uint64, error) {
	id, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, usage("%q: want the number of a proposal: see 'plexus gov ls'", text)
	}
	return id, nil
}

func govShow() *cobra.Command {
	var join, dir, account string
	var asJSON bool
	c := &cobra.Command{
		Use: "show ID", Short: "Show a proposal, with the vote of --account",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes the number of a proposal", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseProposal(args[0])
			if err != nil {
				return err
			}
			return look(c, join, func(v ledger.View) error {
				p, err := loadProposal(v, id)
				if err != nil {
					return err
				}
				if account != "" {
					who, err := addressOf(dir, account)
					if err != nil {
						return err
					}
					choice, voted, err := ledger.LoadVote(v, id, who)
					if err != nil {
						return err
					}
					p.Vote = "none kept"
					if voted {
						p.Vote = choice.String()
					}
				}
				if asJSON {
					return printJSON(c, p)
				}
				return p.print(c)
			})
		},
	}
	keysFlag(c, &dir)
	keyNameFlag(c, &account, "account", "whose vote to show: a name or an address")
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, proposal{})
	return c
}

func (p *proposal) print(c *cobra.Command) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t"+format+"\n", append([]any{name}, args...)...)
	}
	line("proposal", "%d: %s", p.ID, p.says())
	if p.Parameter != "" && p.Text != "" {
		line("because", "%q", p.Text)
	}
	line("state", "%s", p.State)
	line("by", "%s at block %d, deposit held %s", p.Proposer, p.Opened, p.Deposit)
	line("votes", "until block %d; carried out at block %d", p.Closes, p.Executes)
	line("needs", "%.2f %% of root to vote, %.2f %% of yes and no to agree", p.Quorum, p.Threshold)
	if p.Root > 0 {
		line("counted", "%s yes, %s no, %s abstain, of %s", p.Yes, p.No, p.Abstain, p.Root)
	}
	if p.Failure != "" {
		line("failed", "%q", p.Failure)
	}
	if p.Vote != "" {
		line("your vote", "%s", p.Vote)
	}
	return w.Flush()
}

func govPropose() *cobra.Command {
	var f txFlags
	var text string
	var netuid uint16
	c := &cobra.Command{
		Use:   "propose [NAME=VALUE] [--netuid N] [--text WORDS] --from KEY",
		Short: "Propose a value for a parameter, or a text",
		Long: `Opens a vote on one parameter of the chain, or with --netuid on one of a subnet; 'plexus subnet
params' lists them. --text says why; alone it is a text to vote on. The deposit comes back when
enough vote, whatever they decide.`,
		Example: `  plexus gov propose pool_fee=66 --text "as much as it costs" --from cold
  plexus gov propose kappa=30000 --netuid 2 --from cold`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 0 && text == "" {
				return usage("%s takes one NAME=VALUE, or --text alone", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			p := &ledger.Propose{NetUID: ledger.NetUID(netuid), Text: text}
			if len(text) > ledger.MaxProposal {
				return usage("--text has %d bytes, at most %d", len(text), ledger.MaxProposal)
			}
			what := "a vote on a text"
			if len(args) == 1 {
				name, value, ok := strings.Cut(args[0], "=")
				k := knownParameter(p.NetUID, strings.ReplaceAll(name, "-", "_"))
				if !ok || k == nil {
					all := ledger.ChainParameters()
					if p.NetUID != 0 {
						all = ledger.SubnetParameters()
					}
					return usage("%q: want NAME=VALUE of a known parameter%s", args[0], nearestName(name, all))
				}
				var err error
				if p.Value, err = parameterValue(k, value); err != nil {
					return err
				}
				if err := k.Check(p.Value, false); err != nil {
					return &coded{exitUsage, err}
				}
				p.Name = k.Name
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				params, err := ledger.ChainParams(v)
				if err != nil {
					return nil, nil, err
				}
				if p.Name != "" {
					now, err := valueNow(v, p.NetUID, p.Name)
					if err != nil {
						return nil, nil, err
					}
					what = fmt.Sprintf("a vote on %s, %d -> %d", p.Name, now, p.Value)
				}
				return &payment{amount: params.ProposalDeposit, what: what + ", as a deposit", done: "proposed " + strings.TrimPrefix(what, "a vote on "), after: numberProposal}, p, nil
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&text, "text", "", "why, or a text to vote on")
	c.Flags().Uint16Var(&netuid, "netuid", 0, "subnet whose parameter it is; 0 for the chain")
	return c
}

// numberProposal finds the number of a proposal that was made.
func numberProposal(v ledger.View, out *sent) error {
	open, _, err := ledger.Proposals(v)
	if err != nil {
		return err
	}
	for _, id := range open {
		p, err := ledger.LoadProposal(v, id)
		if err != nil {
			return err
		}
		who := out.From
		if out.As != "" {
			who = out.As
		}
		if p != nil && p.Opened == out.Height && p.Proposer.String() == who {
			out.Proposal, out.done = &p.ID, fmt.Sprintf("proposal %d: %s", p.ID, out.done)
		}
	}
	return nil
}

func govVote() *cobra.Command {
	var f txFlags
	c := &cobra.Command{
		Use:   "vote ID yes|no|abstain --from KEY",
		Short: "Vote on a proposal; the last vote before it closes counts",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes the number of a proposal, and yes, no or abstain", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			id, err := parseProposal(args[0])
			if err != nil {
				return err
			}
			choice, ok := map[string]ledger.Choice{"yes": ledger.VoteYes, "no": ledger.VoteNo, "abstain": ledger.VoteAbstain}[args[1]]
			if !ok {
				return usage("%q: yes, no or abstain", args[1])
			}
			return f.pay(c, func(v ledger.View) (*payment, ledger.Payload, error) {
				p, err := loadProposal(v, id)
				if err != nil {
					return nil, nil, err
				}
				return &payment{what: fmt.Sprintf("a vote of %s on proposal %d, %s", choice, id, p.says()), done: fmt.Sprintf("voted %s on proposal %d", choice, id)},
					&ledger.Vote{Proposal: id, Choice: choice}, nil
			})
		},
	}
	f.add(c)
	return c
}
