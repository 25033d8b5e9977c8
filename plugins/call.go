package plugins

import (
	"context"
	"fmt"

	"github.com/plexus-network/plexus/abi"
)

// Reply is what a call that succeeded returns.
type Reply struct {
	Body []byte // the operation's reply, still encoded
	Fuel uint64 // fuel used, equal on every machine and engine
	Log  []byte // what the module wrote to its output, bounded
}

// Caller runs the operations of one module, each call in an instance that
// remembers nothing of earlier ones. It may be used by many goroutines.
type Caller interface {
	// Call runs op on input. The seed feeds the module's random numbers: the
	// same op, input and seed give the same reply, fuel and log everywhere. An
	// error is a *Fault when it is the module's own.
	Call(ctx context.Context, op abi.Op, input []byte, seed [32]byte) (Reply, error)
	// Manifest returns what the module says of itself.
	Manifest() abi.Manifest
	// ID returns the module's name.
	ID() ID
}

// Limits bound every call, whatever the module's manifest asks for.
type Limits struct {
	Fuel  uint64 // fuel of one call, its instance's start included; at most MaxFuel
	Pages uint32 // memory in pages of 64 KiB; at most MaxPages
	Log   int    // bytes of output kept of one call, the rest is dropped; at most MaxLog
}

// Bounds of Limits.
const (
	MaxFuel  = 1 << 50
	MaxPages = 1 << 14 // 1 GiB
	MaxLog   = 1 << 20
)

// Validate reports the first bound that is not in its range.
func (l Limits) Validate() error {
	switch {
	case l.Fuel == 0 || l.Fuel > MaxFuel:
		return fmt.Errorf("limits: fuel %d: must be 1..%d", l.Fuel, uint64(MaxFuel))
	case l.Pages == 0 || l.Pages > MaxPages:
		return fmt.Errorf("limits: pages %d: must be 1..%d", l.Pages, MaxPages)
	case l.Log < 0 || l.Log > MaxLog:
		return fmt.Errorf("limits: log %d: must be 0..%d bytes", l.Log, MaxLog)
	}
	return nil
}

// Within returns the tighter of both for each bound.
func (l Limits) Within(o Limits) Limits {
	return Limits{Fuel: min(l.Fuel, o.Fuel), Pages: min(l.Pages, o.Pages), Log: min(l.Log, o.Log)}
}

// DefaultLimits gives a call 20 billion units of fuel (5 to 10 seconds of
// compiled code), 256 MiB and 64 KiB of log.
func DefaultLimits() Limits { return Limits{Fuel: 20e9, Pages: 4096, Log: 64 << 10} }
