// Command solver is a miner of the translate subnet as a module: good, baseline
// or lazy, as the first line of its parameters says; published pairs may follow
// as lines of sentence, tab, translation.
//
//	plexus engine wasm --module solver.wasm --param good --data pairs.tsv
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/translate/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(model.Module()) }

func main() {}
