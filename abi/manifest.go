package abi

import (
	"errors"
	"slices"
	"strings"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Manifest is what a module says of itself, in its custom section ManifestName.
type Manifest struct {
	Name    string // lower-case letters, digits and dashes
	Version string // semantic version
	Meter   uint64 // version of the fuel schedule it was written for
	Ops     []Op   // in rising order
	Fuel    uint64 // fuel asked for per call
	Pages   uint64 // memory asked for, in pages of 64 KiB
	Answer  uint64 // bytes of the largest answer
	Slices  uint64 // data slices opened per task, 0 for a module without data
	Slice   uint64 // bytes of one data slice
	Keep    bool   // equal payloads keep their score each; otherwise they divide it
	Licence string // SPDX identifier

	Capabilities []string // of Cap..., in rising order: what it asks of the host besides being called
	Input        []Field  // what the public part of a task holds; none: bytes that only the module reads
	Output       []Field  // what an answer holds, likewise
}

// Capabilities. A module that does not ask for one runs without it: its output is
// dropped, its random numbers depend on its name alone.
const (
	CapLog    = "log"    // its output is kept, up to a bound
	CapRandom = "random" // its random numbers come from the seed of the call
)

var capabilities = [...]string{CapLog, CapRandom}

// Kinds of a Field.
const (
	KindUint  = "uint"  // integer from 0
	KindInt   = "int"   // integer
	KindBool  = "bool"  // yes or no
	KindBytes = "bytes" // byte string
	KindText  = "text"  // UTF-8
	KindList  = "list"  // array; Unit names what it holds
)

var kinds = [...]string{KindUint, KindInt, KindBool, KindBytes, KindText, KindList}

// Field describes one element of a task or an answer, for people and for tools
// that show or make them. The module alone decides what it accepts.
type Field struct {
	Name string // at most 64 bytes
	Kind string // one of Kind...
	Unit string // of the value ("token", "Q32.32", "s"), empty for none; at most 64 bytes
	Max  uint64 // largest value, or bytes, or elements; 0 for not said
}

// MaxFields bounds the fields of an input or output.
const MaxFields = 64

// Errors of a manifest.
var (
	ErrManifest = errors.New("abi: manifest breaks a rule")
)

// ruleError names the rule that a manifest breaks. Package fmt would draw in files
// and the clock, which a module must not import.
type ruleError struct{ rule string }

func (e *ruleError) Error() string { return ErrManifest.Error() + ": " + e.rule }
func (e *ruleError) Unwrap() error { return ErrManifest }

// Has reports whether the module offers op.
func (m *Manifest) Has(op Op) bool {
	for _, o := range m.Ops {
		if o == op {
			return true
		}
	}
	return false
}

// Append appends the canonical encoding.
func (m *Manifest) Append(b []byte) []byte {
	b = cbor.AppendArray(b, 15)
	b = cbor.AppendUint(b, Version)
	b = cbor.AppendText(b, m.Name)
	b = cbor.AppendText(b, m.Version)
	b = cbor.AppendUint(b, m.Meter)
	b = cbor.AppendArray(b, len(m.Ops))
	for _, o := range m.Ops {
		b = cbor.AppendUint(b, uint64(o))
	}
	for _, v := range []uint64{m.Fuel, m.Pages, m.Answer, m.Slices, m.Slice} {
		b = cbor.AppendUint(b, v)
	}
	b = cbor.AppendBool(b, m.Keep)
	b = cbor.AppendText(b, m.Licence)
	b = cbor.AppendArray(b, len(m.Capabilities))
	for _, c := range m.Capabilities {
		b = cbor.AppendText(b, c)
	}
	return appendFields(appendFields(b, m.Input), m.Output)
}

func appendFields(b []byte, l []Field) []byte {
	b = cbor.AppendArray(b, len(l))
	for _, f := range l {
		b = cbor.AppendArray(b, 4)
		b = cbor.AppendText(b, f.Name)
		b = cbor.AppendText(b, f.Kind)
		b = cbor.AppendText(b, f.Unit)
		b = cbor.AppendUint(b, f.Max)
	}
	return b
}

func fields(d *cbor.Decoder) (l []Field) {
	for range d.ArrayMax(MaxFields) {
		d.Array(4)
		l = append(l, Field{Name: d.Text(64), Kind: d.Text(16), Unit: d.Text(64), Max: d.Uint()})
	}
	return l
}

// DecodeManifest reads and checks a Manifest.
func DecodeManifest(b []byte) (m Manifest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(15, Version)
	m.Name, m.Version, m.Meter = d.Text(64), d.Text(64), d.Uint()
	for range d.ArrayMax(len(opNames)) {
		m.Ops = append(m.Ops, Op(d.UintMax(uint64(len(opNames)-1))))
	}
	m.Fuel, m.Pages, m.Answer = d.Uint(), d.UintMax(1<<16), d.UintMax(MaxPayload)
	m.Slices, m.Slice = d.UintMax(MaxSlices), d.UintMax(MaxPayload)
	m.Keep, m.Licence = d.Bool(), d.Text(64)
	for range d.ArrayMax(len(capabilities)) {
		m.Capabilities = append(m.Capabilities, d.Text(64))
	}
	m.Input, m.Output = fields(d), fields(d)
	if err := d.End(); err != nil {
		return m, err
	}
	return m, m.Validate()
}

// Can reports whether the module asks for a capability.
func (m *Manifest) Can(c string) bool { return slices.Contains(m.Capabilities, c) }

// Validate reports an error that wraps ErrManifest and names the field that
// breaks its rule.
func (m *Manifest) Validate() error {
	bad := func(field, rule string) error { return &ruleError{field + ": " + rule} }
	switch {
	case m.Name == "" || strings.Trim(m.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return bad("name", "must be lower-case letters, digits and dashes")
	case m.Version == "":
		return bad("version", "must not be empty")
	case m.Fuel == 0:
		return bad("fuel", "must be above 0")
	case m.Pages == 0:
		return bad("pages", "must be above 0")
	case m.Answer == 0:
		return bad("answer", "must be above 0")
	case (m.Slices == 0) != (m.Slice == 0):
		return bad("slices, slice", "must both be 0 or both above")
	}
	for i, o := range m.Ops {
		if o == 0 || int(o) >= len(opNames) || i > 0 && o <= m.Ops[i-1] {
			return bad("ops", "must be known, in rising order, each once")
		}
	}
	for i, c := range m.Capabilities {
		if !slices.Contains(capabilities[:], c) || i > 0 && c <= m.Capabilities[i-1] {
			return bad("capabilities", "must be known, in rising order, each once")
		}
	}
	for _, l := range [][]Field{m.Input, m.Output} {
		for i, f := range l {
			if f.Name == "" || !slices.Contains(kinds[:], f.Kind) || slices.ContainsFunc(l[:i], func(o Field) bool { return o.Name == f.Name }) {
				return bad("input, output", "each field needs a name of its own and a known kind")
			}
		}
	}
	return nil
}
