package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/internal/why"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/p2p"
	"github.com/plexus-network/plexus/subnets/evidence"
)

func whyCommand() *cobra.Command {
	var join, node string
	var netuid uint16
	var epochs int
	var bare, asJSON bool
	c := &cobra.Command{
		Use:   "why HOTKEY",
		Short: "Why a hotkey earns what it earns: requests, scores, weights, clipping, place",
		Long: `Explains a hotkey's income in a subnet, for the running epoch and those before it.

Of a miner: requests asked, answered and late, its scores against the field's median, the weight
each validator gave it and what consensus left of that, bonds, incentive and pay. Of a validator:
vtrust, the part of its weights that was clipped, dividends, whether its evidence is to be had, and
whether it calls more requests unanswered than others do. And how safe its place is.

State is proved by the light client; scores come from the evidence that validators serve, which
is fetched and checked against the roots on the chain. What is not to be had is said to be so.
With --node a node's API is asked instead, which has its own evidence only but knows what each
past step paid.`,
		Example: "  plexus why 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty --epochs 6",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes one hotkey", c.CommandPath())
			}
			_, err := key.Parse(args[0])
			return err
		},
		RunE: func(c *cobra.Command, args []string) error {
			if epochs < 1 || epochs > 16 {
				return usage("--epochs %d: 1 to 16", epochs)
			}
			hot, err := key.Parse(args[0])
			if err != nil {
				return err
			}
			var out *api.Why
			if node != "" {
				client, err := nodeClient(node)
				if err != nil {
					return err
				}
				if out, err = client.Why(c.Context(), netuid, args[0], epochs); err != nil {
					return err
				}
			} else if out, err = explain(c.Context(), join, ledger.NetUID(netuid), hot, epochs, bare); err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, out)
			}
			return printWhy(c.OutOrStdout(), out)
		},
	}
	c.Flags().Uint16Var(&netuid, "netuid", 1, "subnet")
	c.Flags().IntVar(&epochs, "epochs", 4, "how many epochs to explain, the running one included")
	c.Flags().BoolVar(&bare, "no-evidence", false, "fetch no evidence: no requests and scores")
	c.Flags().StringVar(&node, "node", "", "ask this node's API, http://HOST:PORT, instead of proving and fetching")
	jsonFlag(c, &asJSON, api.Why{})
	joinFlag(c, &join)
	return c
}

func explain(ctx context.Context, join string, n ledger.NetUID, hot key.ID, epochs int, bare bool) (*api.Why, error) {
	r, err := dial(ctx, join)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	v, err := r.View(ctx)
	if err != nil {
		return nil, err
	}
	var s why.Sources
	if !bare {
		bar := progress.New(os.Stderr, "bytes")
		defer bar.Done()
		s.Bundle = fetcher(r, bar)
	}
	out, err := s.Explain(ctx, v, n, hot, epochs)
	if errors.Is(err, why.ErrSubnet) {
		return nil, noSubnet(n)
	}
	return out, err
}

// fetcher fetches bundles over p2p for an explanation.
func fetcher(r *remote.Remote, bar *progress.Bar) func(context.Context, ledger.NetUID, ledger.Epoch, [32]byte, ledger.Member) (*evidence.Bundle, error) {
	return func(ctx context.Context, _ ledger.NetUID, _ ledger.Epoch, root [32]byte, author ledger.Member) (*evidence.Bundle, error) {
		b, err := r.Bundle(ctx, root, bar.Set, author.Work.Peer)
		if errors.Is(err, p2p.ErrNoBlob) {
			return nil, errors.New("no peer has it")
		}
		if err != nil {
			return nil, errors.New(strings.SplitN(err.Error(), "\n", 2)[0])
		}
		return b, nil
	}
}

