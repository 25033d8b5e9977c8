package command

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// sent is what a command that signs and pays prints as JSON.
type sent struct {
	ID       string              `json:"id"`
	Kind     string              `json:"kind"`
	From     string              `json:"from"`
	As       string              `json:"as,omitempty"` // account acted for, of --as
	To       string              `json:"to,omitempty"`
	Amount   string              `json:"amount"` // at most, where the chain sets the price
	Fee      string              `json:"fee"`
	Trade    *quote              `json:"trade,omitempty"`
	Height   uint64              `json:"height,omitempty"`
	NetUID   *ledger.NetUID      `json:"netuid,omitempty"`   // of a subnet that was created
	Proposal *uint64             `json:"proposal,omitempty"` // number of one that was made
	DryRun   bool                `json:"dry_run,omitempty"`
	Result   string              `json:"result,omitempty"`  // of a dry run: ok, or the reject that the next block would give
	Unlocks  *unlock             `json:"unlocks,omitempty"` // when what is refused for a time is allowed again
	Changes  []ledger.Difference `json:"changes,omitempty"` // of a dry run
	File     string              `json:"file,omitempty"`    // written by --unsigned
	done     string
}

// payment is one transaction to sign, with what it says to a person.
type payment struct {
	amount unit.TAO // at most, beside the fee
	what   string   // what is paid for: "a uid in netuid 1", "the start of netuid 2"
	to     key.ID   // zero for nobody
	done   string   // "sent 12.5 TAO to …"
	trade  *quote
	// after completes what is printed from the state that holds the transaction;
	// nil for nothing to add. It runs only with --wait final.
	after func(v ledger.View, out *sent) error
}

// prepare makes a payment and its payload of the proved state.
type prepare func(v ledger.View) (*payment, ledger.Payload, error)

// payer signs and submits one transaction after another for one account.
type payer struct {
	*txFlags
	c       *cobra.Command
	r       *remote.Remote
	account key.ID
	rule    *ledger.Multisig // of a multisig account
	as      key.ID           // of --as
	tip     unit.TAO
	secret  *keys.Secret // once it was asked for
}

// pay signs what prepare makes of the proved state, submits it and waits, or
// says what it would do, or writes it for others to sign.
func (f *txFlags) pay(c *cobra.Command, fn prepare) error {
	p, err := f.open(c)
	if err != nil {
		return err
	}
	defer p.r.Close()
	out, err := p.send(fn)
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(c, out)
	}
	return out.print(c, f.wait)
}

// open joins the network and finds out who pays.
func (f *txFlags) open(c *cobra.Command) (*payer, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	p := &payer{txFlags: f, c: c}
	var err error
	if p.tip, err = unit.ParseTAO(f.tip); err != nil {
		return nil, usage("--tip: %v", err)
	}
	if p.account, p.rule, err = f.account(); err != nil {
		return nil, err
	}
	if f.as != "" {
		if p.as, err = addressOf(f.keys, f.as); err != nil {
			return nil, err
		}
	}
	if p.r, err = dial(c.Context(), f.join); err != nil {
		return nil, err
	}
	if err := allowDevelopment(f.from, p.r.Genesis.ChainID, f.yes); err != nil {
		p.r.Close()
		return nil, err
	}
	return p, nil
}

// send carries one transaction through.
func (p *payer) send(fn prepare) (*sent, error) {
	v, err := p.r.View(p.c.Context())
	if err != nil {
		return nil, err
	}
	pm, payload, err := fn(v)
	if err != nil {
		return nil, err
	}
	acc, err := ledger.LoadAccount(v, p.account)
	if err != nil {
		return nil, err
	}
	last := v.Height() + expiry
	if p.unsigned != "" {
		last = v.Height() + offlineExpiry
	}
	own := pm.amount // of the amount, what the paying account pays itself
	if p.txFlags.as != "" {
		own = 0
		proxied := &ledger.Proxied{Account: p.as, Call: payload}
		if payload = proxied; p.announce {
			hash := proxied.CallHash()
			payload = &ledger.AnnounceProxied{Principal: p.as, Call: hash}
			pm = &payment{what: "the announcement of " + pm.what, to: pm.to, done: fmt.Sprintf("announced the call %x", hash)}
		}
	}
	u := ledger.Unsigned{ChainID: p.r.Genesis.ChainID, Account: p.account, Nonce: acc.Nonce, Expiry: last, Tip: p.tip, Payload: payload}
	body := u.Body()
	t, err := ledger.DecodeBody(body)
	if err != nil {
		return nil, err
	}
	fee, err := ledger.Fee(v, ledger.Attach(body, key.ED25519, key.Signature{}))
	if err != nil {
		return nil, err
	}
	out := &sent{ID: fmt.Sprintf("%x", t.ID()), Kind: t.Kind.String(), From: p.account.String(), Amount: pm.amount.String(), Fee: fee.String(),
		Trade: pm.trade, done: pm.done}
	if pm.to != (key.ID{}) {
		out.To = pm.to.String()
	}
	if p.txFlags.as != "" {
		out.As = p.as.String()
	}
	cost, ok := own.Add(fee)
	if !ok || cost > acc.Balance {
		return nil, fmt.Errorf("%s exceed the balance of %s, %s", costs(own, fee), p.account, acc.Balance)
	}
	sim, err := ledger.SimulateBody(v, body)
	switch {
	case errors.Is(err, ledger.ErrUnwalkable) && p.dry:
		return nil, errors.New("what this would change cannot be told from proved values alone, since it looks at keys that nobody can list with a proof; a node tells it of a signed transaction: see /v1/transactions/simulate of its API")
	case errors.Is(err, ledger.ErrUnwalkable):
		sim = &ledger.Simulation{Fee: fee}
	case err != nil:
		return nil, err
	}
	if sim.Code != ledger.OK {
		out.refused(v, sim)
	}
	switch {
	case p.dry:
		return out, p.tell(v, sim, out, pm, acc.Balance)
	case p.unsigned != "":
		if out.Result != "" {
			fmt.Fprintf(p.c.ErrOrStderr(), "plexus: now it would be refused: %s\n", out.Result)
		}
		file, err := newTxFile(body, p.rule)
		if err == nil {
			err = file.save(p.unsigned, false)
		}
		out.File = p.unsigned
		out.done = fmt.Sprintf("wrote %s: sign it with 'plexus tx sign', then 'plexus tx submit', before block %d", p.unsigned, last)
		out.Result, out.Unlocks = "", nil
		return out, err
	case sim.Code != ledger.OK:
		return nil, &refusal{out.Result, &ledger.Reject{Code: sim.Code, Detail: sim.Detail}}
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		if err := confirm(p.c, p.yes, pm.question(fee, p.account)); err != nil {
			return nil, err
		}
	}
	return out, p.finish(&u, pm, out, last)
}

