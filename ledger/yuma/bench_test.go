package yuma

import (
	"fmt"
	"math/rand"
	"syscall"
	"testing"
)

// spent returns the processor time of this process, which a busy machine
// stretches less than it does the clock.
func spent(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// BenchmarkEpoch is one epoch of n uids of which v validate, all of them or 5 %
// of the pairs with a weight and a bond.
func BenchmarkEpoch(b *testing.B) {
	for _, size := range []struct{ n, v int }{{256, 64}, {1024, 256}, {4096, 1024}} {
		for _, part := range []int{100, 5} {
			in := largeInput(rand.New(rand.NewSource(1)), size.n, size.v, part)
			run := func(kind string) {
				b.Run(fmt.Sprintf("%dx%d/%d%%/%s", size.n, size.v, part, kind), func(b *testing.B) {
					b.ReportAllocs()
					before := spent(b)
					for b.Loop() {
						Epoch(in)
					}
					b.ReportMetric((spent(b)-before)/float64(b.N), "cpu-ms/op")
				})
			}
			run("classic")
			in.Yuma3 = true
			run("yuma3")
			in.LiquidAlpha, in.AlphaLow, in.AlphaHigh, in.Steepness = true, 45875, 58982, 1000
			run("liquid")
		}
	}
}
