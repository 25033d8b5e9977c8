// Command solver is a miner of the learn subnet as a module: baseline, poisoner or
// lazy, as the first line of its parameters says, with a shard as in "baseline 2/4";
// the text that is dealt into shards follows.
//
//	plexus engine wasm --module solver.wasm --param "baseline 2/4" --data text.txt
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/learn/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(model.Module()) }

func main() {}