func printWhy(w io.Writer, x *api.Why) error {
	fmt.Fprintf(w, "%s in netuid %d at block %d, epoch %d\n", x.Hotkey, x.NetUID, x.Height, x.Epoch)
	if x.UID == nil {
		fmt.Fprintln(w, "  has no place in the subnet now")
	} else {
		var does []string
		if x.Serves {
			does = append(does, "answers requests")
		}
		if x.Permit {
			does = append(does, "may validate")
		}
		if len(does) == 0 {
			does = []string{"neither answers requests nor may validate"}
		}
		fmt.Fprintf(w, "  uid %d, registered at block %d, stake %s α, %s\n", *x.UID, x.Registered, coins(uint64(x.Stake)), strings.Join(does, " and "))
	}
	if l := x.Last; l != nil {
		fmt.Fprintf(w, "  the last step, for epoch %d: incentive %.4f, consensus %.4f, dividends %.4f, vtrust %.4f; paid %s α, %s α in all\n",
			l.Epoch, l.Incentive, l.Consensus, l.Dividends, l.VTrust, coins(uint64(l.Paid)), coins(uint64(l.Earned)))
	}
	if p := x.Place; p != nil {
		fmt.Fprintf(w, "  rank %d of %d by pay, %d free places; %s\n", p.Rank, p.Of, p.Free, p.Forecast)
	}
	for i, b := range x.Bonds {
		if i == 0 {
			fmt.Fprint(w, "  bonds:")
		}
		fmt.Fprintf(w, " %.8s %.4f", b.Hotkey, b.Bond)
	}
	if len(x.Bonds) > 0 {
		fmt.Fprintln(w)
	}
	for i := range x.Epochs {
		if err := printWhyEpoch(w, &x.Epochs[i]); err != nil {
			return err
		}
	}
	return nil
}

func printWhyEpoch(w io.Writer, e *api.WhyEpoch) error {
	line := fmt.Sprintf("epoch %d, from block %d: ", e.Epoch, e.First)
	switch {
	case e.State == "running":
		line += "running; what it scores is published after its end"
	case e.State == "past":
		line += "the chain keeps no weights of it any more"
	case !e.Member:
		line += "it was not in the roster"
	case e.State == "open":
		line += "its step has not run"
	default:
		line += "settled"
	}
	if e.Incentive != nil {
		line += fmt.Sprintf("; incentive %.4f, consensus %.4f (%s)", *e.Incentive, *e.Consensus, e.Found)
	}
	if e.Paid != nil {
		line += fmt.Sprintf("; paid %s α", coins(uint64(*e.Paid)))
	}
	fmt.Fprintln(w, line)
	if err := printWhyWork(w, e.Mined, e.Validated); err != nil {
		return err
	}
	for _, m := range e.Mechanisms {
		line := fmt.Sprintf("  mechanism %d, %.4f of the emission", m.Mechanism, m.Part)
		if m.Incentive != nil {
			line += fmt.Sprintf(": incentive %.4f, consensus %.4f (%s)", *m.Incentive, *m.Consensus, m.Found)
		}
		fmt.Fprintln(w, line)
		if err := printWhyWork(w, m.Mined, m.Validated); err != nil {
			return err
		}
	}
	return nil
}

// printWhyWork writes what a hotkey did in a mechanism.
func printWhyWork(w io.Writer, mined *api.WhyMined, validated *api.WhyValidated) error {
	if d := mined; d != nil {
		fmt.Fprintf(w, "  as a miner: %s; mean score %s, the field's median %s, by %d bundles\n", answers(&d.WhyAnswers), score(d.Mean), score(d.Median), d.Read)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(t, "    validator\tstake\tsays\tasked\tanswered\tlate\tscore\tmedian\tweight\tclipped to\tevidence\t")
		for _, v := range d.Validators {
			asked, answered, late := "-", "-", "-"
			if a := v.Answers; a != nil {
				asked, answered, late = fmt.Sprint(a.Asked), fmt.Sprint(a.Answered), fmt.Sprint(a.None+a.Withheld)
			}
			fmt.Fprintf(t, "    %.8s\t%.4f\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", v.Hotkey, v.Stake, v.State, asked, answered, late,
				score(v.Mean), score(v.Median), score(v.Weight), score(v.Clipped), v.Evidence)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	if d := validated; d != nil {
		line := fmt.Sprintf("  as a validator: %s, evidence %s; vtrust %s, clipped %s of its weights, dividends %s", d.State, d.Evidence, score(d.VTrust), score(d.ClippedShare), score(d.Dividends))
		fmt.Fprintln(w, line)
		if d.Answers != nil {
			fmt.Fprintf(w, "    %d rounds, %d skipped; %s; calls %s of its requests unanswered, other validators %s\n", d.Rounds, d.Skipped, answers(d.Answers), score(d.NoneShare), score(d.NoneField))
		}
	}
	return nil
}

// answers are counts in words, those that are zero left out.
func answers(a *api.WhyAnswers) string {
	out := fmt.Sprintf("asked %d, answered %d", a.Asked, a.Answered)
	for _, x := range []struct {
		n    int
		what string
	}{{a.None, "no answer"}, {a.Withheld, "announced only"}, {a.Busy, "busy"}, {a.Mismatch, "another than announced"}} {
		if x.n > 0 {
			out += fmt.Sprintf(", %d %s", x.n, x.what)
		}
	}
	return out
}

// score writes a share, a dash where there is none.
func score(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}
