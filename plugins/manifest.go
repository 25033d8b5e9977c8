package plugins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// ReadManifest returns the manifest in a module's custom section. It returns
// ErrManifest when there is none, more than one or a malformed one, and ErrABI
// when the bytes are no module.
func ReadManifest(module []byte) (abi.Manifest, error) {
	fault := func(kind error, detail string) error {
		return &Fault{Kind: kind, ID: Digest(module), Detail: detail}
	}
	found, err := meter.Custom(module, abi.ManifestName)
	if err != nil {
		return abi.Manifest{}, fault(ErrABI, err.Error())
	}
	if len(found) != 1 {
		return abi.Manifest{}, fault(ErrManifest, fmt.Sprintf("%d sections %q, want 1", len(found), abi.ManifestName))
	}
	m, err := abi.DecodeManifest(found[0])
	if err != nil {
		return abi.Manifest{}, fault(ErrManifest, err.Error())
	}
	if m.Meter != MeterVersion {
		return abi.Manifest{}, fault(ErrManifest, fmt.Sprintf("written for meter version %d, this is %d", m.Meter, MeterVersion))
	}
	return m, nil
}

// AppendManifest returns a copy of the module with m in its custom section. It
// refuses a module that has one.
func AppendManifest(module []byte, m abi.Manifest) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("plugins: append manifest: %w", err)
	}
	found, err := meter.Custom(module, abi.ManifestName)
	if err != nil {
		return nil, fmt.Errorf("plugins: append manifest: %w", err)
	}
	if len(found) > 0 {
		return nil, errors.New("plugins: append manifest: the module has one already")
	}
	return meter.AppendCustom(bytes.Clone(module), abi.ManifestName, m.Append(nil)), nil
}

// ParseManifest reads the JSON form of a manifest that a module's author writes:
//
//	{"name": "text", "version": "0.1.0", "ops": ["describe", "task", "score", "rank"],
//	 "fuel": 2000000000, "pages": 512, "answer": 4096, "slices": 0, "slice": 0,
//	 "keep": false, "licence": "Apache-2.0", "capabilities": ["log"],
//	 "input": [{"name": "length", "kind": "uint", "unit": "token", "max": 512}],
//	 "output": [{"name": "text", "kind": "text"}]}
//
// name, version, ops, fuel, pages and answer must be there; meter may name the
// fuel schedule and is MeterVersion otherwise; without capabilities the module
// has all that there are. An unknown or repeated key is an error that names it.
func ParseManifest(text []byte) (m abi.Manifest, err error) {
	var ops []string
	m.Meter = MeterVersion
	fields := map[string]any{"name": &m.Name, "version": &m.Version, "meter": &m.Meter, "ops": &ops,
		"fuel": &m.Fuel, "pages": &m.Pages, "answer": &m.Answer, "slices": &m.Slices, "slice": &m.Slice,
		"keep": &m.Keep, "licence": &m.Licence,
		"capabilities": &m.Capabilities, "input": &m.Input, "output": &m.Output}
	m.Capabilities = []string{abi.CapLog, abi.CapRandom}
	seen := map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // within input and output
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return m, errors.New("plugins: manifest: must be one JSON object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return m, fmt.Errorf("plugins: manifest: %w", err)
		}
		key, _ := t.(string)
		field, ok := fields[key]
		if !ok {
			return m, fmt.Errorf("plugins: manifest: unknown key %q", key)
		}
		if seen[key] {
			return m, fmt.Errorf("plugins: manifest: key %q twice", key)
		}
		seen[key] = true
		if err := d.Decode(field); err != nil {
			return m, fmt.Errorf("plugins: manifest: key %q: %w", key, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return m, fmt.Errorf("plugins: manifest: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return m, errors.New("plugins: manifest: text after the object")
	}
	for _, key := range []string{"name", "version", "ops", "fuel", "pages", "answer"} {
		if !seen[key] {
			return m, fmt.Errorf("plugins: manifest: key %q is missing", key)
		}
	}
	for _, name := range ops {
		op, ok := abi.ParseOp(name)
		if !ok {
			return m, fmt.Errorf("plugins: manifest: key \"ops\": unknown operation %q", name)
		}
		m.Ops = append(m.Ops, op)
	}
	if err := m.Validate(); err != nil {
		return m, fmt.Errorf("plugins: manifest: %w", err)
	}
	return m, nil
}
