package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/keys"
	"github.com/plexus-network/plexus/ledger/key"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "key", Short: "Make, import, list, use and back up keys", Args: subcommands, RunE: showHelp,
		Long: `Keys lie in a folder, one file of mode 0600 each, encrypted with a password (argon2id,
XChaCha20-Poly1305) unless you ask for a file in the clear. A coldkey owns value and may be
ed25519 or sr25519; hotkeys and consensus keys, which work, are ed25519.

Passwords come from --password-file, --password-fd, ` + passwordEnv + ` or the terminal, in this
order, and never from the command line.`,
	}
	c.AddCommand(keyNew(), keyImport(), keyList(), keyShow(), keySign(), keyVerify(), keyExport(), keyRotate(), keyWatch())
	return c
}

// keyRow is a key as --json prints it.
type keyRow struct {
	Name      string `json:"name"`
	Address   string `json:"address,omitempty"`
	Scheme    string `json:"scheme,omitempty"`
	Encrypted bool   `json:"encrypted"`
	Watched   bool   `json:"watched"` // its secret is not here
	File      string `json:"file,omitempty"`
	Error     string `json:"error,omitempty"`
}

func rowOf(r keys.Ring, n keys.Info) keyRow {
	row := keyRow{Name: n.Name}
	row.File, _ = r.File(n.Name) // a listed name is a good one
	if n.Err != nil {
		row.Error = n.Err.Error()
		return row
	}
	row.Address, row.Scheme, row.Encrypted, row.Watched = n.ID.String(), n.Scheme.String(), n.Encrypted, n.Watched
	return row
}

// state says in a word how a key is kept.
func (k *keyRow) state() string {
	switch {
	case k.Error != "":
		return k.Error
	case k.Watched:
		return "watched"
	case k.Encrypted:
		return "encrypted"
	}
	return "in the clear"
}

// ring is the folder named by the flag, or the default one.
func ring(dir string) (keys.Ring, error) {
	if dir != "" {
		return keys.Ring{Dir: dir}, nil
	}
	return keys.DefaultRing()
}

// keyFlags are the flags of the commands about one key.
type keyFlags struct {
	dir      string
	json     bool
	password passwordFlags
}

func (f *keyFlags) add(c *cobra.Command, shape any) {
	keysFlag(c, &f.dir)
	if shape != nil {
		jsonFlag(c, &f.json, shape)
	}
}

// keysFlag adds --keys.
func keysFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "keys", "", "folder of keys (default ~/.plexus/keys)")
	c.RegisterFlagCompletionFunc("keys", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
}

// completeKey completes the names of keys.
func completeKey(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return keyNames(c), cobra.ShellCompDirectiveNoFileComp
}

func keyNames(c *cobra.Command) []string {
	dir := ""
	if f := c.Flags().Lookup("keys"); f != nil {
		dir = f.Value.String()
	}
	r, err := ring(dir)
	if err != nil {
		return nil
	}
	list, _ := r.List() // nothing to offer is no failure
	var out []string
	for _, n := range list {
		out = append(out, n.Name)
	}
	return out
}

// keyNameFlag adds a flag whose value names a key.
func keyNameFlag(c *cobra.Command, to *string, name, help string) {
	c.Flags().StringVar(to, name, "", help)
	c.RegisterFlagCompletionFunc(name, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return keyNames(c), cobra.ShellCompDirectiveNoFileComp
	})
}

// oneName is the check of a command that takes a key's name.
func oneName(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("%s takes one name", c.CommandPath())
	}
	return nil
}

// added saves a new secret and says so.
func (f *keyFlags) added(c *cobra.Command, name string, s keys.Secret, clear bool) error {
	r, err := ring(f.dir)
	if err != nil {
		return err
	}
	file, err := r.File(name)
	if err != nil {
		return err
	}
	if _, err := r.Info(name); err == nil { // before a password is asked for
		return fmt.Errorf("%w: %s", keys.ErrExists, file)
	}
	var password []byte
	if !clear {
		if password, err = f.password.ask(c, "the new key "+name, true)(); err != nil {
			return err
		}
	}
	if err := r.Add(name, s, password); err != nil {
		return err
	}
	n, err := r.Info(name)
	if err != nil {
		return err
	}
	row := rowOf(r, n)
	if f.json {
		return printJSON(c, row)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s\t%s\n", name, row.Address)
	fmt.Fprintf(c.ErrOrStderr(), "kept %s in %s, readable by you alone\n", row.state(), file)
	if s.Words() != "" {
		fmt.Fprintf(c.ErrOrStderr(), "write its words down and keep them elsewhere: plexus key export %s --words\n", name)
	}
	return nil
}

// clearFlag adds --no-password.
func clearFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "no-password", false, "keep the secret in the clear: for hotkeys of processes that start without a person")
}

