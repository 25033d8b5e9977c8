package command

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// expiry is how many blocks a transaction made here may wait, unless it is
// signed elsewhere, which takes people longer.
const (
	expiry        = 100
	offlineExpiry = 20_000
)

// Values of --wait.
const (
	waitFinal     = "final"     // the block that holds it can be proved
	waitInclusion = "inclusion" // a node says that it is in a block
	waitNone      = "none"      // a node has taken it
)

// txFlags are the flags of every command that signs and pays.
type txFlags struct {
	keys, join, from, wait, tip, unsigned, multisig string
	json, dry, yes                                  bool
	password                                        passwordFlags
}

func (f *txFlags) add(c *cobra.Command) {
	keysFlag(c, &f.keys)
	keyNameFlag(c, &f.from, "from", "key that pays: a name, an address with --unsigned, or //NAME, which everybody knows")
	c.Flags().StringVar(&f.tip, "tip", "0", "TAO for the producer beside the fee, to come before others")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would happen, sign and send nothing")
	c.Flags().StringVar(&f.unsigned, "unsigned", "", "write the transaction to this file, to be signed elsewhere with 'plexus tx sign'")
	c.Flags().StringVar(&f.multisig, "multisig", "", "with --unsigned: the account is this multisig, THRESHOLD:KEY,KEY,… with names or addresses")
	f.addSubmit(c)
	jsonFlag(c, &f.json, sent{})
	f.password.add(c)
}

// addSubmit adds the flags of the commands that submit.
func (f *txFlags) addSubmit(c *cobra.Command) {
	c.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	c.Flags().StringVar(&f.wait, "wait", waitFinal, "until when: final (its block can be proved), inclusion (a node has it in a block) or none")
	c.RegisterFlagCompletionFunc("wait", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{waitFinal, waitInclusion, waitNone}, cobra.ShellCompDirectiveNoFileComp
	})
	joinFlag(c, &f.join)
}

func (f *txFlags) check() error {
	switch {
	case f.wait != waitFinal && f.wait != waitInclusion && f.wait != waitNone:
		return usage("--wait %q: final, inclusion or none", f.wait)
	case f.multisig != "" && f.unsigned == "":
		return usage("--multisig needs --unsigned FILE: its members sign that file")
	case f.multisig != "" && f.from != "":
		return usage("--from and --multisig exclude each other")
	case f.from == "" && f.multisig == "":
		return usage("--from KEY is needed: see 'plexus key list'")
	}
	return nil
}

// development begins the name of a key that everybody can compute.
const development = "//"

// loadSecret opens a key by name; a name that begins with // is a development
// key.
func loadSecret(c *cobra.Command, f *passwordFlags, dir, name string) (keys.Secret, error) {
	if dev, ok := strings.CutPrefix(name, development); ok {
		return keys.FromSeed(keys.Development(dev)), nil
	}
	r, err := ring(dir)
	if err != nil {
		return keys.Secret{}, err
	}
	return r.Open(name, f.ask(c, name, false))
}

// loadKey opens a key that works, which is ed25519. Its password comes from the
// environment or the terminal.
func loadKey(c *cobra.Command, dir, name string) (key.Seed, error) {
	s, err := loadSecret(c, &passwordFlags{fd: -1, env: passwordEnv}, dir, name)
	if err != nil {
		return key.Seed{}, err
	}
	return s.Seed()
}

// addressOf is the id of a key by its name, of a development key, or of an
// address. No password is needed.
func addressOf(dir, name string) (key.ID, error) {
	if dev, ok := strings.CutPrefix(name, development); ok {
		return keys.Development(dev).Public(), nil
	}
	if id, err := key.Parse(name); err == nil {
		return id, nil
	}
	r, err := ring(dir)
	if err != nil {
		return key.ID{}, err
	}
	n, err := r.Info(name)
	return n.ID, err
}

// developmentNetwork begins the chain ids of networks where development keys
// may own something.
const developmentNetwork = "plexus-dev-"

// allowDevelopment refuses keys that everybody knows on a network where values
// may be real.
func allowDevelopment(name, chainID string, yes bool) error {
	if !strings.HasPrefix(name, development) || strings.HasPrefix(chainID, developmentNetwork) || yes {
		return nil
	}
	return usage("%s is a development key, which everybody can compute, and %s is no development network: use a key of your own, or --yes", name, chainID)
}

