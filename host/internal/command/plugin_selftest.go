package command

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/progress"
	"github.com/plexus-network/plexus/plugins/selftest"
	"github.com/plexus-network/plexus/plugins/wasm"
)

func pluginSelftestCommand() *cobra.Command {
	var asJSON bool
	var suite string
	c := &cobra.Command{
		Use:   "selftest",
		Short: "Check that modules run on this machine as they do on every other",
		Long: `Runs built-in modules in the compiler and in the interpreter and holds replies, faults and
fuel against recorded ones: every numeric instruction on operands from the edges of its
type, traps, calls, branches, memory and tables. Ends with code 1 when something differs:
then this machine must not validate.

--suite runs, instead, the official test suites of WebAssembly: each command in the module
as it is and in the gated and metered one, in both engines. They lie compiled in wazero's
source:

  plexus plugin selftest --suite $(go list -m -f '{{.Dir}}' github.com/tetratelabs/wazero)/internal/integration_test/spectest`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if suite != "" {
				return runSuite(c, suite, asJSON)
			}
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
	c.Flags().StringVar(&suite, "suite", "", "folder of the official suites, to run instead")
	jsonFlag(c, &asJSON, selftest.Report{})
	return c
}

func runSuite(c *cobra.Command, dir string, asJSON bool) error {
	start := time.Now()
	bar := progress.New(c.ErrOrStderr(), "files")
	r, err := wasm.RunSuite(c.Context(), dir, nil, func(done, total int) { bar.Set(int64(done), int64(total)) })
	bar.Done()
	if err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(c, r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Failures {
			fmt.Fprintf(c.OutOrStdout(), "%s:%d: %s; %s\n", f.File, f.Line, f.Want, f.Got)
		}
		for _, why := range slices.Sorted(maps.Keys(r.Refused)) {
			fmt.Fprintf(c.OutOrStdout(), "refused by policy, %d modules: %s\n", r.Refused[why], why)
		}
		fmt.Fprintf(c.OutOrStdout(), "%d files, %d commands, each in the original and in two engines, in %v; %d more of refused modules\n",
			r.Files, r.Commands, time.Since(start).Round(time.Second), r.Skipped)
	}
	if len(r.Failures) > 0 {
		return foundFault("%d outcomes differ: modules do not run here as they do elsewhere", len(r.Failures))
	}
	return nil
}
