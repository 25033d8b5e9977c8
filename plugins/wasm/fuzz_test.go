package wasm

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// accepts reports whether the engine takes the bytes.
func accepts(b []byte) error {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer r.Close(ctx)
	_, err := r.CompileModule(ctx, b)
	return err
}

// FuzzInstrument: the gate never panics, and what it lets through the engine
// takes exactly when it would have taken the original.
func FuzzInstrument(f *testing.F) {
	f.Add(spec{}.bytes())
	f.Add(spec{imports: imports("random_get"), imported: 1, types: wasiTypes, tables: table1,
		elems: []byte{1, 0, 0x41, 0, 0x0b, 1, 0}, globals: []byte{1, 0x7e, 1, 0x42, 0, 0x0b}, start: 5,
		data: []byte{1, 0, 0x41, 0, 0x0b, 1, 0}, locals: []byte{1, 4, 0x7c},
		call:  cat([]byte{0x03, 0x40, 0x41, 0, 0x11, 0, 0, 0x20, 3, 0x20, 4, 0xa0, 0x21, 5, 0x41, 1, 0x40, 0, 0x0d, 0, 0x0b}, reply(8, 4)),
		funcs: [][]byte{body(nil, nested(0x04, 3))}}.bytes())
	f.Add(spec{types: [][]byte{{0x60, 0, 2, 0x7f, 0x7e}}, call: []byte{0x02, 4, 0x41, 1, 0x42, 2, 0x0f, 0x0b, 0x1a, 0x1a, 0x42, 0}}.bytes())
	lim := Limits{Pages: 64}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := Instrument(b, lim)
		if err != nil {
			return
		}
		if before, after := accepts(b), accepts(out); (before == nil) != (after == nil) {
			t.Fatalf("original %v, rewritten %v", before, after)
		}
	})
}

// FuzzProgram: random well-typed programs give the same on both engines, fuel
// included, and the same as the program that nobody rewrote.
func FuzzProgram(f *testing.F) {
	f.Add([]byte("a seed from which bytes are drawn as choices"))
	f.Add([]byte{20, 1, 9, 3, 200, 4, 4, 18, 7, 99, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	compiler, interpreter := bothEngines(f)
	f.Fuzz(func(t *testing.T, choices []byte) { checkProgram(t, compiler, interpreter, choices) })
}

// TestPrograms is a sample of FuzzProgram's cases, the same each time.
func TestPrograms(t *testing.T) {
	compiler, interpreter := bothEngines(t)
	random := rand.NewChaCha8([32]byte{7})
	ended := 0
	for range 100 {
		choices := make([]byte, 600)
		random.Read(choices)
		if checkProgram(t, compiler, interpreter, choices) {
			ended++
		}
	}
	if ended < 20 {
		t.Errorf("only %d of 100 programs ended by themselves", ended)
	}
}

func bothEngines(t testing.TB) (compiler, interpreter *Engine) {
	compiler, err := NewEngine(Config{})
	if err != nil {
		t.Fatal(err)
	}
	interpreter, err = NewEngine(Config{Interpreter: true})
	if err != nil {
		t.Fatal(err)
	}
	return compiler, interpreter
}

// checkProgram reports whether the program ended by itself.
func checkProgram(t *testing.T, compiler, interpreter *Engine, choices []byte) bool {
	t.Helper()
	man := testManifest()
	man.Fuel = 1e6
	module, bits := program(choices, &man)
	var first string
	var reply []byte
	ended := false
	for _, e := range []*Engine{compiler, interpreter} {
		m, err := e.Load(t.Context(), module)
		if err != nil {
			t.Fatalf("a valid program was refused: %v", err)
		}
		r, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{})
		got := outcome(r, err)
		reply, ended = r.Body, err == nil
		if err != nil && !plugins.IsGuest(err) {
			t.Fatal(err)
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = got
		} else if got != first {
			t.Fatalf("compiler %s, interpreter %s", ending(first), ending(got))
		}
	}
	// Unmetered it may not end at all, and shows the processor's NaN.
	if ended && !bits {
		if want := plain(t, module); !bytes.Equal(reply, want) {
			t.Fatalf("rewritten %x, original %x", reply, want)
		}
	}
	return ended
}

// ending is as much of an outcome as a person reads.
func ending(s string) string { return s[max(0, len(s)-200):] }

// plain runs the original and returns its reply.
func plain(t *testing.T, module []byte) []byte {
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features))
	defer r.Close(ctx)
	inst, err := r.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inst.ExportedFunction(abi.ExportInit).Call(ctx); err != nil {
		t.Fatal(err)
	}
	res, err := inst.ExportedFunction(abi.ExportCall).Call(ctx, uint64(abi.OpSolve), 256, 0)
	if err != nil {
		t.Fatal(err)
	}
	body, ok := inst.Memory().Read(uint32(res[0]>>32)+envelopeHead, uint32(res[0])-envelopeHead)
	if !ok {
		t.Fatal("reply out of range")
	}
	return body
}

// writer draws a well-typed program from choices. Locals 3..6 are i64, 7..8 f64.
type writer struct {
	choices []byte
	code    []byte
	depth   int  // blocks open, all without results
	bits    bool // the bits of floats are shown
	whole64 bool // integers alone, and divisors that are odd
}

func (w *writer) draw(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0])
	w.choices = w.choices[1:]
	return c % n
}

func (w *writer) put(b ...byte) { w.code = append(w.code, b...) }

