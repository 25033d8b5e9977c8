package meter

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plexus-network/plexus/abi"
)

// Options are the bounds that the host chooses for one module, and what it leaves
// out of the rewriting. No node leaves anything out: without a part a module is
// bounded by less, and shows what it costs. The exports for the host are there in
// any case.
type Options struct {
	Pages   uint32 // memory in pages of 64 KiB; the module's own maximum is cut to it
	NoFuel  bool   // nothing is charged, and loops do not end
	NoDepth bool   // calls inside each other are not counted
	NoNaN   bool   // a NaN keeps the bits that the processor gave it
}

// Instrument checks a module against the bounds of this package and the entry
// points of the contract, and returns the rewritten one. Its errors wrap
// ErrModule. The counters of the result start at zero: the host sets ExportFuel
// and ExportDepth before it runs anything, ExportStart included.
func Instrument(wasm []byte, opt Options) ([]byte, error) {
	m, err := decode(wasm, contractImports)
	if err != nil {
		return nil, err
	}
	if err := m.contract(); err != nil {
		return nil, err
	}
	return m.rewrite(opt)
}

// InstrumentAny is Instrument for a module that is none of Plexus's: it may import
// what it likes and need not have the entry points. For suites that test
// WebAssembly itself.
func InstrumentAny(wasm []byte, opt Options) ([]byte, error) {
	m, err := decode(wasm, func(string, string, byte, funcType) error { return nil })
	if err != nil {
		return nil, err
	}
	return m.rewrite(opt)
}

// wasi lists the ten functions of wasi_snapshot_preview1 that the standard Go
// toolchain needs, with their parameters; each but proc_exit returns an i32.
var wasi = map[string]string{
	"sched_yield":       "",
	"proc_exit":         "\x7f",
	"args_get":          "\x7f\x7f",
	"args_sizes_get":    "\x7f\x7f",
	"clock_time_get":    "\x7f\x7e\x7f",
	"environ_get":       "\x7f\x7f",
	"environ_sizes_get": "\x7f\x7f",
	"fd_write":          "\x7f\x7f\x7f\x7f",
	"random_get":        "\x7f\x7f",
	"poll_oneoff":       "\x7f\x7f\x7f\x7f",
}

// WASI is the name of the only module that may be imported from.
const WASI = "wasi_snapshot_preview1"

func contractImports(mod, name string, kind byte, t funcType) error {
	params, ok := wasi[name]
	if mod != WASI || kind != kindFunc || !ok {
		return refuse("import %q of %q is not allowed: a module has no files, network, clock or environment (in Go, packages fmt, os and time need them)", name, mod)
	}
	results := "\x7f"
	if name == "proc_exit" {
		results = ""
	}
	if !t.equal(params, results) {
		return refuse("import %q has the wrong type", name)
	}
	return nil
}

// contract checks the exports that every module has.
func (m *module) contract() error {
	for _, want := range []struct {
		name, params, results string
		optional              bool
	}{
		{abi.ExportMarker, "", "", false},
		{abi.ExportAlloc, "\x7f", "\x7f", false},
		{abi.ExportCall, "\x7f\x7f\x7f", "\x7e", false},
		{abi.ExportInit, "", "", true},
	} {
		e, ok := m.find(want.name)
		if !ok && want.optional {
			continue
		}
		if !ok {
			return m.missing(want.name)
		}
		if e.kind != kindFunc || !m.types[m.funcs[e.index]].equal(want.params, want.results) {
			return refuse("export %q has the wrong type", want.name)
		}
	}
	if e, ok := m.find(abi.ExportMemory); !ok || e.kind != kindMemory {
		return m.missing(abi.ExportMemory)
	}
	return nil
}

// missing says what to do about an export that is not there.
func (m *module) missing(name string) error {
	family := strings.TrimRight(abi.ExportMarker, "0123456789")
	for _, e := range m.exports {
		if name == abi.ExportMarker && strings.HasPrefix(e.name, family) {
			return refuse("written for version %q of the contract, this program knows %q: build it with the SDK of 'plexus subnet new', or take a newer plexus", e.name, name)
		}
	}
	return refuse("export %q is missing: each SDK of 'plexus subnet new' adds it", name)
}

