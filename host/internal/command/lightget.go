package command

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/api"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/key"
)

// lightAnswer is what `plexus light get` prints as JSON: a value and what it was
// proved against. What cannot be proved is an error and prints nothing.
type lightAnswer struct {
	Proved    bool              `json:"proved"`
	Height    uint64            `json:"height"`
	Time      time.Time         `json:"time"`
	Header    api.Hash          `json:"header"` // hash of the verified header at that height
	Root      api.Hash          `json:"root"`   // of the state, which the header after it carries
	Account   *api.Account      `json:"account,omitempty"`
	State     *api.StateValue   `json:"state,omitempty"`
	Metagraph *ledger.Metagraph `json:"metagraph,omitempty"`
}

func lightGet(f *lightFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "get",
		Short: "Read one value with its proof, and end",
		Args:  subcommands,
		RunE:  showHelp,
	}
	c.AddCommand(
		lightOne(f, "head", "The newest block whose state can be proved", nil, func(*chain.LightView, string, *lightAnswer) error { return nil }),
		lightOne(f, "account ADDRESS", "An account's free balance and nonce", parsesAddress, func(v *chain.LightView, arg string, out *lightAnswer) error {
			id, err := key.Parse(arg)
			if err != nil {
				return err
			}
			acc, err := ledger.LoadAccount(v, id)
			out.Account = &api.Account{Address: api.Address(id.String()), Height: v.Height(), Balance: api.Amount(acc.Balance), Nonce: acc.Nonce,
				Proof: &api.Proved{Height: v.Height(), Header: out.Header, Root: out.Root}}
			return err
		}),
		lightOne(f, "state KEY", "Any value of the state by its key in hexadecimal, with the proof itself", parsesKey, func(v *chain.LightView, arg string, out *lightAnswer) error {
			k, err := stateKey(arg)
			if err != nil {
				return err
			}
			value, proof, err := v.Prove(k)
			if err == nil {
				out.State = api.NewStateValue(k, value, v.Head(), proof)
				out.State.Header = &out.Header
			}
			return err
		}),
		lightOne(f, "metagraph NETUID", "A subnet with all its neurons", parsesNetUID, func(v *chain.LightView, arg string, out *lightAnswer) error {
			n, err := netUID(arg)
			if err != nil {
				return err
			}
			if out.Metagraph, err = ledger.LoadMetagraph(v, n); err == nil && out.Metagraph == nil {
				err = noSubnet(n)
			}
			return err
		}),
	)
	return c
}

func parsesAddress(arg string) error { _, err := key.Parse(arg); return err }

func parsesKey(arg string) error { _, err := stateKey(arg); return err }

func parsesNetUID(arg string) error { _, err := netUID(arg); return err }

func stateKey(arg string) ([]byte, error) {
	k, err := hex.DecodeString(arg)
	if err != nil || len(k) == 0 || len(k) > 512 {
		return nil, usage("key %.80q: want 1 to 512 bytes in hexadecimal", arg)
	}
	return k, nil
}

func netUID(arg string) (ledger.NetUID, error) {
	n, err := strconv.ParseUint(arg, 10, 16)
	if err != nil {
		return 0, usage("netuid %.80q: want 0 to 65535", arg)
	}
	return ledger.NetUID(n), nil
}

// lightOne is a command that reads one thing; check looks at its argument before
// the network is asked, nil for a command without.
func lightOne(f *lightFlags, use, short string, check func(string) error, read func(*chain.LightView, string, *lightAnswer) error) *cobra.Command {
	var asJSON bool
	name, param, _ := strings.Cut(use, " ")
	c := &cobra.Command{
		Use: use, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			switch {
			case check == nil:
				return noArgs(c, args)
			case len(args) != 1:
				return usage("%s takes one argument, %s", c.CommandPath(), param)
			}
			return check(args[0])
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, _, err := f.open(c.Context(), slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer r.Close()
			v, err := r.View(c.Context())
			if err != nil {
				return err
			}
			h := v.Head()
			out := &lightAnswer{Proved: true, Height: h.Height, Time: time.UnixMilli(h.Time).UTC(), Header: h.Hash, Root: h.Root}
			if err := read(v, strings.Join(args, ""), out); err != nil {
				return fmt.Errorf("%s at height %d: %w", name, h.Height, err)
			}
			if asJSON {
				return printJSON(c, out)
			}
			out.print(c.OutOrStdout())
			return nil
		},
	}
	jsonFlag(c, &asJSON, lightAnswer{})
	return c
}

func (a *lightAnswer) print(w io.Writer) {
	if x := a.Account; x != nil {
		fmt.Fprintf(w, "account %s: %s TAO, nonce %d\n", x.Address, x.Balance.Coins(), x.Nonce)
	}
	if x := a.State; x != nil {
		if x.Value == nil {
			fmt.Fprintf(w, "state %x: nothing\n", []byte(x.Key))
		} else {
			fmt.Fprintf(w, "state %x: %x\n", []byte(x.Key), []byte(*x.Value))
		}
	}
	if m := a.Metagraph; m != nil {
		printMetagraph(w, m)
	}
	fmt.Fprintf(w, "proved at height %d of %s: header %s, root %s\n", a.Height, a.Time.Local().Format(time.DateTime), a.Header, a.Root)
}