// whole leaves an i64, real a f64.
func (w *writer) whole(deep int) {
	if deep == 0 || len(w.choices) == 0 {
		if w.draw(2) == 0 {
			w.put(0x20, byte(3+w.draw(4)))
		} else {
			w.put(0x42)
			w.put(sleb(int64(w.draw(256)) - 100)...)
		}
		return
	}
	kind := w.draw(7)
	if w.whole64 && kind >= 1 && kind <= 3 {
		kind = 5
	}
	switch kind {
	case 0:
		w.address()
		w.put(0x29, 3, 0)
	case 1: // a comparison of floats
		w.real(deep - 1)
		w.real(deep - 1)
		w.put(0x61+byte(w.draw(6)), 0xac)
	case 2: // a float without NaN bits that processors choose
		w.real(deep - 1)
		w.put(0xfc, 6)
	case 3: // all bits of a float: NaN must be canonical here
		w.real(deep - 1)
		if w.bits {
			w.put(0xbd) // reinterpret
		} else {
			w.put(0xfc, 7)
		}
	case 4:
		w.whole(deep - 1)
		w.put(0x79 + byte(w.draw(3)))
	default:
		w.whole(deep - 1)
		w.whole(deep - 1)
		op := []byte{0x7c, 0x7d, 0x7e, 0x83, 0x84, 0x85, 0x86, 0x88, 0x7f, 0x82}[w.draw(10)]
		if w.whole64 && (op == 0x7f || op == 0x82) {
			w.put(0x42, 1, 0x84)
		}
		w.put(op)
	}
}

func (w *writer) real(deep int) {
	if deep == 0 || len(w.choices) == 0 {
		w.put(0x20, byte(7+w.draw(2)))
		return
	}
	switch w.draw(4) {
	case 0:
		w.whole(deep - 1)
		w.put(0xb9) // convert
	case 1:
		w.real(deep - 1)
		w.put(0x9b + byte(w.draw(5))) // ceil .. sqrt
	default:
		w.real(deep - 1)
		w.real(deep - 1)
		w.put(0xa0 + byte(w.draw(6))) // add .. max
	}
}

func (w *writer) address() {
	w.put(0x41)
	w.put(sleb(int64(8 * w.draw(200)))...)
}

func (w *writer) statement() {
	kind := w.draw(12)
	if w.whole64 && kind <= 3 {
		kind = 0
	}
	switch kind {
	case 0, 1:
		w.whole(3)
		w.put(0x21, byte(3+w.draw(4)))
	case 2, 3:
		w.real(3)
		w.put(0x21, byte(7+w.draw(2)))
	case 4:
		w.address()
		w.whole(2)
		w.put(0x37, 3, 0)
	case 5, 6, 7: // block, loop, if
		if w.depth > 6 {
			return
		}
		kind := w.draw(3)
		if kind == 2 {
			w.whole(1)
			w.put(0xa7)
		}
		w.put(0x02+byte(kind), 0x40)
		w.depth++
		for range 1 + w.draw(4) {
			w.statement()
		}
		if kind == 2 && w.draw(2) == 0 {
			w.put(0x05)
			w.statement()
		}
		w.depth--
		w.put(0x0b)
	case 8: // br_if
		if w.depth > 0 {
			w.whole(2)
			w.put(0xa7, 0x0d, byte(w.draw(w.depth)))
		}
	case 9: // br_table or br, and something unreachable
		if w.depth > 1 {
			w.whole(1)
			w.put(0xa7, 0x0e, 1, byte(w.draw(w.depth)), byte(w.draw(w.depth)))
			w.statement()
		}
	case 10:
		w.put(0x10, byte(w.draw(5))/4*4) // plexus_abi_v1 or the function beside, which may be recursive
	case 11:
		w.address()
		w.put(0x41, byte(w.draw(64)), 0x41, byte(w.draw(32)), 0xfc, 11, 0)
	}
}

// program builds a module from choices. Its reply is its memory's beginning, so
// that everything computed shows.
func program(choices []byte, man *abi.Manifest) (module []byte, bits bool) {
	w := &writer{choices: choices}
	call, side := w.program()
	return assemble(call, side, man), w.bits
}

// program writes plexus_call and a function beside it.
func (w *writer) program() (call, side []byte) {
	w.bits = w.draw(2) == 1 && !w.whole64
	for range 12 {
		w.statement()
	}
	w.put(0x41)
	w.put(sleb(2048)...)
	w.put(0x20, 3, 0x37, 3, 0, 0x41)
	w.put(sleb(2048)...)
	if w.bits {
		w.put(0x20, 7, 0x39, 3, 8)
	} else {
		w.put(0x20, 7, 0xfc, 6, 0x37, 3, 8)
	}
	w.put(0x41)
	w.put(sleb(4096)...)
	w.put(0x41, 0, 0x36, 2, 0) // the status
	call = w.code
	w.code = nil
	for range 3 {
		w.statement()
	}
	call = cat(call, []byte{0x41}, sleb(4100), []byte{0x41, 0, 0x41}, sleb(2064), []byte{0xfc, 10, 0, 0}, reply(4096, 4+2064))
	return call, w.code
}

// assemble puts both into a module.
func assemble(call, side []byte, man *abi.Manifest) []byte {
	return spec{locals: []byte{2, 4, 0x7e, 2, 0x7c}, call: call, manifest: man,
		funcs: [][]byte{body([]byte{3, 3, 0x7f, 4, 0x7e, 2, 0x7c}, side)}}.bytes()
}
