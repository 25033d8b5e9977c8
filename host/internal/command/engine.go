package command

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/examples/gallery"
)

// engineList names the models that this program can become.
func engineList() string {
	var all []string
	for _, e := range gallery.Engines() {
		all = append(all, e.Name)
	}
	return strings.Join(all, ", ")
}

func engineCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "engine NAME [ARGUMENT...]", Short: "A miner's models: list them, try one before it is registered",
		Long: fmt.Sprintf(`An engine is a miner's model, a child process that answers tasks. This command becomes
one of %s
when a miner starts it; 'plexus engine ls' says what they are, and 'plexus engine check'
tries any engine on a module's tasks.`, engineList()),
		DisableFlagParsing: true, // the arguments are the model's own
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("%s takes ls, check, or one of %s", c.CommandPath(), engineList())
			}
			if args[0] == "-h" || args[0] == "--help" {
				return c.Help()
			}
			for _, e := range gallery.Engines() {
				if args[0] == e.Name {
					return e.Run(args[1:])
				}
			}
			return usage("there is no engine %q: %s takes ls, check, or one of %s", args[0], c.CommandPath(), engineList())
		},
	}
	c.AddCommand(engineListCommand(), engineCheckCommand())
	return c
}

// listedEngine is what engine ls prints as JSON.
type listedEngine struct {
	Name string `json:"name"`
	Say  string `json:"say"`
}

func engineListCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "ls", Short: "List the models that come with this program", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all := []listedEngine{}
			for _, e := range gallery.Engines() {
				all = append(all, listedEngine{e.Name, e.Say})
			}
			if asJSON {
				return printJSON(c, all)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			for _, e := range all {
				fmt.Fprintf(w, "%s\t%s\n", e.Name, e.Say)
			}
			return w.Flush()
		},
	}
	jsonFlag(c, &asJSON, []listedEngine{})
	return c
}
