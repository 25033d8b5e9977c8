package wasm

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// TestProfile: the fuel of all samples is the fuel of the calls, to the unit, and
// names do not change it.
func TestProfile(t *testing.T) {
	e, err := NewEngine(Config{CacheDir: cacheDir})
	if err != nil {
		t.Fatal(err)
	}
	named, err := plugins.BuildNamed(t.Context(), "testdata/guest", os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, in string
		module   []byte
		function string
	}{{"named", "r", named, "main.do"}, {"stripped", "r", guest(t), "plexus_call"}} {
		plain, err := load(t, c.module, false).Call(t.Context(), abi.OpSolve, []byte(c.in), [32]byte{})
		if err != nil {
			t.Fatal(err)
		}
		p, replies, err := e.Profile(t.Context(), c.module, []Request{{Op: abi.OpSolve, Input: []byte(c.in)}})
		if err != nil {
			t.Fatal(err)
		}
		var sum, calls uint64
		found := false
		for _, s := range p.Samples {
			sum += s.Fuel
			calls += s.Calls
			found = found || s.Stack[0] == c.function && s.Stack[len(s.Stack)-1] == "solve"
		}
		if len(replies) != 1 || replies[0].Fuel != plain.Fuel || sum != plain.Fuel {
			t.Errorf("%s: samples add up to %d, the call to %d, without a profile %d", c.name, sum, replies[0].Fuel, plain.Fuel)
		}
		if !found || calls < 100 {
			t.Errorf("%s: %s not found in %d calls", c.name, c.function, calls)
		}
		var out bytes.Buffer
		if n, err := p.WriteTo(&out); err != nil || n != int64(out.Len()) {
			t.Fatalf("%d of %d bytes: %v", n, out.Len(), err)
		}
		zip, err := gzip.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(zip)
		if err != nil || !bytes.Contains(text, []byte(c.function)) || !bytes.Contains(text, []byte("fuel")) {
			t.Errorf("%s: names are not in the profile: %v", c.name, err)
		}
	}
}

// TestProfileOfTrap: what a call used until it failed is shown.
func TestProfileOfTrap(t *testing.T) {
	e, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	module := spec{call: []byte{0x10, 4, 0x42, 0}, funcs: [][]byte{body(nil, []byte{0x41, 1, 0x1a, 0x00})}}.bytes()
	p, replies, err := e.Profile(t.Context(), module, []Request{{Op: abi.OpSolve}})
	if !plugins.IsGuest(err) || len(replies) != 0 {
		t.Fatalf("%d replies, %v", len(replies), err)
	}
	var stacks []string
	for _, s := range p.Samples {
		stacks = append(stacks, strings.Join(s.Stack, "<"))
	}
	if all := strings.Join(stacks, " "); !strings.Contains(all, "function 4<plexus_call<solve") {
		t.Errorf("stacks %s", all)
	}
	if _, _, err := e.Profile(t.Context(), []byte("no module"), nil); !plugins.IsGuest(err) {
		t.Errorf("not Wasm: %v", err)
	}
}

// TestInspect outlines a module, and says what it cannot read.
func TestInspect(t *testing.T) {
	o, err := Inspect(spec{imports: imports("random_get"), imported: 1, tables: table1, globals: []byte{1, 0x7e, 1, 0x42, 0, 0x0b},
		data: []byte{1, 0, 0x41, 0, 0x0b, 1, 0}}.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Functions) != 4 || o.Functions[2].Name != abi.ExportCall || o.Functions[2].Index != 3 || o.Tables != 1 || o.Globals != 1 ||
		o.Segments != 1 || o.Memory == nil || o.Memory.Min != 2 || len(o.Exports) != 5 || o.Exports[2].Type != "(i32) i32" {
		t.Errorf("%+v", o)
	}
	if len(o.Imports) != 1 || o.Imports[0].Name != "random_get" || o.Imports[0].Type != "(i32 i32) i32" {
		t.Errorf("imports %+v", o.Imports)
	}
	if n := len(o.Sections); o.Sections[n-1].Name != "custom "+abi.ManifestName {
		t.Errorf("sections %+v", o.Sections)
	}
	if _, err := Inspect([]byte("\x7fELF")); !plugins.IsGuest(err) {
		t.Errorf("not Wasm: %v", err)
	}
}

// FuzzInspect: an outline is made or refused, whatever the bytes.
func FuzzInspect(f *testing.F) {
	f.Add(spec{}.bytes())
	f.Add(cat(spec{}.bytes(), section(0, cat(text("name"), section(1, vec(cat([]byte{2}, text("call"))))))))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Inspect(b)
		if err != nil {
			return
		}
		size := 0
		for _, s := range o.Sections {
			size += s.Bytes
		}
		if size > len(b) || len(o.Functions) > len(b) {
			t.Fatalf("sections of %d bytes and %d functions in %d bytes", size, len(o.Functions), len(b))
		}
	})
}
