package command

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger"
)

func validatorCommand() *cobra.Command {
	var f nodeFlags
	var password passwordFlags
	var netuids []uint
	var asJSON bool
	c := &cobra.Command{
		Use:   "validator",
		Short: "Run a node that validates subnets",
		Long: `Runs the node of a home that 'plexus init' made, and validates with its hotkey: draws the
tasks of each epoch, asks the miners, scores what they answer, and publishes evidence and
weights. With --netuid these subnets and no others, as the key subnets decides of each;
without it those that the configuration names. What all of them may use is held to
budget.fuel, budget.memory and budget.bandwidth; what goes wrong in one touches no other.

A hotkey without a permit validates nothing: it rests, and goes on by itself when it has one.`,
		Example: "  plexus validator --netuid 1\n  plexus validator --netuid 1,7 --set budget.fuel=500000000",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runNode(c, func() (config.Config, error) { return validating(f.load, netuids) }, &password, asJSON)
		},
	}
	c.Flags().UintSliceVar(&netuids, "netuid", nil, "subnets to validate, again or with commas for more (default: those of the configuration)")
	f.add(c)
	password.add(c)
	jsonFlag(c, &asJSON, event.Event{})
	return c
}

// validating is the configuration of a home, of whose subnets only the named ones
// are validated; all when none is named.
func validating(load func() (config.Config, error), netuids []uint) (config.Config, error) {
	cfg, err := load()
	if err != nil {
		return cfg, err
	}
	if len(netuids) > 0 {
		cfg.Validate = nil
		for _, n := range netuids {
			if n == 0 || n > 65535 {
				return cfg, usage("--netuid %d: must be 1..65535", n)
			}
			if !slices.Contains(cfg.Validate, ledger.NetUID(n)) {
				cfg.Validate = append(cfg.Validate, ledger.NetUID(n))
			}
		}
		cfg.Subnets = slices.DeleteFunc(slices.Clone(cfg.Subnets), func(s config.Subnet) bool { return !slices.Contains(cfg.Validate, s.NetUID) })
	}
	if len(cfg.Validated()) == 0 {
		return cfg, usage("no subnet to validate: name some with --netuid, or in the configuration as validate or subnets")
	}
	if cfg.Hotkey == "" {
		return cfg, &coded{exitConfig, fmt.Errorf("%s has no hotkey to validate with: name its key file as hotkey", cfg.Home)}
	}
	return cfg, nil
}
