package command

import "github.com/spf13/cobra"

// payingCommands are new ones of all commands that sign and pay, in their
// groups: for 'tx build' and 'proxy exec', which have the same commands to other
// ends.
func payingCommands() []*cobra.Command {
	group := func(name, short string, list []*cobra.Command) *cobra.Command {
		c := &cobra.Command{Use: name, Short: short, Args: subcommands, RunE: showHelp}
		c.AddCommand(list...)
		return c
	}
	return []*cobra.Command{sendCommand(), registerCommand(), group("subnet", "Open and run subnets", subnetPaying()),
		group("stake", "Stake behind hotkeys", stakePaying()),
		group("delegate", "Takes, and where earnings are staked", delegatePaying()), group("child", "Lend stake weight", childPaying()),
		group("gov", "Propose and vote", govPaying()), swapHotkeyCommand(), group("swap-coldkey", "Move a whole account", coldkeyPaying()),
		group("producer", "Stand for producing blocks", producerPaying()),
		group("proxy", "Let another key act for your account", proxyPaying())}
}
