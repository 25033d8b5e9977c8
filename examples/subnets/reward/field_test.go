package reward

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// each reads a payload as what its parts are worth, in 255ths.
func each(p []byte) []uint64 {
	if len(p) != 4 {
		return nil
	}
	out := make([]uint64, len(p))
	for i, b := range p {
		out[i] = uint64(b) * abi.One / 255
	}
	return out
}

func TestField(t *testing.T) {
	const full = 255
	for _, c := range []struct {
		name     string
		payloads [][]byte
		want     []float64
	}{
		{"none", nil, nil},
		{"no answer", [][]byte{nil, {1}, {1, 2, 3, 4, 5}}, []float64{0, 0, 0}},
		{"one, all right", [][]byte{{full, full, full, full}}, []float64{1}},
		{"one, nothing right", [][]byte{{0, 0, 0, 0}}, []float64{0}},
		// The first part is answered by all, the second by half, the third by one of
		// two, the last by none: weights 1, 2.5, 2.5, 4.
		{"two", [][]byte{{full, full, 0, 0}, {full, 0, full, 0}}, []float64{.35, .35}},
		// An answer sent thrice shifts nothing, nor does what is no answer.
		{"copies", [][]byte{{full, full, 0, 0}, {full, 0, full, 0}, {full, full, 0, 0}, {full, full, 0, 0}, {7}}, []float64{.35, .35, .35, .35, 0}},
		// What few can do pays more than what most can: weights 2, 2, 2, 3 of 9.
		{"the hard part", [][]byte{{full, full, full, 0}, {full, 0, 0, full}, {0, full, full, 0}}, []float64{6. / 9, 5. / 9, 4. / 9}},
	} {
		got := Field(c.payloads, 4, each)
		if len(got) != len(c.payloads) {
			t.Fatalf("%s: %d scores", c.name, len(got))
		}
		for i, want := range c.want {
			if s := float64(got[i]) / (1 << 32); math.Abs(s-want) > 1e-4 {
				t.Errorf("%s: answer %d scores %.5f, want %.5f", c.name, i, s, want)
			}
		}
	}
}

// Whatever the answers: another order gives the same scores, equal answers equal
// ones, none is above one, and whoever is better in one part and equal in all others
// is above.
func TestFieldHolds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		payloads := make([][]byte, 1+r.IntN(12))
		for i := range payloads {
			payloads[i] = []byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.IntN(256))}
			if i > 0 && r.IntN(4) == 0 {
				payloads[i] = slices.Clone(payloads[i-1])
			}
		}
		better := slices.Clone(payloads[0])
		if part := r.IntN(4); better[part] < 250 {
			better[part] += 6
			payloads = append(payloads, better)
		}
		scores := Field(payloads, 4, each)
		order := r.Perm(len(payloads))
		shuffled := make([][]byte, len(order))
		for i, k := range order {
			shuffled[i] = payloads[k]
		}
		again := Field(shuffled, 4, each)
		for i, k := range order {
			if again[i] != scores[k] || scores[k] > abi.One {
				t.Fatalf("%v: %d and %d", payloads[k], scores[k], again[i])
			}
			for j := range payloads {
				if slices.Equal(payloads[j], payloads[k]) && scores[j] != scores[k] {
					t.Fatal("equal answers have other scores")
				}
			}
		}
		if slices.Equal(payloads[len(payloads)-1], better) && !slices.Equal(better, payloads[0]) && scores[len(payloads)-1] <= scores[0] {
			t.Fatalf("%v scores %d, %v no more: %d", payloads[0], scores[0], better, scores[len(payloads)-1])
		}
	}
}

// The largest task and the largest round do not overflow.
func TestFieldLargest(t *testing.T) {
	const parts = 1024
	none, whole := make([]uint64, parts), make([]uint64, parts)
	for i := range whole {
		whole[i] = abi.One
	}
	payloads := make([][]byte, 4096)
	for i := range payloads {
		payloads[i] = []byte{byte(i), byte(i >> 8)}
	}
	scores := Field(payloads, parts, func(p []byte) []uint64 {
		if p[0] == 0 && p[1] == 0 {
			return whole
		}
		return none
	})
	if scores[0] != abi.One || scores[1] != 0 {
		t.Errorf("%d, %d", scores[0], scores[1])
	}
}
