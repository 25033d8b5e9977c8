// Command solver is a solver module for the speech subnet. The parameters of a
// request name the mode: good, baseline or lazy. It is built for Wasm, where the
// host calls its exports and main never runs:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/speech/model"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(sdk.Module{Solve: model.Solve}) }

func main() {}
