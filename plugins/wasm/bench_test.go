package wasm

import (
	"testing"
	"time"

	"github.com/plexus-network/plexus/abi"
)

// benchGuests are the calls whose clean state is measured: a small guest, a Go
// guest that hardly writes, and one that grows its memory.
func benchGuests(b *testing.B, f func(b *testing.B, m *Module, in []byte)) {
	small := load(b, spec{call: cat([]byte{0x41, 0, 0x41, 1, 0x36, 2, 0}, reply(8, 4))}.bytes(), false)
	large := load(b, guest(b), false)
	for _, c := range []struct {
		name string
		m    *Module
		in   string
	}{{"small", small, ""}, {"go", large, "ehello"}, {"go-grows", large, "G"}, {"go-works", large, "g"}} {
		b.Run(c.name, func(b *testing.B) { f(b, c.m, []byte(c.in)) })
	}
}

// BenchmarkCall is a whole call, from and to a clean instance.
func BenchmarkCall(b *testing.B) {
	benchGuests(b, func(b *testing.B, m *Module, in []byte) {
		for b.Loop() {
			if _, err := m.Call(b.Context(), abi.OpSolve, in, [32]byte{1}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDirtyCall is the same call in one instance that is never put back:
// what it takes less than BenchmarkCall is the price of clean state.
func BenchmarkDirtyCall(b *testing.B) {
	benchGuests(b, func(b *testing.B, m *Module, input []byte) {
		in, err := m.take()
		if err != nil {
			b.Fatal(err)
		}
		defer in.close()
		for b.Loop() {
			if _, err := in.serve(abi.OpSolve, input, [32]byte{1}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkFreshCall makes a new instance for each call, as after a trap.
func BenchmarkFreshCall(b *testing.B) {
	benchGuests(b, func(b *testing.B, m *Module, input []byte) {
		if _, err := m.take(); err != nil { // empties the pool
			b.Fatal(err)
		}
		for b.Loop() {
			in, err := m.take()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := in.serve(abi.OpSolve, input, [32]byte{1}); err != nil {
				b.Fatal(err)
			}
			in.close()
		}
	})
}

// BenchmarkRewind is what going back to the first state takes after a call,
// without the pages that the next call has to fetch again.
func BenchmarkRewind(b *testing.B) {
	benchGuests(b, func(b *testing.B, m *Module, input []byte) {
		in, err := m.take()
		if err != nil {
			b.Fatal(err)
		}
		defer in.close()
		var spent time.Duration
		for b.Loop() {
			if _, err := in.serve(abi.OpSolve, input, [32]byte{1}); err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			if !in.rewind(m.snap) {
				b.Fatal("not usable again")
			}
			spent += time.Since(start)
		}
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "rewind-ns/op")
	})
}

// BenchmarkWarmLoad loads a module whose code lies in the cache.
func BenchmarkWarmLoad(b *testing.B) {
	for _, c := range []struct {
		name   string
		module []byte
	}{{"small", spec{}.bytes()}, {"go", guest(b)}} {
		load(b, c.module, false)
		e, err := NewEngine(Config{CacheDir: cacheDir})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				m, err := e.Load(b.Context(), c.module)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				m.Close(b.Context())
				b.StartTimer()
			}
		})
	}
}

// BenchmarkInstrument gates and meters a Go guest.
func BenchmarkInstrument(b *testing.B) {
	g := guest(b)
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		if _, err := Instrument(g, Limits{Pages: 1024}); err != nil {
			b.Fatal(err)
		}
		best = min(best, time.Since(start))
	}
	mib := float64(len(g)) / (1 << 20)
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/mib, "ms/MiB")
	b.ReportMetric(best.Seconds()*1000/mib, "quickest-ms/MiB")
}
