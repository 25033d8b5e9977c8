package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/keys"
)

// maxImport bounds what is read of words, seeds and foreign key files.
const maxImport = 64 << 10

func keyImport() *cobra.Command {
	var f keyFlags
	var scheme, path, file, bittensor, oldPassword string
	var seed, clear bool
	c := &cobra.Command{
		Use:   "import NAME",
		Short: "Bring in a key: its words, its seed, or a Bittensor keyfile",
		Long: `Reads a mnemonic (or with --seed a seed of 64 hexadecimal digits) from the terminal, from
--file, or from standard input if that is no terminal; never from the command line, which
other users can see. The words make the same address as Substrate's tools do with the same
--scheme and --path; paths have hard junctions only, as in //hot//1.

--bittensor reads a keyfile of Bittensor, in the clear or encrypted (which takes some
seconds and 512 MiB of memory).`,
		Example: "  plexus key import old --scheme sr25519 --path //Alice\n  plexus key import cold --bittensor ~/.bittensor/wallets/default/coldkey",
		Args:    oneName,
		RunE: func(c *cobra.Command, args []string) error {
			sch, err := parseScheme(scheme)
			if err != nil {
				return err
			}
			var s keys.Secret
			switch {
			case bittensor != "" && (seed || path != "" || file != ""):
				return usage("--bittensor excludes --seed, --path and --file")
			case bittensor != "":
				b, err := readBounded(bittensor, maxImport)
				if err != nil {
					return err
				}
				old := passwordFlags{file: oldPassword, fd: -1, env: "PLEXUS_OLD_PASSWORD"}
				if s, err = keys.FromBittensor(b, old.ask(c, bittensor, false)); err != nil {
					return fmt.Errorf("%s: %w", bittensor, err)
				}
			default:
				text, err := secretText(c, file, seed)
				if err != nil {
					return err
				}
				if seed {
					s, err = keys.FromHex(sch, string(text), path)
				} else {
					s, err = keys.FromWords(sch, string(text), path, "")
				}
				if err != nil {
					return &coded{exitUsage, err}
				}
			}
			return f.added(c, args[0], s, clear)
		},
	}
	f.add(c, keyRow{})
	f.password.add(c)
	clearFlag(c, &clear)
	schemeFlag(c, &scheme, "sr25519")
	c.Flags().StringVar(&path, "path", "", "hard junctions to derive, as in //Alice")
	c.Flags().StringVar(&file, "file", "", "file with the words or the seed, readable by you alone")
	c.Flags().BoolVar(&seed, "seed", false, "a seed instead of words")
	c.Flags().StringVar(&bittensor, "bittensor", "", "Bittensor keyfile")
	c.Flags().StringVar(&oldPassword, "old-password-file", "", "file with the keyfile's password (else PLEXUS_OLD_PASSWORD, else the terminal)")
	return c
}

// secretText reads words or a seed.
func secretText(c *cobra.Command, file string, seed bool) ([]byte, error) {
	if file != "" {
		if err := keys.CheckMode(file); err != nil {
			return nil, err
		}
		return readBounded(file, maxImport)
	}
	what := "the words"
	if seed {
		what = "the seed"
	}
	if in := c.InOrStdin(); in != os.Stdin {
		return io.ReadAll(io.LimitReader(in, maxImport))
	}
	text, err := prompt(c.Context(), what)
	if errors.Is(err, errNoTerminal) {
		return io.ReadAll(io.LimitReader(os.Stdin, maxImport))
	}
	return text, err
}

func readBounded(file string, max int64) ([]byte, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%s: more than %d bytes", file, max)
	}
	return b, err
}

// exported is what key export prints as JSON.
type exported struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Scheme  string `json:"scheme"`
	Words   string `json:"words,omitempty"`
	Seed    string `json:"seed,omitempty"`
}