// rewrite assembles the metered module. Custom sections are left out.
func (m *module) rewrite(opt Options) ([]byte, error) {
	code, err := m.code(opt)
	if err != nil {
		return nil, err
	}
	memory, err := m.memorySection(opt.Pages)
	if err != nil {
		return nil, err
	}
	size := 256
	for _, s := range m.sec {
		size += len(s) + 8
	}
	out := append(make([]byte, 0, size+len(code)-len(m.sec[secCode])), preamble...)
	emit := func(id byte, body []byte) {
		if body != nil {
			out = appendSection(out, id, body)
		}
	}
	emit(secType, m.typeSection())
	emit(secImport, m.sec[secImport])
	emit(secFunc, m.sec[secFunc])
	emit(secTable, m.tableSection())
	emit(secMemory, memory)
	emit(secGlobal, m.globalSection())
	emit(secExport, m.exportSection())
	emit(secElem, m.sec[secElem])
	emit(secDataCount, m.sec[secDataCount])
	emit(secCode, code)
	emit(secData, m.sec[secData])
	return out, nil
}

func (m *module) code(opt Options) ([]byte, error) {
	sec := m.sec[secCode]
	defined := len(m.funcs) - m.imports
	if sec == nil {
		if defined > 0 {
			return nil, refuse("%d functions without code", defined)
		}
		return nil, nil
	}
	if len(sec) > MaxCode {
		return nil, refuse("code of %d bytes, over the limit of %d", len(sec), MaxCode)
	}
	r := &reader{b: sec}
	if n := r.u32(); r.err == nil && uint64(n) != uint64(defined) {
		return nil, refuse("%d functions, %d bodies", defined, n)
	}
	out := appendU(make([]byte, 0, len(sec)+len(sec)/4+64), defined)
	w := &rewriter{m: m, opt: opt}
	for i := range defined {
		b := r.bytes()
		if r.err != nil {
			return nil, r.err
		}
		f, err := w.function(b, m.types[m.funcs[m.imports+i]])
		if err != nil {
			return nil, fmt.Errorf("function %d: %w", m.imports+i, err)
		}
		out = append(appendU(out, len(f)), f...)
	}
	r.end("code")
	return out, r.err
}

func (m *module) typeSection() []byte {
	if m.sec[secType] == nil && m.addedCount == 0 {
		return nil
	}
	b := appendU(nil, len(m.types)+m.addedCount)
	if m.sec[secType] != nil {
		r := &reader{b: m.sec[secType]}
		r.u32()
		b = append(b, r.b[r.p:]...)
	}
	return append(b, m.added...)
}

func appendLimits(b []byte, l limits, most uint32) []byte {
	if l.bounded {
		most = min(most, l.max)
	}
	return appendU(appendU(append(b, 1), int(l.min)), int(most))
}

func (m *module) tableSection() []byte {
	if m.sec[secTable] == nil {
		return nil
	}
	own := m.tables[m.importTables:]
	b := appendU(nil, len(own))
	for i, t := range own {
		b = appendLimits(append(b, t), m.tableAt[m.importTables+i], MaxTable)
	}
	return b
}

func (m *module) memorySection(pages uint32) ([]byte, error) {
	if m.sec[secMemory] == nil {
		return nil, nil
	}
	own := m.memAt[m.importMems:]
	b := appendU(nil, len(own))
	for _, l := range own {
		if l.min > pages {
			return nil, fmt.Errorf("%w: it begins with %d pages, %d are allowed", ErrPages, l.min, pages)
		}
		b = appendLimits(b, l, pages)
	}
	return b, nil
}

func (m *module) globalSection() []byte {
	b := appendU(nil, m.globals-m.importGlobals+3)
	if m.sec[secGlobal] != nil {
		r := &reader{b: m.sec[secGlobal]}
		r.u32()
		b = append(b, r.b[r.p:]...)
	}
	return append(b,
		typeI64, 1, opI64Const, 0, opEnd, // fuel
		typeI32, 1, opI32Const, 0, opEnd, // depth
		typeI32, 1, opI32Const, 0, opEnd) // full
}

func (m *module) exportSection() []byte {
	all := append([]export(nil), m.exports...)
	all = append(all,
		export{ExportFuel, kindGlobal, m.globals},
		export{ExportDepth, kindGlobal, m.globals + 1},
		export{ExportFull, kindGlobal, m.globals + 2})
	for i, g := range m.mutable {
		all = append(all, export{ExportGlobal + strconv.Itoa(i), kindGlobal, g})
	}
	if m.fresh {
		all = append(all, export{ExportFresh, kindGlobal, m.globals})
	}
	if m.start >= 0 {
		all = append(all, export{ExportStart, kindFunc, m.start})
	}
	b := appendU(nil, len(all))
	for _, e := range all {
		b = appendU(append(appendName(b, e.name), e.kind), e.index)
	}
	return b
}
