// Command plexus is the whole of Plexus: node, miner, validator, replay and the
// development network.
package main

import (
	"os"

	"github.com/plexus-network/plexus/host/internal/command"
)

func main() { os.Exit(command.Main()) }
