package command

import "github.com/spf13/cobra"

func subnetCommand() *cobra.Command {
	c := &cobra.Command{Use: "subnet", Short: "Begin and look after subnets", Args: subcommands, RunE: showHelp}
	c.AddCommand(subnetNewCommand())
	return c
}
