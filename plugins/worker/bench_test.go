package worker

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// BenchmarkWorker is a call in a worker: one that carries nothing and one that
// carries a mebibyte there and back. plugins/wasm has the same calls in process.
func BenchmarkWorker(b *testing.B) {
	_, m := open(b, Config{})
	for _, c := range []struct {
		name string
		in   []byte
	}{{"empty", nil}, {"1MiB", append([]byte("e"), bytes.Repeat([]byte("x"), 1<<20)...)}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Call(b.Context(), abi.OpSolve, c.in, [32]byte{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
