package meter

import (
	"slices"
	"strings"
)

// funcType is a function's type; both slices alias the module.
type funcType struct{ params, results []byte }

func (t funcType) equal(params, results string) bool {
	return string(t.params) == params && string(t.results) == results
}

// export is one entry of the export section.
type export struct {
	name  string
	kind  byte
	index int
}

// Kinds of imports and exports.
const (
	kindFunc = iota
	kindTable
	kindMemory
	kindGlobal
)

// limits are the bounds of a memory or table.
type limits struct {
	min, max uint32
	bounded  bool // a maximum is given
}

// module is what the rewriter knows of a decoded module.
type module struct {
	sec     [numSections][]byte
	types   []funcType
	funcs   []int // type of each function, imported ones first
	imports int   // imported functions

	importTables, importMems, importGlobals int

	tables  []byte // reference type of each table, imported ones first
	tableAt []limits
	mems    int
	memAt   []limits
	globals int   // all, imported ones first
	mutable []int // mutable globals of the module's own that hold numbers
	fresh   bool  // its state is more than its memory and those: tables, references, dropped segments

	exports   []export
	declared  map[int]bool // functions named outside of code, the only ones that ref.func may name
	start     int          // index of the start function, -1 for none
	elems     int
	datas     int
	dataCount int // -1 when the section is missing

	branches int // br_table targets seen so far
	work     int // estimated microseconds to compile what was seen so far

	added      []byte // encoded block types that the rewriter appends
	addedCount int
	addedIndex map[string]int
}

// policy says what a module may import.
type policy func(module, name string, kind byte, t funcType) error

// decode reads everything but the code.
func decode(wasm []byte, allow policy) (*module, error) {
	sec, err := sections(wasm, nil)
	if err != nil {
		return nil, err
	}
	m := &module{sec: sec, start: -1, dataCount: -1, declared: map[int]bool{}, addedIndex: map[string]int{}}
	for _, step := range []struct {
		id   int
		name string
		read func(*reader)
	}{
		{secType, "types", m.readTypes},
		{secImport, "imports", func(r *reader) { m.readImports(r, allow) }},
		{secFunc, "functions", m.readFuncs},
		{secTable, "tables", m.readTables},
		{secMemory, "memory", m.readMemories},
		{secDataCount, "data count", func(r *reader) { m.dataCount = r.max(MaxSegments, "data segments") }},
		{secGlobal, "globals", m.readGlobals},
		{secExport, "exports", m.readExports},
		{secStart, "start", m.readStart},
		{secElem, "elements", m.readElems},
		{secData, "data", m.readData},
	} {
		if sec[step.id] == nil {
			continue
		}
		r := &reader{b: sec[step.id]}
		step.read(r)
		r.end(step.name)
		if r.err != nil {
			return nil, r.err
		}
	}
	if m.dataCount >= 0 && m.dataCount != m.datas {
		return nil, refuse("%d data segments, announced %d", m.datas, m.dataCount)
	}
	return m, nil
}

func (m *module) readTypes(r *reader) {
	vec := func(what string) []byte {
		v := r.skip(r.max(MaxArity, what))
		for _, t := range v {
			if !isValue(t) {
				r.fail("value type %#x is not allowed", t)
			}
		}
		return v
	}
	n := r.max(MaxTypes, "types")
	for i := 0; i < n && r.err == nil; i++ {
		if c := r.byte(); c != 0x60 {
			r.fail("type form %#x is not allowed", c)
		}
		m.types = append(m.types, funcType{vec("parameters"), vec("results")})
	}
}

func (m *module) readImports(r *reader, allow policy) {
	n := r.max(MaxImports, "imports")
	for i := 0; i < n && r.err == nil; i++ {
		mod, name, kind := r.name(), r.name(), r.byte()
		var t funcType
		switch kind {
		case kindFunc:
			x := r.index(len(m.types), "type")
			if r.err != nil {
				return
			}
			t = m.types[x]
			m.funcs = append(m.funcs, x)
			m.imports++
		case kindTable:
			m.readTable(r)
			m.importTables++
		case kindMemory:
			m.readMemory(r)
			m.importMems++
		case kindGlobal:
			r.skip(2)
			m.globals++
			m.importGlobals++
		default:
			r.fail("import of kind %d", kind)
		}
		if r.err == nil {
			r.err = allow(mod, name, kind, t)
		}
	}
}

func (m *module) readFuncs(r *reader) {
	n := r.max(MaxFuncs, "functions")
	m.funcs = slices.Grow(m.funcs, min(n, len(r.b)))
	for i := 0; i < n && r.err == nil; i++ {
		m.funcs = append(m.funcs, r.index(len(m.types), "type"))
	}
}

// maxPages is the most that 32 bits address.
const maxPages = 1 << 16

func readLimits(r *reader) (l limits) {
	switch flag := r.byte(); flag {
	case 0:
		l.min = r.u32()
	case 1:
		l.bounded = true
		l.min, l.max = r.u32(), r.u32()
		if l.min > l.max {
			r.fail("minimum %d over maximum %d", l.min, l.max)
		}
	default:
		r.fail("shared or 64-bit memories and tables are not allowed")
	}
	return l
}

func (m *module) readTable(r *reader) {
	t := r.byte()
	if !isRef(t) {
		r.fail("table of type %#x", t)
	}
	m.tables = append(m.tables, t)
	m.tableAt = append(m.tableAt, readLimits(r))
}

