package wasm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/plugins/internal/meter"
)

// kernels are the workloads of testdata/kernels, by their numbers.
var kernels = []string{"fnv", "lev", "matmul", "sieve", "fib", "score"}

// variants are a module as it is and two rewritings of it.
var variants = []struct {
	name  string
	parts Parts
}{{"original", Parts{}}, {"fuel", Parts{NoDepth: true, NoNaN: true}}, {"all", Parts{}}}

// kernelGuest builds the kernels in one language, or skips without its tools.
func kernelGuest(t testing.TB, language string) []byte {
	t.Helper()
	code, err := plugins.Build(t.Context(), filepath.Join("testdata", "kernels", language), os.Stderr)
	if errors.Is(err, plugins.ErrTool) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// bare is a module in wazero with nothing of ours around it.
type bare struct {
	ctx  context.Context
	mod  api.Module
	call api.Function
}

func newBare(t testing.TB, code []byte) *bare {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features))
	t.Cleanup(func() { r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	mod, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	b := &bare{ctx, mod, mod.ExportedFunction(abi.ExportCall)}
	b.refill()
	if init := mod.ExportedFunction(abi.ExportInit); init != nil {
		if _, err := init.Call(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// refill sets the counters of a rewritten module.
func (b *bare) refill() {
	if g, ok := b.mod.ExportedGlobal(meter.ExportFuel).(api.MutableGlobal); ok {
		g.Set(1 << 40)
		b.mod.ExportedGlobal(meter.ExportDepth).(api.MutableGlobal).Set(meter.MaxDepth)
	}
}

// run runs one kernel.
func (b *bare) run(t testing.TB, kernel int) (sum uint64, took time.Duration) {
	t.Helper()
	b.refill()
	start := time.Now()
	res, err := b.call.Call(b.ctx, uint64(kernel), 0, 0)
	took = time.Since(start)
	if err != nil {
		t.Fatal(err)
	}
	return res[0], took
}

func rewritten(t testing.TB, code []byte) []*bare {
	t.Helper()
	var l []*bare
	for i, v := range variants {
		b := code
		if i > 0 {
			var err error
			if b, err = InstrumentWithout(code, plugins.DefaultLimits(), v.parts); err != nil {
				t.Fatal(err)
			}
		}
		l = append(l, newBare(t, b))
	}
	return l
}

// TestKernels: each kernel gives one number, in each language and however much of
// the rewriting is left out.
func TestKernels(t *testing.T) {
	want := map[int]uint64{}
	for _, language := range []string{"go", "c", "rust"} {
		t.Run(language, func(t *testing.T) {
			for i, b := range rewritten(t, kernelGuest(t, language)) {
				for k, name := range kernels {
					sum, _ := b.run(t, k)
					if _, ok := want[k]; !ok && sum != 0 {
						want[k] = sum
					}
					if sum != want[k] {
						t.Errorf("%s, %s: %d, before %d", name, variants[i].name, sum, want[k])
					}
				}
			}
		})
	}
}

// BenchmarkMeter prints what fuel alone, and fuel, depth and NaN together, add to
// the time of each kernel, and the geometric means. An iteration runs each kernel
// once in each variant, by turns, and the quickest of all counts, so that what
// else the machine does falls on all alike.
func BenchmarkMeter(b *testing.B) {
	for _, language := range []string{"c", "rust", "go"} {
		b.Run(language, func(b *testing.B) {
			all := rewritten(b, kernelGuest(b, language))
			best := make([][3]time.Duration, len(kernels))
			for b.Loop() {
				for k := range kernels {
					for v, m := range all {
						_, took := m.run(b, k)
						if best[k][v] == 0 || took < best[k][v] {
							best[k][v] = took
						}
					}
				}
			}
			var line strings.Builder
			var logs [3]float64
			for k, name := range kernels {
				fmt.Fprintf(&line, "%s %v", name, best[k][0].Round(10*time.Microsecond))
				for v := 1; v < 3; v++ {
					ratio := float64(best[k][v]) / float64(best[k][0])
					logs[v] += math.Log(ratio)
					fmt.Fprintf(&line, " %+.1f%%", 100*(ratio-1))
				}
				line.WriteString("; ")
			}
			b.Log(strings.TrimSuffix(line.String(), "; "))
			n := float64(len(kernels))
			b.ReportMetric(100*(math.Exp(logs[1]/n)-1), "fuel-%")
			b.ReportMetric(100*(math.Exp(logs[2]/n)-1), "all-%")
		})
	}
}
