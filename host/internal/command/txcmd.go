package command

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

func txCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "tx", Short: "Build, sign elsewhere, submit, decode and follow transactions", Args: subcommands, RunE: showHelp,
		Long: `A transaction can be built on a machine that has the network and no secret, signed on one
that has the secret and no network, and submitted by the first. It travels as a file that
says in words what its bytes say; a file in which the two differ is refused.`,
		Example: `  plexus tx build send 12.5 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY --from cold --unsigned pay.json
  plexus tx sign pay.json
  plexus tx submit pay.json`,
	}
	c.AddCommand(txBuild(), txBatch(), txSign(), txSubmit(), txDecode(), txStatus())
	return c
}

// txBuild has the commands that sign and pay, each writing a file.
func txBuild() *cobra.Command {
	c := &cobra.Command{
		Use: "build COMMAND", Short: "Write a transaction to a file, to be signed elsewhere", Args: subcommands, RunE: showHelp,
		Long: `Builds the transaction of a command and writes it to --unsigned FILE. The same as the command
itself with --unsigned; the transaction may be applied for the next 20,000 blocks.`,
	}
	for _, sub := range payingCommands() {
		walk(sub, func(leaf *cobra.Command) {
			if leaf.Flags().Lookup("unsigned") == nil {
				return
			}
			run := leaf.RunE
			leaf.RunE = func(c *cobra.Command, args []string) error {
				if !c.Flags().Changed("unsigned") {
					return usage("--unsigned FILE is needed: where to write the transaction")
				}
				return run(c, args)
			}
		})
		c.AddCommand(sub)
	}
	return c
}

// txShown is what tx sign and tx decode print as JSON.
type txShown struct {
	ID          string         `json:"id"`
	Transaction []ledger.Field `json:"transaction"`
	Signers     []key.ID       `json:"signers"`
	Missing     int            `json:"missing"` // signatures that it needs yet
	File        string         `json:"file,omitempty"`
}

func printTx(c *cobra.Command, asJSON bool, s txShown) error {
	if s.Signers == nil {
		s.Signers = []key.ID{}
	}
	if asJSON {
		return printJSON(c, s)
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, f := range s.Transaction {
		fmt.Fprintf(w, "%s\t%s\n", f.Name, f.Value)
	}
	fmt.Fprintf(w, "id\t%s\n", s.ID)
	for _, id := range s.Signers {
		fmt.Fprintf(w, "signed by\t%s\n", id)
	}
	if s.Missing > 0 {
		fmt.Fprintf(w, "signatures missing\t%d\n", s.Missing)
	}
	return w.Flush()
}

func (f *txFile) shown(file string) txShown {
	out := txShown{ID: f.ID, Transaction: f.Transaction, Missing: f.missing(), File: file}
	for _, s := range f.Signatures {
		out.Signers = append(out.Signers, s.By)
	}
	return out
}

// oneFile is the check of a command that takes a file.
func oneFile(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("%s takes one file", c.CommandPath())
	}
	return nil
}

func txSign() *cobra.Command {
	var f keyFlags
	var name, out string
	var yes bool
	c := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a transaction file, without a network",
		Long: `Shows what the transaction does, as its bytes say, asks, and adds a signature to the file. The
key is the one of the account, or a member's of a multisig account, found in the folder of
keys, or named with --key. A file whose words are not those of its bytes is refused.`,
		Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			file, t, err := readTxFile(args[0])
			if err != nil {
				return err
			}
			if name == "" {
				if name, err = findSigner(f.dir, file, t); err != nil {
					return err
				}
			}
			if err := allowDevelopment(name, t.ChainID, yes); err != nil {
				return err
			}
			if !yes && !f.json {
				if err := printTx(c, false, file.shown("")); err != nil {
					return err
				}
			}
			if err := confirm(c, yes, "Sign this with "+name+"?"); err != nil {
				return err
			}
			s, err := loadSecret(c, &f.password, f.dir, name)
			if err != nil {
				return err
			}
			if err := file.sign(s.Signer(), t); err != nil {
				return err
			}
			if out == "" {
				out = args[0]
			}
			if err := file.save(out, out == args[0]); err != nil {
				return err
			}
			if f.json {
				return printTx(c, true, file.shown(out))
			}
			fmt.Fprintf(c.OutOrStdout(), "signed by %s in %s; signatures missing: %d\n", s.Public(), out, file.missing())
			return nil
		},
	}
	f.add(c, txShown{})
	f.password.add(c)
	keyNameFlag(c, &name, "key", "key to sign with")
	c.Flags().StringVar(&out, "out", "", "write to this file instead")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// findSigner looks in the ring for a key that may sign and has not yet.
func findSigner(dir string, file *txFile, t *ledger.Tx) (string, error) {
	may := map[key.ID]bool{t.Account: true}
	if file.Multisig != nil {
		for _, m := range file.Multisig.Members {
			may[m] = true
		}
	}
	for _, s := range file.Signatures {
		delete(may, s.By)
	}
	r, err := ring(dir)
	if err != nil {
		return "", err
	}
	list, err := r.List()
	if err != nil {
		return "", err
	}
	for _, n := range list {
		if n.Err == nil && !n.Watched && may[n.ID] {
			return n.Name, nil
		}
	}
	return "", fmt.Errorf("%w: none in %s may sign for %s: name one with --key", keys.ErrUnknown, r.Dir, t.Account)
}