func keyExport() *cobra.Command {
	var f keyFlags
	var words, seed, yes bool
	c := &cobra.Command{
		Use:   "export NAME --words|--seed",
		Short: "Show the secret of a key, for a backup",
		Long: `Shows the words or the seed of a key on standard output. Whoever has them has what the key
owns. For a backup that stays encrypted copy the key's file, which 'plexus key show' names.`,
		Args: oneName, ValidArgsFunction: completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			if words == seed {
				return usage("give --words or --seed")
			}
			r, err := ring(f.dir)
			if err != nil {
				return err
			}
			if _, err := r.Info(args[0]); err != nil {
				return err
			}
			if err := confirm(c, yes, "This shows the secret of "+args[0]+"."); err != nil {
				return err
			}
			s, err := r.Open(args[0], f.password.ask(c, args[0], false))
			if err != nil {
				return err
			}
			out := exported{Name: args[0], Address: s.Public().String(), Scheme: s.Scheme().String()}
			switch {
			case seed:
				out.Seed = s.Hex()
			case s.Words() == "":
				return fmt.Errorf("%s was not made of words: use --seed", args[0])
			default:
				out.Words = s.Words()
			}
			if f.json {
				return printJSON(c, out)
			}
			fmt.Fprintln(c.OutOrStdout(), out.Words+out.Seed)
			return nil
		},
	}
	f.add(c, exported{})
	f.password.add(c)
	c.Flags().BoolVar(&words, "words", false, "the words that it was made of, with their path")
	c.Flags().BoolVar(&seed, "seed", false, "the seed, which every key has")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func keyRotate() *cobra.Command {
	var f keyFlags
	var newFile string
	var clear bool
	c := &cobra.Command{
		Use:   "rotate-password NAME",
		Short: "Encrypt a key with another password",
		Long: `Opens a key with its password and writes it anew under another one. A crash leaves the old
file or the new one. Copies of the old file still open with the old password.`,
		Args: oneName, ValidArgsFunction: completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := ring(f.dir)
			if err != nil {
				return err
			}
			s, err := r.Open(args[0], f.password.ask(c, args[0], false))
			if err != nil {
				return err
			}
			var password []byte
			if !clear {
				next := passwordFlags{file: newFile, fd: -1, env: "PLEXUS_NEW_PASSWORD"}
				if password, err = next.ask(c, args[0]+" from now on", true)(); err != nil {
					return err
				}
			}
			if err := r.Rotate(args[0], s, password); err != nil {
				return err
			}
			n, err := r.Info(args[0])
			if err != nil {
				return err
			}
			row := rowOf(r, n)
			if f.json {
				return printJSON(c, row)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s\t%s\t%s\n", row.Name, row.Address, row.state())
			return nil
		},
	}
	f.add(c, keyRow{})
	f.password.add(c)
	clearFlag(c, &clear)
	c.Flags().StringVar(&newFile, "new-password-file", "", "file with the new password (else PLEXUS_NEW_PASSWORD, else the terminal)")
	return c
}

// signedMessage is what key sign prints as JSON.
type signedMessage struct {
	Address   string `json:"address"`
	Tag       string `json:"tag"` // what is signed is the tag and the message
	Signature string `json:"signature"`
}

// messageTag is the tag of messages signed by hand. No signature made here is
// one of a transaction, a vote or a receipt.
const messageTag = "message"

// messageFlags say what is signed or verified.
type messageFlags struct{ text, file string }

func (f *messageFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.text, "message", "", "the message")
	c.Flags().StringVar(&f.file, "file", "", "file with the message, - for standard input")
}

// read returns the message.
func (f *messageFlags) read(c *cobra.Command) ([]byte, error) {
	const most = 64 << 20
	if (f.text == "") == (f.file == "") {
		return nil, usage("give --message TEXT or --file FILE")
	}
	if f.text != "" {
		return []byte(f.text), nil
	}
	in := c.InOrStdin()
	if f.file != "-" {
		r, err := os.Open(f.file)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		in = r
	}
	b, err := io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && len(b) > most {
		err = usage("the message has more than %d bytes: sign its hash", most)
	}
	return bytes.Clone(b), err
}

func keySign() *cobra.Command {
	var f keyFlags
	var m messageFlags
	c := &cobra.Command{
		Use:   "sign NAME --message TEXT",
		Short: "Sign a message",
		Long: `Signs plexus/message/v1, a zero byte and the message, so that what is signed here can
never be a transaction. Prints the scheme and the signature.`,
		Args: oneName, ValidArgsFunction: completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			msg, err := m.read(c)
			if err != nil {
				return err
			}
			r, err := ring(f.dir)
			if err != nil {
				return err
			}
			s, err := r.Open(args[0], f.password.ask(c, args[0], false))
			if err != nil {
				return err
			}
			sig := s.Signer().Sign(messageTag, msg)
			out := signedMessage{Address: s.Public().String(), Tag: "plexus/" + messageTag + "/v1", Signature: signatureText(s.Scheme(), sig)}
			if f.json {
				return printJSON(c, out)
			}
			fmt.Fprintln(c.OutOrStdout(), out.Signature)
			return nil
		},
	}
	f.add(c, signedMessage{})
	f.password.add(c)
	m.add(c)
	return c
}

// verified is what key verify prints as JSON.
type verified struct {
	Address string `json:"address"`
	Valid   bool   `json:"valid"`
}

func keyVerify() *cobra.Command {
	var f keyFlags
	var m messageFlags
	c := &cobra.Command{
		Use:   "verify ADDRESS|NAME SIGNATURE --message TEXT",
		Short: "Verify a signature that key sign made",
		Long:  `Exits with 0 if the signature is of this message by this key, and with 1 if not.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes an address and a signature", c.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			msg, err := m.read(c)
			if err != nil {
				return err
			}
			id, err := addressOf(f.dir, args[0])
			if err != nil {
				return err
			}
			scheme, sig, err := parseSignature(args[1])
			if err != nil {
				return err
			}
			out := verified{Address: id.String(), Valid: id.VerifyScheme(scheme, messageTag, msg, sig) == nil}
			if f.json {
				if err := printJSON(c, out); err != nil {
					return err
				}
			} else if out.Valid {
				fmt.Fprintf(c.OutOrStdout(), "signed by %s\n", id)
			}
			if !out.Valid {
				return &coded{exitDiffers, fmt.Errorf("not the signature of this message by %s", id)}
			}
			return nil
		},
	}
	f.add(c, verified{})
	m.add(c)
	return c
}
