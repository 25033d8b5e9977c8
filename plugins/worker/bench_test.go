package worker

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/wasm"
)

// BenchmarkWorker is a call in a worker: one that carries nothing and one that
// carries a mebibyte there and back, beside the same calls in this process.
func BenchmarkWorker(b *testing.B) {
	_, m := open(b, Config{})
	g, _ := guest()
	e, err := wasm.NewEngine(wasm.Config{CacheDir: cacheDir})
	if err != nil {
		b.Fatal(err)
	}
	own, err := e.Load(b.Context(), g)
	if err != nil {
		b.Fatal(err)
	}
	defer own.Close(b.Context())
	for _, c := range []struct {
		name string
		in   []byte
	}{{"empty", nil}, {"1MiB", append([]byte("e"), bytes.Repeat([]byte("x"), 1<<20)...)}} {
		for _, where := range []struct {
			name string
			m    plugins.Caller
		}{{"worker", m}, {"in-process", own}} {
			b.Run(c.name+"/"+where.name, func(b *testing.B) {
				for b.Loop() {
					if _, err := where.m.Call(b.Context(), abi.OpSolve, c.in, [32]byte{}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
