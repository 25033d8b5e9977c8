package conform

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
)

func check(t *testing.T, code []byte) *Report {
	t.Helper()
	r, err := Check(t.Context(), code, Options{Seeds: 2})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// handmade is a hand-made solver: solve gives the envelope at 64, which holds the
// data.
type handmade struct {
	imports  []byte
	imported int
	drop     string // an export to leave out
	swap     bool   // plexus_alloc has the type of the marker
	call     []byte // instructions of plexus_call; empty returns the data
	data     []byte
	ops      []abi.Op
}

func uleb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

func join(parts ...[]byte) (b []byte) {
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func vec(items ...[]byte) []byte { return append(uleb(len(items)), join(items...)...) }

func section(id byte, body []byte) []byte {
	if body == nil {
		return nil
	}
	return join([]byte{id}, uleb(len(body)), body)
}

func name(s string) []byte { return append(uleb(len(s)), s...) }

// where is a reply's place and size as the result of plexus_call.
func where(at, size uint32) []byte {
	b, v := []byte{0x42}, int64(uint64(at)<<32|uint64(size))
	for {
		c := byte(v & 0x7f)
		if v >>= 7; v == 0 && c < 0x40 || v == -1 && c >= 0x40 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func (w handmade) bytes(t *testing.T) []byte {
	t.Helper()
	if w.call == nil {
		w.call = where(64, uint32(len(w.data)))
	}
	var exports [][]byte
	for i, e := range []string{abi.ExportMarker, abi.ExportAlloc, abi.ExportCall} {
		if e != w.drop {
			exports = append(exports, join(name(e), []byte{0}, uleb(w.imported+i)))
		}
	}
	exports = append(exports, join(name(abi.ExportMemory), []byte{2, 0}))
	alloc, code := byte(1), []byte{0, 0x41, 0x80, 0x08, 0x0b} // 1024
	if w.swap {
		alloc, code = 0, []byte{0, 0x0b}
	}
	body := func(b []byte) []byte { return append(uleb(len(b)), b...) }
	module := join([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vec([]byte{0x60, 0, 0}, []byte{0x60, 1, 0x7f, 1, 0x7f}, []byte{0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7e}, []byte{0x60, 2, 0x7f, 0x7f, 1, 0x7f})),
		section(2, w.imports), section(3, vec([]byte{0}, []byte{alloc}, []byte{2})), section(5, []byte{1, 0, 8}), section(7, vec(exports...)),
		section(10, vec(body([]byte{0, 0x0b}), body(code), body(join([]byte{0}, w.call, []byte{0x0b})))),
		section(11, vec(join([]byte{0, 0x41, 0xc0, 0, 0x0b}, name(string(w.data))))))
	ops := w.ops
	if ops == nil {
		ops = []abi.Op{abi.OpTask, abi.OpScore, abi.OpRank}
	}
	code, err := plugins.AppendManifest(module, abi.Manifest{Name: "t", Version: "1", Meter: plugins.MeterVersion, Ops: ops, Fuel: 1e6, Pages: 8, Answer: 64, Licence: "MIT",
		Capabilities: []string{abi.CapLog, abi.CapRandom}})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestBrokenModulesFail(t *testing.T) {
	task := abi.Task{Public: []byte("p")}
	ok := append(make([]byte, 4), task.Append(nil)...)
	whole := handmade{data: ok}.bytes(t)
	random := join(uleb(1), name("wasi_snapshot_preview1"), name("random_get"), []byte{0, 3})
	for _, c := range []struct {
		name, fails, says string
		code              []byte
	}{
		{"not Wasm", "manifest", "", []byte("#!/bin/sh\n")},
		{"nothing", "manifest", "", nil},
		{"cut", "manifest", "", whole[:len(whole)-9]},
		{"no manifest", "manifest", "0 sections", whole[:len(handmade{data: ok}.bytes(t))-len(manifestOf(t, whole))]},
		{"no allocator", "gate", abi.ExportAlloc, handmade{data: ok, drop: abi.ExportAlloc}.bytes(t)},
		{"no marker", "gate", abi.ExportMarker, handmade{data: ok, drop: abi.ExportMarker}.bytes(t)},
		{"no call", "gate", abi.ExportCall, handmade{data: ok, drop: abi.ExportCall}.bytes(t)},
		{"allocator of another type", "gate", abi.ExportAlloc, handmade{data: ok, swap: true}.bytes(t)},
		{"unknown import", "gate", "fly", handmade{data: ok, imported: 1, imports: join(uleb(1), name("env"), name("fly"), []byte{0, 0})}.bytes(t)},
		{"reply out of memory", "rounds", "", handmade{call: where(8<<16, 4)}.bytes(t)},
		{"reply over the edge", "rounds", "", handmade{call: where(8<<16-2, 4)}.bytes(t)},
		{"reply that wraps", "rounds", "", handmade{call: where(1<<32-1, 8)}.bytes(t)},
		{"reply too large", "rounds", "", handmade{call: where(64, 1<<32-1)}.bytes(t)},
		{"reply without status", "rounds", "", handmade{call: where(64, 2)}.bytes(t)},
		{"reply of another message", "rounds", "", handmade{data: []byte{0, 0, 0, 0, 1}}.bytes(t)},
		{"refuses everything", "rounds", "refused", handmade{data: []byte{1, 0, 0, 0}}.bytes(t)},
		{"traps", "rounds", "trapped", handmade{call: []byte{0x00}}.bytes(t)},
		{"never ends", "rounds", "fuel", handmade{call: append([]byte{0x03, 0x40, 0x0c, 0x00, 0x0b}, where(64, 4)...)}.bytes(t)},
		{"scores are missing", "rounds", "score", handmade{data: ok}.bytes(t)},
		{"takes anything", "rubbish", "took", handmade{data: []byte{0, 0, 0, 0, 'x'}, ops: []abi.Op{abi.OpCheck, abi.OpSolve}}.bytes(t)},
		{"no operation for subnets", "operations", "task", handmade{data: ok, ops: []abi.Op{abi.OpScore}}.bytes(t)},
		{"a coin", "host's seed", "another reply", handmade{imported: 1, imports: random, ops: []abi.Op{abi.OpRender},
			call: join([]byte{0x41, 0xc4, 0, 0x41, 8, 0x10, 0, 0x1a}, where(64, 12)), data: make([]byte, 12)}.bytes(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := check(t, c.code)
			if r.OK() {
				t.Fatalf("conforms: %+v", r.Findings)
			}
			for _, f := range r.Findings {
				if f.Verdict == Failed && f.Check == c.fails && strings.Contains(f.Detail, c.says) {
					return
				}
			}
			t.Errorf("want %s to fail with %q: %+v", c.fails, c.says, r.Findings)
		})
	}
}

// manifestOf is the section that AppendManifest put at the end.
func manifestOf(t *testing.T, code []byte) []byte {
	t.Helper()
	m, err := plugins.ReadManifest(code)
	if err != nil {
		t.Fatal(err)
	}
	body := append(name(abi.ManifestName), m.Append(nil)...)
	return section(0, body)
}
