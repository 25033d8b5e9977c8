package model

import (
	"bytes"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/examples/subnets/translate"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// Solve answers a task as the request's parameters say: the name of a model, and
// after a line feed published pairs, if any.
func Solve(r *abi.SolveRequest) ([]byte, error) {
	name, data, _ := bytes.Cut(r.Params, []byte("\n"))
	pairs, err := Pairs(data)
	if err != nil {
		return nil, err
	}
	p, err := translate.DecodePublic(r.Public)
	if err != nil {
		return nil, err
	}
	a, err := Answer(string(name), pairs, &p)
	if err != nil {
		return nil, err
	}
	return a.Append(nil), nil
}

// Module returns the solver module.
func Module() sdk.Module { return sdk.Module{Solve: Solve} }
