// Command solver is a miner of the forecast subnet as a module: good, baseline or
// lazy, as the first line of its parameters says; prices may follow as lines of
// height, netuid and price, separated by commas.
//
//	plexus engine wasm --module solver.wasm --param good --data prices.csv
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/forecast/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(model.Module()) }

func main() {}
