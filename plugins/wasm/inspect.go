package wasm

import (
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// Outline is what a module consists of.
type Outline = meter.Outline

// Inspect outlines a module, also one that no node would run, as long as it is Wasm
// within the gate's bounds.
func Inspect(module []byte) (*Outline, error) {
	o, err := meter.Inspect(module)
	if err != nil {
		return nil, &plugins.Fault{Kind: plugins.ErrABI, ID: plugins.Digest(module), Detail: clip(err.Error())}
	}
	return o, nil
}
