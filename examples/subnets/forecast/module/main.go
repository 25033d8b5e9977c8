// Command module is the forecast subnet's module. It is built for Wasm, where the
// host calls its exports and main never runs:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared
package main

import (
	"github.com/plexus-network/plexus/examples/subnets/forecast"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(forecast.Module()) }

func main() {}
