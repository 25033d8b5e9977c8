package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/remote"
	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// expiry is how many blocks a transaction made here may wait.
const expiry = 100

// txFlags are the flags of every command that signs and pays.
type txFlags struct {
	keys, join, from string
	json, dry        bool
}

func (f *txFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.keys, "keys", "", "folder of keys (default ~/.plexus/keys)")
	c.Flags().StringVar(&f.from, "from", "", "key that pays")
	jsonFlag(c, &f.json, sent{})
	c.Flags().BoolVar(&f.dry, "dry-run", false, "say what would happen, send nothing")
	joinFlag(c, &f.join)
}

// loadKey finds a key by name; a name that begins with // is a development key,
// which everybody can compute.
func loadKey(dir, name string) (key.Seed, error) {
	if dev, ok := strings.CutPrefix(name, "//"); ok {
		return keys.Development(dev), nil
	}
	r, err := ring(dir)
	if err != nil {
		return key.Seed{}, err
	}
	return r.Load(name)
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
}

// payment is one transaction to sign, with what it says to a person.
type payment struct {
	amount unit.TAO // that the account must hold beside the fee
	what   string   // "12.5 TAO", "a uid in netuid 1"
	to     key.ID
	done   string // "sent 12.5 TAO to …"
}

// pay signs what prepare makes of the proved state, submits it and waits, or
// says what it would do.
func (f *txFlags) pay(c *cobra.Command, prepare func(v ledger.View) (*payment, ledger.Payload, error)) error {
	if f.from == "" {
		return usage("--from KEY is needed: see 'plexus key list'")
	}
	seed, err := loadKey(f.keys, f.from)
	if err != nil {
		return err
	}
	r, err := dial(c.Context(), f.join)
	if err != nil {
		return err
	}
	defer r.Close()
	v, err := r.View(c.Context())
	if err != nil {
		return err
	}
	p, payload, err := prepare(v)
	if err != nil {
		return err
	}
	acc, err := ledger.LoadAccount(v, seed.Public())
	if err != nil {
		return err
	}
	tx := ledger.Sign(seed, r.Genesis.ChainID, acc.Nonce, v.Height()+expiry, payload)
	fee, err := ledger.Fee(v, tx)
	if err != nil {
		return err
	}
	t, err := ledger.DecodeTx(tx)
	if err != nil {
		return err
	}
	out := sent{ID: fmt.Sprintf("%x", t.ID()), Kind: t.Kind.String(), From: seed.Public().String(), To: p.to.String(),
		Amount: p.amount.String(), Fee: fee.String(), DryRun: f.dry}
	need, ok := p.amount.Add(fee)
	if !ok || need > acc.Balance {
		return fmt.Errorf("%s and a fee of %s exceed the balance of %s, %s", p.amount, fee, seed.Public(), acc.Balance)
	}
	if f.dry {
		if f.json {
			return printJSON(c, out)
		}
		fmt.Fprintf(c.OutOrStdout(), "would pay %s and a fee of %s for %s; balance %s would become %s\n", p.amount, fee, p.what, acc.Balance, acc.Balance-need)
		return nil
	}
	if !f.json {
		fmt.Fprintf(c.OutOrStdout(), "transaction %s\n", out.ID)
	}
	if out.Height, err = submit(c.Context(), r, tx, t.Expiry); err != nil {
		return err
	}
	if f.json {
		return printJSON(c, out)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s in block %d for a fee of %s\n", p.done, out.Height, fee)
	return nil
}

// submit hands a transaction in and waits until the block that holds it can be
// proved, so that the next command of this user sees its effect.
func submit(ctx context.Context, r *remote.Remote, tx []byte, last uint64) (uint64, error) {
	id, err := r.Submit(ctx, tx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	height, err := r.Wait(ctx, id, last)
	if err != nil {
		return 0, err
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
