package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
)

// homeEnv overrides the default home of a node.
const homeEnv = "PLEXUS_HOME"

// nodeFlags are the flags of the commands that read a node's configuration.
type nodeFlags struct {
	home string
	set  []string
}

func (f *nodeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.home, "home", "", "directory of the node (default: "+homeEnv+", else ~/.plexus/node)")
	c.Flags().StringArrayVar(&f.set, "set", nil, "KEY=VALUE over the configuration, for this run; may be repeated")
}

// dir is the home that the flag, the environment or the default names.
func (f *nodeFlags) dir() (string, error) {
	if f.home != "" {
		return f.home, nil
	}
	if home := os.Getenv(homeEnv); home != "" {
		return home, nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(user, ".plexus", "node"), nil
}

// flags are the values of --set by key.
func (f *nodeFlags) flags() (map[string]any, error) {
	out := map[string]any{}
	for _, s := range f.set {
		name, v, ok := strings.Cut(s, "=")
		if !ok {
			return nil, usage("--set %q: want KEY=VALUE, like --set block_time=3s", s)
		}
		out[name] = v
	}
	return out, nil
}

// load reads the configuration of the home.
func (f *nodeFlags) load() (config.Config, error) {
	home, err := f.dir()
	if err != nil {
		return config.Config{}, err
	}
	flags, err := f.flags()
	if err != nil {
		return config.Config{}, err
	}
	return config.Load(home, flags)
}

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Show a node's configuration and its reference", Args: subcommands, RunE: showHelp}
	c.AddCommand(configShow(), configReference())
	return c
}

func configShow() *cobra.Command {
	var f nodeFlags
	var origin, asJSON bool
	c := &cobra.Command{
		Use:   "show",
		Short: "Show every key with its value, and where it comes from",
		Long: `Shows the configuration as a node of this home would read it: defaults, config.yaml or
config.toml in the home, the environment, then --set. What is wrong with it is an error
that names the key and the layer.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			home, err := f.dir()
			if err != nil {
				return err
			}
			flags, err := f.flags()
			if err != nil {
				return err
			}
			all, err := config.Settings(home, flags)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c, all)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, s := range all {
				b, err := json.Marshal(s.Value)
				if err != nil {
					return err
				}
				line := s.Name + "\t" + strings.TrimSpace(string(b)+" "+s.Unit)
				if origin {
					line += "\t" + s.Origin
				}
				fmt.Fprintln(w, line)
			}
			return w.Flush()
		},
	}
	f.add(c)
	c.Flags().BoolVar(&origin, "origin", false, "say which layer each value comes from")
	jsonFlag(c, &asJSON, []config.Setting{})
	return c
}

func configReference() *cobra.Command {
	return &cobra.Command{
		Use: "reference", Short: "Print the reference of all keys in Markdown", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			fmt.Fprint(c.OutOrStdout(), config.Reference())
			return nil
		},
	}
}