func schemeFlag(c *cobra.Command, to *string, def string) {
	c.Flags().StringVar(to, "scheme", def, "how it signs: ed25519, or sr25519 as Substrate's tools do (coldkeys only)")
	c.RegisterFlagCompletionFunc("scheme", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"ed25519", "sr25519"}, cobra.ShellCompDirectiveNoFileComp
	})
}

func parseScheme(name string) (key.Scheme, error) {
	s, err := keys.ParseScheme(name)
	if err != nil {
		return s, usage("--scheme: %v", err)
	}
	return s, nil
}

func keyNew() *cobra.Command {
	var f keyFlags
	var words int
	var scheme string
	var clear bool
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a key",
		Long: `Makes a key of random words (BIP-39) and prints its address. The words are kept with the
secret: 'plexus key export NAME --words' shows them for a backup.`,
		Example: "  plexus key new alice\n  plexus key new worker --no-password\n  plexus key new cold --scheme sr25519 --word-count 24 --password-file cold.pw",
		Args:    oneName,
		RunE: func(c *cobra.Command, args []string) error {
			sch, err := parseScheme(scheme)
			if err != nil {
				return err
			}
			s, err := keys.Generate(sch, words)
			if err != nil {
				return usage("--word-count: %v", err)
			}
			return f.added(c, args[0], s, clear)
		},
	}
	f.add(c, keyRow{})
	f.password.add(c)
	clearFlag(c, &clear)
	schemeFlag(c, &scheme, "ed25519")
	c.Flags().IntVar(&words, "word-count", 12, "words of its mnemonic: 12 or 24")
	return c
}

func keyList() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use: "list", Short: "List keys", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := ring(f.dir)
			if err != nil {
				return err
			}
			list, err := r.List()
			if err != nil {
				return err
			}
			rows := make([]keyRow, len(list))
			for i, n := range list {
				rows[i] = rowOf(r, n)
			}
			if f.json {
				return printJSON(c, rows)
			}
			if len(rows) == 0 {
				fmt.Fprintf(c.ErrOrStderr(), "no keys in %s: make one with: plexus key new NAME\n", r.Dir)
			}
			for _, k := range rows {
				fmt.Fprintln(c.OutOrStdout(), strings.TrimRight(strings.Join([]string{k.Name, k.Address, k.Scheme, k.state()}, "\t"), "\t"))
			}
			return nil
		},
	}
	f.add(c, []keyRow{})
	return c
}

func keyShow() *cobra.Command {
	var f keyFlags
	c := &cobra.Command{
		Use: "show NAME", Short: "Show what is public of a key", Args: oneName, ValidArgsFunction: completeKey,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := ring(f.dir)
			if err != nil {
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
			fmt.Fprintf(c.OutOrStdout(), "name     %s\naddress  %s\npublic   0x%x\nscheme   %s\nkept     %s\nfile     %s\n", row.Name, row.Address, n.ID[:], row.Scheme, row.state(), row.File)
			return nil
		},
	}
	f.add(c, keyRow{})
	return c
}

func keyWatch() *cobra.Command {
	var f keyFlags
	var scheme string
	c := &cobra.Command{
		Use:     "watch NAME ADDRESS",
		Short:   "Give a name to an address whose secret is elsewhere",
		Example: "  plexus key watch exchange 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes a name and an address", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			sch, err := parseScheme(scheme)
			if err != nil {
				return err
			}
			id, err := key.Parse(args[1])
			if err != nil {
				return err
			}
			r, err := ring(f.dir)
			if err != nil {
				return err
			}
			if err := r.Watch(args[0], sch, id); err != nil {
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
			fmt.Fprintf(c.OutOrStdout(), "%s\t%s\n", row.Name, row.Address)
			return nil
		},
	}
	f.add(c, keyRow{})
	schemeFlag(c, &scheme, "ed25519")
	return c
}