// sent is what a command that signs and pays prints as JSON.
type sent struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	From   string `json:"from"`
	To     string `json:"to"`
	Amount string `json:"amount"` // at most, where the chain sets the price
	Fee    string `json:"fee"`
	Height uint64 `json:"height,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
	Result string `json:"result,omitempty"` // of a dry run: ok, or the reject that the next block would give
	File   string `json:"file,omitempty"`   // written by --unsigned
}

// payment is one transaction to sign, with what it says to a person.
type payment struct {
	amount unit.TAO // that the account must hold beside the fee
	what   string   // "12.5 TAO", "a uid in netuid 1"
	to     key.ID
	done   string // "sent 12.5 TAO to …"
}

// pay signs what prepare makes of the proved state, submits it and waits, or
// says what it would do, or writes it for others to sign.
func (f *txFlags) pay(c *cobra.Command, prepare func(v ledger.View) (*payment, ledger.Payload, error)) error {
	if err := f.check(); err != nil {
		return err
	}
	tip, err := unit.ParseTAO(f.tip)
	if err != nil {
		return usage("--tip: %v", err)
	}
	from, rule, err := f.account()
	if err != nil {
		return err
	}
	r, err := dial(c.Context(), f.join)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := allowDevelopment(f.from, r.Genesis.ChainID, f.yes); err != nil {
		return err
	}
	v, err := r.View(c.Context())
	if err != nil {
		return err
	}
	p, payload, err := prepare(v)
	if err != nil {
		return err
	}
	acc, err := ledger.LoadAccount(v, from)
	if err != nil {
		return err
	}
	last := v.Height() + expiry
	if f.unsigned != "" {
		last = v.Height() + offlineExpiry
	}
	u := ledger.Unsigned{ChainID: r.Genesis.ChainID, Account: from, Nonce: acc.Nonce, Expiry: last, Tip: tip, Payload: payload}
	body := u.Body()
	t, err := ledger.DecodeBody(body)
	if err != nil {
		return err
	}
	fee, err := ledger.Fee(v, ledger.Attach(body, key.ED25519, key.Signature{}))
	if err != nil {
		return err
	}
	out := sent{ID: fmt.Sprintf("%x", t.ID()), Kind: t.Kind.String(), From: from.String(), To: p.to.String(), Amount: p.amount.String(), Fee: fee.String()}
	need, ok := p.amount.Add(fee)
	if !ok || need > acc.Balance {
		return fmt.Errorf("%s and a fee of %s exceed the balance of %s, %s", p.amount, fee, from, acc.Balance)
	}
	switch {
	case f.dry:
		return f.tell(c, v, body, out, p, acc.Balance, need)
	case f.unsigned != "":
		file, err := newTxFile(body, rule)
		if err == nil {
			err = file.save(f.unsigned, false)
		}
		if err != nil {
			return err
		}
		out.File = f.unsigned
		if f.json {
			return printJSON(c, out)
		}
		fmt.Fprintf(c.OutOrStdout(), "wrote %s: sign it with 'plexus tx sign', then 'plexus tx submit', before block %d\n", f.unsigned, last)
		return nil
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		if err := confirm(c, f.yes, fmt.Sprintf("Pay %s and a fee of %s from %s for %s?", p.amount, fee, from, p.what)); err != nil {
			return err
		}
	}
	secret, err := loadSecret(c, &f.password, f.keys, f.from)
	if err != nil {
		return err
	}
	raw, err := u.Sign(secret.Signer())
	if err != nil {
		return err
	}
	if !f.json {
		fmt.Fprintf(c.OutOrStdout(), "transaction %s\n", out.ID)
	} else {
		fmt.Fprintf(c.ErrOrStderr(), "transaction %s\n", out.ID)
	}
	if out.Height, err = f.submit(c.Context(), r, raw, last); err != nil {
		return err
	}
	if f.json {
		return printJSON(c, out)
	}
	if f.wait == waitNone {
		fmt.Fprintf(c.OutOrStdout(), "a node has taken it: plexus tx status %s\n", out.ID)
		return nil
	}
	fmt.Fprintf(c.OutOrStdout(), "%s in block %d for a fee of %s\n", p.done, out.Height, fee)
	return nil
}

// account is the paying account and, for a multisig, its rule.
func (f *txFlags) account() (key.ID, *ledger.Multisig, error) {
	if f.multisig == "" {
		id, err := addressOf(f.keys, f.from)
		return id, nil, err
	}
	m, err := parseMultisig(f.keys, f.multisig)
	if err != nil {
		return key.ID{}, nil, err
	}
	return m.ID(), m, nil
}

// tell says what a transaction would do.
func (f *txFlags) tell(c *cobra.Command, v ledger.View, body []byte, out sent, p *payment, balance, need unit.TAO) error {
	sim, err := ledger.SimulateBody(v, body)
	if err != nil {
		return err
	}
	out.DryRun, out.Result = true, "ok"
	if sim.Code != ledger.OK {
		out.Result = strings.TrimSuffix(sim.Code.String()+": "+sim.Detail, ": ")
	}
	if f.json {
		return printJSON(c, out)
	}
	if sim.Code != ledger.OK {
		fmt.Fprintf(c.OutOrStdout(), "would be refused: %s\n", out.Result)
		return nil
	}
	fmt.Fprintf(c.OutOrStdout(), "would pay %s and a fee of %s for %s; balance %s would become %s\n", p.amount, out.Fee, p.what, balance, balance-need)
	return nil
}

// submit hands a transaction in and waits as --wait says. Final is when the block
// that holds it can be proved, so that the next command of this user sees its
// effect.
func (f *txFlags) submit(ctx context.Context, r *remote.Remote, tx []byte, last uint64) (uint64, error) {
	id, err := r.Submit(ctx, tx)
	if err != nil || f.wait == waitNone {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	height, err := r.Wait(ctx, id, last)
	if err != nil || f.wait == waitInclusion {
		return height, err
	}
	for {
		v, err := r.View(ctx)
		if err != nil {
			return 0, err
		}
		if v.Height() >= height {
			return height, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
