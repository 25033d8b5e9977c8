package command

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// metered is what plugin meter prints as JSON.
type metered struct {
	Module  string   `json:"module"` // the original's name
	Meter   int      `json:"meter"`
	Before  int      `json:"before"` // bytes
	After   int      `json:"after"`
	File    string   `json:"file"`
	LeftOut []string `json:"left_out"` // of fuel, depth and nan
}

func pluginMeterCommand() *cobra.Command {
	var noFuel, noDepth, noNaN, asJSON bool
	lim := plugins.DefaultLimits()
	c := &cobra.Command{
		Use:   "meter IN OUT",
		Short: "Write the module that a node makes of one: metered and bounded",
		Long: `Checks a module as a node does and writes what the node compiles instead of it: with fuel
charged, calls inside each other counted, and the bits of not-a-number made the same on all
machines. Each part can be left out, to see what it adds; no node ever does. Custom
sections, the manifest among them, are not in the result.`,
		Example: "  plexus plugin meter demo.wasm demo.metered.wasm --no-nan",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes a module's file and the file to write", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if lim.Pages < 1 || lim.Pages > plugins.MaxPages {
				return usage("--pages %d: 1 to %d", lim.Pages, plugins.MaxPages)
			}
			if in, err := os.Stat(args[0]); err == nil {
				if out, err := os.Stat(args[1]); err == nil && os.SameFile(in, out) {
					return usage("%s would be overwritten: no node runs a metered module, so name another file to write", args[0])
				}
			}
			code, _, err := guestCode(c.Context(), args[0], c.ErrOrStderr())
			if err != nil {
				return err
			}
			after, err := wasm.InstrumentWithout(code, lim, wasm.Parts{NoFuel: noFuel, NoDepth: noDepth, NoNaN: noNaN})
			if err != nil {
				return err
			}
			if err := os.WriteFile(args[1], after, 0o644); err != nil {
				return err
			}
			out := metered{Module: plugins.Digest(code).String(), Meter: plugins.MeterVersion, Before: len(code), After: len(after), File: args[1], LeftOut: []string{}}
			for _, p := range []struct {
				name string
				out  bool
			}{{"fuel", noFuel}, {"depth", noDepth}, {"nan", noNaN}} {
				if p.out {
					out.LeftOut = append(out.LeftOut, p.name)
				}
			}
			if asJSON {
				return printJSON(c, out)
			}
			fmt.Fprintf(c.OutOrStdout(), "%d bytes became %d, in %s\n", out.Before, out.After, out.File)
			return nil
		},
	}
	c.Flags().BoolVar(&noFuel, "no-fuel", false, "charge nothing")
	c.Flags().BoolVar(&noDepth, "no-depth", false, "do not count calls inside each other")
	c.Flags().BoolVar(&noNaN, "no-nan", false, "leave not-a-number as the processor gives it")
	c.Flags().Uint32Var(&lim.Pages, "pages", lim.Pages, "bound of the memory, in pages of 64 KiB")
	jsonFlag(c, &asJSON, metered{})
	return c
}
