package wasm

import (
	"compress/gzip"
	"encoding/binary"
	"io"
)

// Numbers of fields in pprof's messages, as its profile.proto has them.
const (
	profSampleType  = 1
	profSample      = 2
	profLocation    = 4
	profFunction    = 5
	profStrings     = 6
	profDefaultType = 14

	typeKind, typeUnit           = 1, 2
	sampleLocations, sampleValue = 1, 2
	locID, locLine               = 1, 4
	lineFunction                 = 1
	funcID, funcName, funcSystem = 1, 2, 3
)

// WriteTo writes the profile in the form that pprof reads: compressed, with the
// values fuel, calls and time of each stack, and fuel shown first.
func (p *Profile) WriteTo(w io.Writer) (int64, error) {
	z := &counting{w: w}
	zip := gzip.NewWriter(z)
	if _, err := zip.Write(p.encode()); err != nil {
		return z.n, err
	}
	return z.n, zip.Close()
}

type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (p *Profile) encode() []byte {
	var out message
	table := []string{""}
	at := map[string]uint64{"": 0}
	text := func(s string) uint64 {
		i, ok := at[s]
		if !ok {
			i = uint64(len(table))
			at[s] = i
			table = append(table, s)
		}
		return i
	}
	for _, t := range [][2]string{{"fuel", "units"}, {"calls", "count"}, {"time", "nanoseconds"}} {
		var m message
		m.number(typeKind, text(t[0]))
		m.number(typeUnit, text(t[1]))
		out.bytes(profSampleType, m)
	}
	// A function has one place, whose number is its own.
	functions := map[string]uint64{}
	var names []string
	for _, s := range p.Samples {
		var m, stack, values message
		for _, name := range s.Stack {
			id, ok := functions[name]
			if !ok {
				id = uint64(len(functions) + 1)
				functions[name] = id
				names = append(names, name)
			}
			stack = binary.AppendUvarint(stack, id)
		}
		for _, v := range []uint64{s.Fuel, s.Calls, uint64(s.Time.Nanoseconds())} {
			values = binary.AppendUvarint(values, v)
		}
		m.bytes(sampleLocations, stack)
		m.bytes(sampleValue, values)
		out.bytes(profSample, m)
	}
	for i, name := range names {
		id := uint64(i + 1)
		var line, loc, f message
		line.number(lineFunction, id)
		loc.number(locID, id)
		loc.bytes(locLine, line)
		out.bytes(profLocation, loc)
		f.number(funcID, id)
		f.number(funcName, text(name))
		f.number(funcSystem, text(name))
		out.bytes(profFunction, f)
	}
	out.number(profDefaultType, text("fuel"))
	for _, s := range table {
		out.bytes(profStrings, []byte(s))
	}
	return out
}

// message is a message of protocol buffers in the making.
type message []byte

func (m *message) number(field int, v uint64) {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3), v)
}

func (m *message) bytes(field int, b []byte) {
	*m = append(binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3|2), uint64(len(b))), b...)
}
