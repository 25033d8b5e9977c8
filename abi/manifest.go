package abi

import (
	"errors"

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
}

// Errors of a manifest.
var (
	ErrManifest = errors.New("abi: manifest breaks a rule")
)

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
	b = cbor.AppendArray(b, 12)
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
	return cbor.AppendText(b, m.Licence)
}

// DecodeManifest reads and checks a Manifest.
func DecodeManifest(b []byte) (m Manifest, err error) {
	d := cbor.NewDecoder(b)
	d.Version(12, Version)
	m.Name, m.Version, m.Meter = d.Text(64), d.Text(64), d.Uint()
	for range d.ArrayMax(len(opNames)) {
		m.Ops = append(m.Ops, Op(d.UintMax(uint64(len(opNames)-1))))
	}
	m.Fuel, m.Pages, m.Answer = d.Uint(), d.UintMax(1<<16), d.UintMax(MaxPayload)
	m.Slices, m.Slice = d.UintMax(MaxSlices), d.UintMax(MaxPayload)
	m.Keep, m.Licence = d.Bool(), d.Text(64)
	if err := d.End(); err != nil {
		return m, err
	}
	return m, m.Validate()
}

// Validate reports ErrManifest when a field breaks its rule.
func (m *Manifest) Validate() error {
	if m.Name == "" || m.Version == "" || m.Fuel == 0 || m.Pages == 0 || m.Answer == 0 || (m.Slices == 0) != (m.Slice == 0) {
		return ErrManifest
	}
	for _, c := range m.Name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return ErrManifest
		}
	}
	for i, o := range m.Ops {
		if o == 0 || i > 0 && o <= m.Ops[i-1] {
			return ErrManifest
		}
	}
	return nil
}