func (m *module) readMemory(r *reader) {
	l := readLimits(r)
	if l.min > maxPages || l.max > maxPages {
		r.fail("memory over %d pages", maxPages)
	}
	m.mems++
	m.memAt = append(m.memAt, l)
}

func (m *module) readTables(r *reader) {
	n := r.max(MaxTables, "tables")
	for i := 0; i < n && r.err == nil; i++ {
		m.readTable(r)
	}
	for _, t := range m.tableAt {
		if t.min > MaxTable {
			r.fail("table of %d elements, over the limit of %d", t.min, MaxTable)
		}
	}
}

func (m *module) readMemories(r *reader) {
	n := r.max(1, "memories")
	for i := 0; i < n && r.err == nil; i++ {
		m.readMemory(r)
	}
	if m.mems > 1 {
		r.fail("more than one memory")
	}
}

func (m *module) readGlobals(r *reader) {
	n := r.max(MaxGlobals, "globals")
	// An initialiser may name every function, but only globals before its own.
	for i := 0; i < n && r.err == nil; i++ {
		t := r.byte()
		if !isValue(t) {
			r.fail("global of type %#x", t)
		}
		switch mutable := r.byte(); {
		case mutable > 1:
			r.fail("mutability %d", mutable)
		case mutable == 1 && isRef(t):
			m.fresh = true
		case mutable == 1:
			m.mutable = append(m.mutable, m.globals)
		}
		m.constant(r)
		m.globals++
	}
}

// constant steps over a constant expression: one instruction and an end.
func (m *module) constant(r *reader) {
	switch op := r.byte(); op {
	case opI32Const:
		r.signed(5)
	case opI64Const:
		r.signed(10)
	case opF32Const:
		r.skip(4)
	case opF64Const:
		r.skip(8)
	case opGlobalGet:
		r.index(m.globals, "global")
	case opRefNull:
		if t := r.byte(); !isRef(t) {
			r.fail("reference type %#x", t)
		}
	case opRefFunc:
		m.declared[r.index(len(m.funcs), "function")] = true
	default:
		r.fail("constant instruction %#x is not allowed", op)
	}
	if c := r.byte(); c != opEnd {
		r.fail("constant expression of more than one instruction")
	}
}

func (m *module) readExports(r *reader) {
	n := r.max(MaxExports, "exports")
	for i := 0; i < n && r.err == nil; i++ {
		e := export{name: r.name(), kind: r.byte()}
		switch e.kind {
		case kindFunc:
			e.index = r.index(len(m.funcs), "function")
			m.declared[e.index] = true
		case kindTable:
			e.index = r.index(len(m.tables), "table")
		case kindMemory:
			e.index = r.index(m.mems, "memory")
		case kindGlobal:
			e.index = r.index(m.globals, "global")
		default:
			r.fail("export of kind %d", e.kind)
		}
		if strings.HasPrefix(e.name, reserved) {
			r.fail("export name %q is reserved", e.name)
		}
		m.exports = append(m.exports, e)
	}
}

func (m *module) readStart(r *reader) {
	m.start = r.index(len(m.funcs), "function")
	if r.err == nil && !m.types[m.funcs[m.start]].equal("", "") {
		r.fail("start function takes or returns something")
	}
}

func (m *module) readElems(r *reader) {
	m.elems = r.max(MaxSegments, "element segments")
	room := MaxElements
	for i := 0; i < m.elems && r.err == nil; i++ {
		flags := r.max(7, "element flags")
		if flags&1 == 0 {
			table := 0
			if flags&2 != 0 {
				table = int(r.u32())
			}
			if table < 0 || table >= len(m.tables) {
				r.fail("table %d does not exist", table)
			}
			m.constant(r)
		}
		if flags&3 != 0 {
			t := r.byte()
			if flags&4 == 0 && t != 0 || flags&4 != 0 && !isRef(t) {
				r.fail("element kind %#x", t)
			}
		}
		n := r.max(room, "elements")
		room -= n
		for j := 0; j < n && r.err == nil; j++ {
			if flags&4 != 0 {
				m.constant(r)
			} else {
				m.declared[r.index(len(m.funcs), "function")] = true
			}
		}
	}
}

func (m *module) readData(r *reader) {
	m.datas = r.max(MaxSegments, "data segments")
	for i := 0; i < m.datas && r.err == nil; i++ {
		flags := r.max(2, "data flags")
		if flags == 2 {
			r.index(m.mems, "memory")
		}
		if flags != 1 {
			if m.mems == 0 {
				r.fail("data without a memory")
			}
			m.constant(r)
		}
		r.bytes()
	}
}

// find returns the export of that name.
func (m *module) find(name string) (export, bool) {
	i := slices.IndexFunc(m.exports, func(e export) bool { return e.name == name })
	if i < 0 {
		return export{}, false
	}
	return m.exports[i], true
}

// blockType returns the encoded type of a block that takes nothing and leaves
// results, appending a type to the module where one result does not suffice.
func (m *module) blockType(results []byte) []byte {
	switch len(results) {
	case 0:
		return []byte{blockVoid}
	case 1:
		return results
	}
	x, ok := m.addedIndex[string(results)]
	if !ok {
		x = len(m.types) + m.addedCount
		m.addedIndex[string(results)] = x
		m.addedCount++
		m.added = append(m.added, 0x60, 0)
		m.added = append(appendU(m.added, len(results)), results...)
	}
	return appendS(nil, int64(x))
}
