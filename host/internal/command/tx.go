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
	keys, join, from, wait, tip, unsigned, multisig, as string
	json, dry, yes, announce                            bool
	password                                            passwordFlags
}

func (f *txFlags) add(c *cobra.Command) { f.addTo(c, sent{}) }

// addTo is add for a command that prints another type than sent as JSON.
func (f *txFlags) addTo(c *cobra.Command, shape any) {
	keysFlag(c, &f.keys)
	keyNameFlag(c, &f.from, "from", "key that pays: a name, an address with --unsigned, or //NAME, which everybody knows")
	c.Flags().StringVar(&f.tip, "tip", "0", "TAO for the producer beside the fee, to come before others")
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would change, at which fee and price, sign and send nothing")
	c.Flags().StringVar(&f.unsigned, "unsigned", "", "write the transaction to this file, to be signed elsewhere with 'plexus tx sign'")
	c.Flags().StringVar(&f.multisig, "multisig", "", "with --unsigned: the account is this multisig, THRESHOLD:KEY,KEY,… with names or addresses")
	keyNameFlag(c, &f.as, "as", "act as this account, which gave --from the right to ('plexus proxy add'), and pay its fee")
	c.Flags().BoolVar(&f.announce, "announce", false, "with --as: announce the call, to be made after the delay of the right")
	f.addSubmit(c)
	jsonFlag(c, &f.json, shape)
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
	case f.announce && f.as == "":
		return usage("--announce needs --as ACCOUNT: it is for calls with another's right")
	case f.from == "" && f.multisig == "":
		return need(&f.from, "from", "KEY", "Key that pays", "see 'plexus key list'")
	}
	return nil
}

// acting is the account that a transaction acts as: that of --as, else the one
// that pays.
func (f *txFlags) acting() (key.ID, error) {
	if err := f.check(); err != nil {
		return key.ID{}, err
	}
	if f.as != "" {
		return addressOf(f.keys, f.as)
	}
	id, _, err := f.account()
	return id, err
}

// need asks for a flag that was not given, on a terminal; elsewhere it is an
// error that names the flag.
func need(value *string, flag, shape, question, hint string) error {
	if *value != "" {
		return nil
	}
	missing := usage("--%s %s is needed: %s", flag, shape, hint)
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return missing
	}
	fmt.Fprintf(os.Stderr, "%s (--%s; %s): ", question, flag, hint)
	if _, err := fmt.Fscanln(os.Stdin, value); err != nil || *value == "" {
		return missing
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
