package command

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/scaffold"
	"github.com/plexus-network/plexus/plugins"
)

// newSubnet is what subnet new prints as JSON.
type newSubnet struct {
	Name     string   `json:"name"`
	Language string   `json:"language"`
	Dir      string   `json:"dir"`
	Files    []string `json:"files"`
}

func subnetNewCommand() *cobra.Command {
	var language, dir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Begin a subnet's module: a folder with a complete example and the SDK",
		Long: `Makes a folder with a complete small subnet to change into yours, and the SDK of its
language beside it: nothing is fetched. Build it with 'plexus plugin build', see it
played with 'plexus plugin test'.`,
		Example: "  plexus subnet new demo --lang go && plexus plugin build demo && plexus plugin test demo",
		Args:    oneArg("a name"),
		RunE: func(c *cobra.Command, args []string) error {
			l := plugins.Language(language)
			if !slices.Contains(scaffold.Languages, l) {
				return usage("--lang %s: go, rust, c or as", language)
			}
			name := args[0]
			if dir == "" {
				dir = name
			}
			files, err := scaffold.New(dir, name, l)
			if errors.Is(err, scaffold.ErrName) || errors.Is(err, scaffold.ErrExists) {
				return usage("%v", err)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, newSubnet{name, language, dir, files})
			}
			fmt.Fprintf(c.OutOrStdout(), "made %s with %d files; read %s, then:\n  plexus plugin build %s\n  plexus plugin test %s\n",
				dir, len(files), filepath.Join(dir, "README.md"), dir, dir)
			return nil
		},
	}
	c.Flags().StringVar(&language, "lang", "go", "language: go, rust, c or as (AssemblyScript)")
	c.Flags().StringVar(&dir, "dir", "", "folder to make (default: the name)")
	jsonFlag(c, &asJSON, newSubnet{})
	return c
}
