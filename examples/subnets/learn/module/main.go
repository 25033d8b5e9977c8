// Command module is the learn subnet's module. It is built for Wasm, where the host
// calls its exports and main never runs:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/learn"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(learn.Module()) }

func main() {}
