package plugins

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
)

// The guest family: what a module can do wrong. Each costs the module, never the
// node, and arrives wrapped in a *Fault.
var (
	ErrTrap     = errors.New("module trapped")                       // unreachable, out-of-bounds access, exit, too deep a recursion
	ErrFuel     = errors.New("module ran out of fuel")               // the bound of one call
	ErrMemory   = errors.New("module ran out of memory")             // it trapped after a refused growth, or begins too large
	ErrDeadline = errors.New("module ran out of time")               // killed by the wall clock, in workers only
	ErrABI      = errors.New("module breaks the contract")           // refused by the gate, or a reply out of range
	ErrRefused  = errors.New("module refused")                       // it answered with a status other than 0
	ErrManifest = errors.New("module's manifest breaks a rule")      // missing, twice, malformed or untrue
	ErrNoOp     = errors.New("module does not offer this operation") // not in its manifest; the caller's fault
)

// faults orders the family for transport; positions are never reused.
var faults = [...]error{1: ErrTrap, 2: ErrFuel, 3: ErrMemory, 4: ErrDeadline, 5: ErrABI, 6: ErrRefused, 7: ErrManifest}

// Fault is a failure that is a module's own.
type Fault struct {
	Kind   error  // one of the family
	ID     ID     // the module
	Op     abi.Op // the call, 0 while it was loaded
	Status uint32 // the module's status, for ErrRefused
	Detail string // what happened, at most abi.MaxStatusText bytes of UTF-8
	Fuel   uint64 // fuel used until then, equal on every machine except for ErrDeadline
	Log    []byte // what the module wrote until then, bounded
}

// Error names the module, the call and what happened.
func (f *Fault) Error() string {
	s := "module " + f.ID.String()[:16]
	if f.Op != 0 {
		s += ": " + f.Op.String()
	}
	s += ": " + f.Kind.Error()
	if f.Kind == ErrRefused {
		s += fmt.Sprintf(" with status %d", f.Status)
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}

// Unwrap returns the kind.
func (f *Fault) Unwrap() error { return f.Kind }

// Append appends the canonical encoding, for a fault that crosses from a worker
// to its host.
func (f *Fault) Append(b []byte) []byte {
	code := 0
	for i, k := range faults {
		if k == f.Kind {
			code = i
		}
	}
	b = cbor.AppendArray(b, 8)
	b = cbor.AppendUint(b, abi.Version)
	b = cbor.AppendUint(b, uint64(code))
	b = cbor.AppendBytes(b, f.ID[:])
	b = cbor.AppendUint(b, uint64(f.Op))
	b = cbor.AppendUint(b, uint64(f.Status))
	b = cbor.AppendText(b, f.Detail)
	b = cbor.AppendUint(b, f.Fuel)
	return cbor.AppendBytes(b, f.Log)
}

// DecodeFault reads a Fault, whose log aliases b.
func DecodeFault(b []byte) (*Fault, error) {
	d := cbor.NewDecoder(b)
	d.Version(8, abi.Version)
	f := new(Fault)
	code := d.UintMax(uint64(len(faults) - 1))
	f.Kind = faults[code]
	f.ID = d.Hash()
	f.Op = abi.Op(d.UintMax(uint64(abi.OpMerge)))
	f.Status = uint32(d.UintMax(1<<32 - 1))
	f.Detail = d.Text(abi.MaxStatusText)
	f.Fuel = d.Uint()
	f.Log = d.Bytes(MaxLog)
	if err := d.End(); err != nil {
		return nil, err
	}
	if f.Kind == nil {
		return nil, fmt.Errorf("plugins: fault of unknown kind %d", code)
	}
	return f, nil
}

// IsGuest reports whether err is a module's own fault: a Fault, or an error that
// wraps one of the family, as a caller makes it that finds a reply broken.
func IsGuest(err error) bool {
	for _, kind := range faults {
		if kind != nil && errors.Is(err, kind) {
			return true
		}
	}
	return false
}
