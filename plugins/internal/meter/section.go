package meter

import "unicode/utf8"

// Magic and version 1 of the binary format.
const preamble = "\x00asm\x01\x00\x00\x00"

// Sections by their numbers in the format.
const (
	secCustom = iota
	secType
	secImport
	secFunc
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElem
	secCode
	secData
	secDataCount
	numSections
)

// place gives the order in which sections stand, which is not that of their
// numbers: the count of data segments comes before the code that names them.
var place = [numSections]int{secType: 1, secImport: 2, secFunc: 3, secTable: 4, secMemory: 5, secGlobal: 6,
	secExport: 7, secStart: 8, secElem: 9, secDataCount: 10, secCode: 11, secData: 12}

// sections cuts a module into its numbered sections and hands each custom one
// to custom, which may be nil.
func sections(module []byte, custom func(name string, body []byte)) (s [numSections][]byte, err error) {
	if len(module) > MaxModule {
		return s, refuse("%d bytes, over the limit of %d", len(module), MaxModule)
	}
	if len(module) < len(preamble) || string(module[:len(preamble)]) != preamble {
		return s, refuse("not a Wasm module of version 1: give what 'plexus plugin build' or a compiler wrote")
	}
	r := &reader{b: module, p: len(preamble)}
	last := 0
	for r.err == nil && r.p < len(module) {
		id := r.byte()
		body := r.bytes()
		switch {
		case r.err != nil:
		case id >= numSections:
			r.fail("section %d is not allowed", id)
		case id == secCustom:
			c := &reader{b: body}
			name := c.name()
			if c.err == nil && !utf8.ValidString(name) {
				c.fail("custom section name is not UTF-8")
			}
			if c.err != nil {
				return s, c.err
			}
			if custom != nil {
				custom(name, body[c.p:])
			}
		case place[id] <= last:
			r.fail("section %d stands in the wrong place", id)
		default:
			last = place[id]
			s[id] = body
			if body == nil {
				s[id] = []byte{}
			}
		}
	}
	return s, r.err
}

// Custom returns the bodies of the custom sections of that name.
func Custom(module []byte, name string) ([][]byte, error) {
	var found [][]byte
	_, err := sections(module, func(n string, body []byte) {
		if n == name {
			found = append(found, body)
		}
	})
	return found, err
}

// AppendCustom appends a custom section to a module.
func AppendCustom(module []byte, name string, body []byte) []byte {
	b := append(appendName(nil, name), body...)
	return appendSection(module, secCustom, b)
}

func appendSection(out []byte, id byte, body []byte) []byte {
	return append(appendU(append(out, id), len(body)), body...)
}
