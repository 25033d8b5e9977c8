package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

// stateful returns a module whose call adds one to a number wherever a module
// can keep one, grows its memory by a page, and replies with all of them.
func stateful(extra []byte, tables, elems []byte) spec {
	bump := func(get, set []byte) []byte { return cat(get, []byte{0x41, 1, 0x6a}, set) }
	return spec{
		globals: []byte{2, 0x7f, 1, 0x41, 5, 0x0b, 0x7e, 1, 0x42, 7, 0x0b}, tables: tables, elems: elems,
		// A word in the data, one beyond it, a global, and the size of the memory.
		data: []byte{1, 0, 0x41, 0xc0, 0, 0x0b, 4, 40, 0, 0, 0},
		call: cat(
			[]byte{0x41, 12}, bump([]byte{0x41, 0xc0, 0, 0x28, 2, 0}, nil), []byte{0x36, 2, 0},
			[]byte{0x41, 0xc0, 0}, []byte{0x41, 12, 0x28, 2, 0}, []byte{0x36, 2, 0},
			bump([]byte{0x23, 0}, []byte{0x24, 0}), []byte{0x41, 16, 0x23, 0, 0x36, 2, 0},
			[]byte{0x41, 20, 0x41, 1, 0x40, 0, 0x36, 2, 0},
			[]byte{0x41, 24, 0x3f, 0, 0x41, 16, 0x74, 0x41, 4, 0x6b, 0x28, 2, 0, 0x36, 2, 0}, // the last word of all
			[]byte{0x3f, 0, 0x41, 16, 0x74, 0x41, 4, 0x6b, 0x41, 9, 0x36, 2, 0},
			extra, reply(8, 20)),
	}
}

// TestCleanState: what a call leaves behind, the next does not find, whichever
// way the module keeps it, and whether the memory is mapped or copied.
func TestCleanState(t *testing.T) {
	setTable := []byte{0x41, 0, 0xd0, 0x70, 0x26, 0}
	dead := cat([]byte{0x41, 28}, []byte{0x41, 0, 0x25, 0, 0xd1}, []byte{0x36, 2, 0}) // is the table's entry gone?
	for _, c := range []struct {
		name  string
		spec  spec
		fresh bool
	}{
		{"memory and globals", stateful(nil, nil, nil), false},
		{"table", stateful(cat(dead, setTable), table1, []byte{1, 0, 0x41, 0, 0x0b, 1, 0}), true},
	} {
		for _, interpreter := range []bool{false, true} {
			m := load(t, c.spec.bytes(), interpreter)
			var first string
			for i := range 5 {
				got := outcome(m.Call(t.Context(), abi.OpSolve, nil, [32]byte{}))
				if i == 0 {
					first = got
				} else if got != first {
					t.Errorf("%s: call %d: %s, the first %s", c.name, i, got, first)
				}
			}
			if fresh := m.snap.img == nil; fresh != c.fresh || !fresh && len(m.idle) != 1 {
				t.Errorf("%s: fresh %v, %d idle", c.name, fresh, len(m.idle))
			}
		}
	}
}

// TestDirtyStateIndependence: a call's outcome does not depend on the calls
// before it, faults among them.
func TestDirtyStateIndependence(t *testing.T) {
	m := load(t, guest(t), false)
	inputs := []string{"ehello", "c", "g", "r", "G", "osome", "w", "sno", "pdirt", "x", "k", "n"}
	want := map[string]string{}
	for _, in := range inputs {
		want[in] = outcome(m.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{3}))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		in := inputs[random.IntN(len(inputs))]
		if got := outcome(m.Call(t.Context(), abi.OpSolve, []byte(in), [32]byte{3})); got != want[in] {
			t.Fatalf("call %d, %s: %.200s, before %.200s", i, in, got, want[in])
		}
	}
}

// TestStartFault: a module that does not start fails every call in the same
// way, and one that starts by a trap is not tried in vain.
func TestStartFault(t *testing.T) {
	m := load(t, spec{init: []byte{0x00}}.bytes(), false)
	var last *plugins.Fault
	for i := range 3 {
		_, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{byte(i)})
		var f *plugins.Fault
		if !errors.As(err, &f) || f.Kind != plugins.ErrTrap || f.Op != abi.OpSolve || last != nil && fmt.Sprint(f) != fmt.Sprint(last) {
			t.Fatalf("call %d: %v", i, err)
		}
		last = f
	}
}

// TestLinear holds both kinds of memory to the same behaviour.
func TestLinear(t *testing.T) {
	for name, mem := range map[string]linear{"of this system": newLinear(8 * wasmPage), "copied": newCopied(8 * wasmPage)} {
		t.Run(name, func(t *testing.T) {
			defer mem.Free()
			first := mem.Reallocate(2 * wasmPage)
			first[5], first[wasmPage] = 1, 2
			img, err := newImage(mem, first)
			if err != nil {
				t.Fatal(err)
			}
			defer img.close()
			if err := mem.adopt(img); err != nil {
				t.Fatal(err)
			}
			want := bytes.Clone(mem.Reallocate(2 * wasmPage))
			if want[5] != 1 || want[wasmPage] != 2 {
				t.Fatal("the image is not what was there")
			}
			for range 3 {
				buf := mem.Reallocate(5 * wasmPage)
				for _, i := range []int{0, 5, 2*wasmPage - 1, 2 * wasmPage, 5*wasmPage - 1} {
					buf[i] = 9
				}
				if err := mem.rewind(); err != nil {
					t.Fatal(err)
				}
				mem.settle()
				if got := mem.Reallocate(6 * wasmPage); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes after a rewind, or another content", len(got))
				}
				if rest := mem.Reallocate(6 * wasmPage)[2*wasmPage:]; !bytes.Equal(rest, make([]byte, len(rest))) {
					t.Fatal("grown memory is not zero")
				}
			}
			if mem.Reallocate(9*wasmPage) != nil {
				t.Error("grew beyond the bound")
			}
		})
	}
}

// TestFullMemory: a module whose memory stands at its bound after a call cannot
// be shrunk, and is made anew.
func TestFullMemory(t *testing.T) {
	man := testManifest()
	man.Pages = 3
	m := load(t, spec{manifest: &man, call: cat([]byte{0x41, 1, 0x40, 0, 0x1a, 0x41, 12, 0x3f, 0, 0x36, 2, 0}, reply(8, 8))}.bytes(), false)
	for i := range 4 {
		r, err := m.Call(t.Context(), abi.OpSolve, nil, [32]byte{})
		if err != nil || !bytes.Equal(r.Body, []byte{3, 0, 0, 0}) {
			t.Fatalf("call %d: %x %v", i, r.Body, err)
		}
	}
	if len(m.idle) != 0 {
		t.Error("a grown instance was kept")
	}
}