// txOutcome is what tx submit and tx status print as JSON.
type txOutcome struct {
	ID     string `json:"id"`
	State  string `json:"state"` // pending, included, refused or unknown
	Height uint64 `json:"height,omitempty"`
	Error  string `json:"error,omitempty"` // of a refused one
}

func txSubmit() *cobra.Command {
	f := txFlags{}
	c := &cobra.Command{
		Use: "submit FILE", Short: "Hand a signed transaction file in and wait for it", Args: oneFile,
		RunE: func(c *cobra.Command, args []string) error {
			f.from = "-" // the file says who
			if err := f.check(); err != nil {
				return err
			}
			file, t, err := readTxFile(args[0])
			if err != nil {
				return err
			}
			raw, err := file.raw()
			if err != nil {
				return err
			}
			r, err := dial(c.Context(), f.join)
			if err != nil {
				return err
			}
			defer r.Close()
			if t.ChainID != r.Genesis.ChainID {
				return &coded{exitConfig, fmt.Errorf("%s is for chain %q, this network is %q", args[0], t.ChainID, r.Genesis.ChainID)}
			}
			fmt.Fprintf(c.ErrOrStderr(), "transaction %s\n", file.ID)
			out := txOutcome{ID: file.ID, State: "pending"}
			if out.Height, err = f.submit(c.Context(), r, raw, t.Expiry); err != nil {
				return err
			}
			if out.Height > 0 {
				out.State = "included"
			}
			return out.print(c, f.json)
		},
	}
	f.addSubmit(c)
	jsonFlag(c, &f.json, txOutcome{})
	return c
}

func (o *txOutcome) print(c *cobra.Command, asJSON bool) error {
	if asJSON {
		return printJSON(c, o)
	}
	switch o.State {
	case "included":
		fmt.Fprintf(c.OutOrStdout(), "in block %d\n", o.Height)
	case "refused":
		fmt.Fprintf(c.OutOrStdout(), "refused: %s\n", o.Error)
	case "pending":
		fmt.Fprintln(c.OutOrStdout(), "waits for a block")
	default:
		fmt.Fprintln(c.OutOrStdout(), "no node knows it: it was never handed in, or its block is long past")
	}
	return nil
}

func txDecode() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "decode FILE|HEX",
		Short: "Say in words what a transaction does",
		Long:  `Decodes a transaction file, or a signed transaction or a body in hexadecimal, and checks the signatures that it has. Needs no network.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes a file or hexadecimal digits", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err == nil {
				file, _, err := readTxFile(args[0])
				if err != nil {
					return err
				}
				return printTx(c, asJSON, file.shown(args[0]))
			}
			raw, err := hex.DecodeString(string(bytes.TrimPrefix([]byte(args[0]), []byte("0x"))))
			if err != nil {
				return usage("%q is neither a file nor hexadecimal digits", args[0])
			}
			t, err := ledger.DecodeTx(raw)
			if err != nil {
				body, berr := ledger.DecodeBody(raw)
				if berr != nil {
					return errors.Join(err, berr)
				}
				return printTx(c, asJSON, txShown{ID: fmt.Sprintf("%x", body.ID()), Transaction: body.Describe(), Missing: 1})
			}
			if err := t.Verify(); err != nil {
				return err
			}
			return printTx(c, asJSON, txShown{ID: fmt.Sprintf("%x", t.ID()), Transaction: t.Describe(), Signers: t.Signers()})
		},
	}
	jsonFlag(c, &asJSON, txShown{})
	return c
}

func txStatus() *cobra.Command {
	var join string
	var asJSON bool
	c := &cobra.Command{
		Use:   "status ID",
		Short: "Say where a transaction is",
		Long:  `Asks the nodes where a transaction is: waiting, in a block, or refused. Exits with 1 if it was refused or nobody knows it.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes a transaction's id", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			b, err := hex.DecodeString(args[0])
			if err != nil || len(b) != 32 {
				return usage("%q is no transaction's id: want 64 hexadecimal digits", args[0])
			}
			r, err := dial(c.Context(), join)
			if err != nil {
				return err
			}
			defer r.Close()
			st, err := r.Status(c.Context(), [32]byte(b))
			if err != nil {
				return err
			}
			out := txOutcome{ID: args[0], State: st.State, Height: st.Height}
			if st.Refused != nil {
				out.Error = st.Refused.Error()
			}
			if err := out.print(c, asJSON); err != nil {
				return err
			}
			if out.State == "refused" || out.State == "unknown" {
				return &coded{exitDiffers, errors.New("the transaction is " + out.State)}
			}
			return nil
		},
	}
	joinFlag(c, &join)
	jsonFlag(c, &asJSON, txOutcome{})
	return c
}
