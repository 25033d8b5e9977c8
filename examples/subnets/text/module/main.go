// Command module is the text subnet's module. It is built for Wasm, where the
// host calls its exports and main never runs:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/text"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(text.Module()) }

func main() {}
