package wasm

import "github.com/plexus-network/plexus/plugins/internal/meter"

// Parts are what the rewriting of a module can do without. The zero value leaves
// nothing out, which is how nodes run modules.
type Parts struct {
	NoFuel  bool // nothing is charged: the module may run for ever
	NoDepth bool // calls inside each other are not counted: the stack may overflow
	NoNaN   bool // a NaN shows the bits that the processor gave it
}

// Instrument gates and meters a module: the bytes that the engine compiles. An
// error means that no Plexus node runs the module, except for a memory too large
// for lim.
func Instrument(module []byte, lim Limits) ([]byte, error) {
	return InstrumentWithout(module, lim, Parts{})
}

// InstrumentWithout is Instrument with some of its parts left out, to see what each
// adds and costs. The gate is the same.
func InstrumentWithout(module []byte, lim Limits, leave Parts) ([]byte, error) {
	return meter.Instrument(module, meter.Options{Pages: lim.Pages,
		NoFuel: leave.NoFuel, NoDepth: leave.NoDepth, NoNaN: leave.NoNaN})
}
