package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/plugins/selftest"
)

func pluginSelftestCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "selftest",
		Short: "Check that modules run on this machine as they do on every other",
		Long: `Runs built-in modules in the compiler and in the interpreter and holds replies, faults and
fuel against recorded ones: every numeric instruction on operands from the edges of its
type, traps, calls, branches, memory and tables. Ends with code 1 when something differs:
then this machine must not validate.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := selftest.Run(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				if err := printJSON(c, r); err != nil {
					return err
				}
			} else {
				for _, f := range r.Failures {
					fmt.Fprintf(c.OutOrStdout(), "%s in the %s: %s, everywhere else %s\n", f.Vector, f.Engine, f.Got, f.Want)
				}
				fmt.Fprintf(c.OutOrStdout(), "%d vectors with %d cases, in two engines, in %v\n", r.Vectors, r.Cases, r.Took.Round(time.Millisecond))
			}
			if !r.OK() {
				return foundFault("%d outcomes differ: modules do not run here as they do elsewhere", len(r.Failures))
			}
			return nil
		},
	}
	jsonFlag(c, &asJSON, selftest.Report{})
	return c
}
