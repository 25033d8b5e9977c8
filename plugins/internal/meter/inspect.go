package meter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Outline is what a module consists of.
type Outline struct {
	Sections  []Section  // in the order of the file
	Imports   []Entry    // functions, memories, tables and globals that it asks for
	Exports   []Entry    // those that it offers
	Functions []Function // with a body, in the order of their numbers
	Types     int
	Tables    int
	Globals   int
	Segments  int // of data
	Memory    *Pages
}

// Section is a part of the file.
type Section struct {
	Name  string // "custom NAME" for a custom one
	Bytes int
}

// Entry is an import or an export.
type Entry struct {
	Module string // of an import
	Name   string
	Kind   string // "function", "table", "memory" or "global"
	Type   string // of a function: "(i32 i32) i64"
}

// Function is a function with a body.
type Function struct {
	Index int    // imported functions count first
	Name  string // from the name section, else from its export, else "function N"
	Bytes int
}

// Pages are the bounds of a memory, in pages of 64 KiB.
type Pages struct {
	Min, Max uint32 // Max 0: none is given
}

var sectionNames = [numSections]string{"custom", "types", "imports", "functions", "tables", "memory", "globals",
	"exports", "start", "elements", "code", "data", "data count"}

var kindNames = [4]string{"function", "table", "memory", "global"}

// Inspect outlines a module that keeps the bounds of this package, whatever it
// imports and exports. Bodies are measured, not looked into.
func Inspect(wasm []byte) (*Outline, error) {
	o := &Outline{}
	m, err := decode(wasm, func(mod, name string, kind byte, t funcType) error {
		e := Entry{Module: mod, Name: name, Kind: kindNames[kind]}
		if kind == kindFunc {
			e.Type = t.String()
		}
		o.Imports = append(o.Imports, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	r := &reader{b: wasm, p: len(preamble)}
	var names map[int]string
	for r.p < len(r.b) && r.err == nil {
		id := r.byte()
		body := r.bytes()
		if r.err != nil || int(id) >= len(sectionNames) {
			break
		}
		name := sectionNames[id]
		if id == secCustom {
			c := &reader{b: body}
			called := c.name()
			name += " " + called
			if called == "name" {
				names = functionNames(body[c.p:], len(m.funcs))
			}
		}
		o.Sections = append(o.Sections, Section{name, len(body)})
	}
	exported := map[int]string{}
	for _, e := range m.exports {
		x := Entry{Name: e.name, Kind: kindNames[e.kind]}
		if e.kind == kindFunc {
			x.Type = m.types[m.funcs[e.index]].String()
			exported[e.index] = e.name
		}
		o.Exports = append(o.Exports, x)
	}
	o.Types, o.Tables, o.Globals, o.Segments = len(m.types), len(m.tables), m.globals, m.datas
	if len(m.memAt) > 0 {
		o.Memory = &Pages{m.memAt[0].min, m.memAt[0].max}
	}
	code := &reader{b: m.sec[secCode]}
	n := 0
	if code.b != nil {
		n = code.max(len(m.funcs)-m.imports, "functions")
	}
	for i := 0; i < n && code.err == nil; i++ {
		x := m.imports + i
		f := Function{Index: x, Name: names[x], Bytes: len(code.bytes())}
		if f.Name == "" {
			f.Name = exported[x]
		}
		if f.Name == "" {
			f.Name = fmt.Sprintf("function %d", x)
		}
		o.Functions = append(o.Functions, f)
	}
	return o, code.err
}

// functionNames reads the names of functions from a name section. It is advice,
// not part of the module: what is wrong with it leaves names out.
func functionNames(body []byte, funcs int) map[int]string {
	names := map[int]string{}
	r := &reader{b: body}
	for r.p < len(r.b) && r.err == nil {
		id := r.byte()
		part := r.bytes()
		if id != 1 {
			continue
		}
		p := &reader{b: part}
		n := p.max(funcs, "names")
		for i := 0; i < n && p.err == nil; i++ {
			x := p.index(funcs, "function")
			name := p.bytes()
			if p.err == nil && utf8.Valid(name) && len(name) <= MaxName {
				names[x] = string(name)
			}
		}
	}
	return names
}

func (t funcType) String() string {
	list := func(v []byte) string {
		l := make([]string, len(v))
		for i, t := range v {
			l[i] = valueNames[t]
		}
		return strings.Join(l, " ")
	}
	return strings.TrimSpace("(" + list(t.params) + ") " + list(t.results))
}

var valueNames = map[byte]string{typeI32: "i32", typeI64: "i64", typeF32: "f32", typeF64: "f64", typeFuncRef: "funcref", typeExtern: "externref"}
