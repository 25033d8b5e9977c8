package schedule

import (
	"math"
	"slices"
	"testing"

	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

// The course is the same in every version: a miner may have learned from it.
func TestGolden(t *testing.T) {
	p := Prices([32]byte{1}, 3, 400)
	if got := []uint64{p[0], p[99], p[399]}; !slices.Equal(got, []uint64{4273246919, 4500920542, 5923147269}) {
		t.Errorf("%d", got)
	}
}

// What is done at a block depends on the block and the price alone, not on which
// blocks were asked about before.
func TestAt(t *testing.T) {
	a, b := New([32]byte{5}, 1), New([32]byte{5}, 1)
	for block := uint64(0); block < 3000; block++ {
		x := a.At(block, 0)
		if block%7 == 0 {
			if y := b.At(block, 0); x != y {
				t.Fatalf("block %d: %v, or %v", block, x, y)
			}
		}
	}
}

func TestRegimes(t *testing.T) {
	s := New([32]byte{9}, 2)
	blocks, noise := map[string]int{}, map[string]float64{}
	var lengths []int
	last, since := "", 0
	const n = 60000
	for block := range uint64(n) {
		m := s.At(block, 0)
		blocks[m.Regime]++
		noise[m.Regime] += float64(m.Noise) * float64(m.Noise)
		if since++; m.Regime != last {
			lengths, last, since = append(lengths, since), m.Regime, 0
		}
	}
	for _, r := range Regimes {
		if b := blocks[r.Name]; b < n/4*8/10 || b > n/4*12/10 {
			t.Errorf("%s for %d of %d blocks", r.Name, b, n)
		}
		if d := math.Sqrt(noise[r.Name] / float64(blocks[r.Name])); math.Abs(d/float64(r.Noise)-1) > 0.05 {
			t.Errorf("%s: deviation %.0f, want %d", r.Name, d, r.Noise)
		}
	}
	if slices.Min(lengths[1:]) < least {
		t.Errorf("a regime of %d blocks", slices.Min(lengths[1:]))
	}
}

// No price leaves its room by far, and two subnets do not move alike.
func TestRoom(t *testing.T) {
	var together, apart float64
	x, y := Prices([32]byte{3}, 1, 20000), Prices([32]byte{3}, 2, 20000)
	for i := range x {
		l := math.Log(float64(x[i]) / (1 << 32))
		if math.Abs(l) > 2*float64(room)/1e6 {
			t.Fatalf("block %d: price %.3f", i, math.Exp(l))
		}
		if i >= 3 {
			dx, dy := float64(x[i])/float64(x[i-3])-1, float64(y[i])/float64(y[i-3])-1
			together, apart = together+dx*dy, apart+(dx*dx+dy*dy)/2
		}
	}
	if r := together / apart; math.Abs(r) > 0.1 {
		t.Errorf("correlation %.2f", r)
	}
	s := New([32]byte{4}, 1)
	turned := 0
	for block := range uint64(2000) {
		if m, r := s.At(block, room+1), New([32]byte{4}, 1); m.Drift > 0 {
			t.Fatal("drift leads out of the room")
		} else if f := r.At(block, 0); f.Drift > 0 {
			turned++
			if m.Drift != -f.Drift {
				t.Fatal("drift was not turned round")
			}
		}
	}
	if turned == 0 {
		t.Error("it never rose")
	}
	if sdk.Exp(0) != 1<<32 {
		t.Error("a price begins at one")
	}
}
