// Command solver is a solver module for tests: the first line of its parameters
// says what it does.
package main

import (
	"bytes"
	"errors"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(sdk.Module{Solve: solve}) }

func solve(r *abi.SolveRequest) ([]byte, error) {
	mode, data, _ := bytes.Cut(r.Params, []byte("\n"))
	switch string(mode) {
	case "echo":
		println("echoing")
		return append(append(bytes.Clone(r.Public), '|'), data...), nil
	case "seed":
		return r.Seed[:], nil
	case "spin":
		for {
		}
	case "long":
		return make([]byte, 300<<10+1), nil
	}
	return nil, errors.New("no such mode")
}

func main() {}