// finish signs and submits what was agreed to.
func (p *payer) finish(u *ledger.Unsigned, pm *payment, out *sent, last uint64) error {
	if p.secret == nil {
		s, err := loadSecret(p.c, &p.password, p.keys, p.from)
		if err != nil {
			return err
		}
		p.secret = &s
	}
	raw, err := u.Sign(p.secret.Signer())
	if err != nil {
		return err
	}
	w := p.c.OutOrStdout()
	if p.json {
		w = p.c.ErrOrStderr()
	}
	fmt.Fprintf(w, "transaction %s\n", out.ID)
	if out.Height, err = p.submit(p.c.Context(), p.r, raw, last); err != nil || pm.after == nil || p.wait != waitFinal {
		return err
	}
	v, err := p.r.View(p.c.Context())
	if err != nil {
		return err
	}
	return pm.after(v, out)
}

// costs names what is paid.
func costs(amount, fee unit.TAO) string {
	if amount == 0 {
		return fmt.Sprintf("a fee of %s", fee)
	}
	return fmt.Sprintf("%s and a fee of %s", amount, fee)
}

func (p *payment) question(fee unit.TAO, from key.ID) string {
	q := fmt.Sprintf("Pay %s from %s for %s?", costs(p.amount, fee), from, p.what)
	if p.trade != nil {
		q = p.trade.String() + "\n" + q
	}
	return q
}

// tell says what a transaction would do.
func (p *payer) tell(v ledger.View, sim *ledger.Simulation, out *sent, pm *payment, balance unit.TAO) error {
	out.DryRun = true
	if sim.Code != ledger.OK {
		out.done = "would be refused: " + out.Result
		return nil
	}
	var err error
	if out.Changes, err = ledger.Differences(v, sim.Writes); err != nil {
		return err
	}
	out.Result = "ok"
	out.done = fmt.Sprintf("would pay %s for %s; the balance is %s", costs(pm.amount, sim.Fee), pm.what, balance)
	return nil
}

// refused notes why the next block would refuse a transaction, and until when.
func (out *sent) refused(v ledger.View, sim *ledger.Simulation) {
	out.Result = strings.TrimSuffix(sim.Code.String()+": "+sim.Detail, ": ")
	if out.Unlocks = unlocks(v, sim.Detail); out.Unlocks != nil {
		out.Result += ", " + out.Unlocks.String()
	}
}

// print says what happened to a person.
func (out *sent) print(c *cobra.Command, wait string) error {
	w := c.OutOrStdout()
	switch {
	case out.DryRun:
		fmt.Fprintln(w, out.done)
		if out.Trade != nil {
			fmt.Fprintln(w, out.Trade)
		}
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		of := ""
		for _, d := range out.Changes {
			if d.Of != of {
				fmt.Fprintf(tw, "%s\n", d.Of)
			}
			of = d.Of
			fmt.Fprintf(tw, "  %s\t%s\t-> %s\n", d.Field, d.Before, d.After)
		}
		return tw.Flush()
	case out.File != "":
		fmt.Fprintln(w, out.done)
	case wait == waitNone:
		fmt.Fprintf(w, "a node has taken it: plexus tx status %s\n", out.ID)
	default:
		fmt.Fprintf(w, "%s in block %d for a fee of %s\n", out.done, out.Height, out.Fee)
	}
	return nil
}

// refusal is the error of what the next block would refuse, so that it was not
// sent.
type refusal struct {
	says   string
	reject *ledger.Reject
}

func (r *refusal) Error() string { return "nothing was sent: it would be refused: " + r.says }
func (r *refusal) Unwrap() error { return r.reject }
