package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/keys"
)

func keyCommand() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "Make and list keys", Args: subcommands, RunE: showHelp}
	c.AddCommand(keyNew(), keyList())
	return c
}

// keyRow is a key as --json prints it.
type keyRow struct {
	Name    string `json:"name"`
	Address string `json:"address,omitempty"`
	Error   string `json:"error,omitempty"`
}

// ring is the folder named by the flag, or the default one.
func ring(dir string) (keys.Ring, error) {
	if dir != "" {
		return keys.Ring{Dir: dir}, nil
	}
	return keys.DefaultRing()
}

func keyNew() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a key",
		Long: `Makes a random ed25519 key in a file of mode 0600 and prints its address. The file
is not encrypted: keep what matters elsewhere until it can be.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage("%s takes one name", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := ring(dir)
			if err != nil {
				return err
			}
			id, err := r.New(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, keyRow{Name: args[0], Address: id.String()})
			}
			fmt.Fprintf(c.OutOrStdout(), "%s\t%s\n", args[0], id)
			fmt.Fprintf(c.ErrOrStderr(), "kept unencrypted in %s: readable by you alone\n", r.Dir)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "keys", "", "folder of keys (default ~/.plexus/keys)")
	jsonFlag(c, &asJSON, keyRow{})
	return c
}

func keyList() *cobra.Command {
	var dir string
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "List keys", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := ring(dir)
			if err != nil {
				return err
			}
			list, err := r.List()
			if err != nil {
				return err
			}
			rows := make([]keyRow, len(list))
			for i, n := range list {
				rows[i] = keyRow{Name: n.Name}
				if n.Err != nil {
					rows[i].Error = n.Err.Error()
				} else {
					rows[i].Address = n.ID.String()
				}
			}
			if asJSON {
				return printJSON(c, rows)
			}
			if len(rows) == 0 {
				fmt.Fprintf(c.ErrOrStderr(), "no keys in %s: make one with: plexus key new NAME\n", r.Dir)
			}
			for _, k := range rows {
				fmt.Fprintf(c.OutOrStdout(), "%s\t%s%s\n", k.Name, k.Address, k.Error)
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "keys", "", "folder of keys (default ~/.plexus/keys)")
	jsonFlag(c, &asJSON, []keyRow{})
	return c
}
