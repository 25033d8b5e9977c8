package sdk

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

// The table of Exp and its other constant, recomputed.
func TestExpTable(t *testing.T) {
	x := new(big.Float).SetPrec(200).SetInt64(2)
	scale := new(big.Float).SetPrec(200).SetMantExp(big.NewFloat(1), 63)
	for i, c := range twoTo {
		x.Sqrt(x)
		if want, _ := new(big.Float).Mul(x, scale).Uint64(); want != c {
			t.Errorf("2^(2^-%d): %#x, want %#x", i+1, c, want)
		}
	}
	if d := float64(log2e)/(1<<63) - math.Log2E; math.Abs(d) > 1e-15 {
		t.Errorf("log2(e) is off by %g", d)
	}
}

func TestExp(t *testing.T) {
	check := func(x int64) {
		t.Helper()
		want := math.Exp(float64(x) / (1 << 32))
		got := float64(Exp(x)) / (1 << 32)
		if want >= 1<<32 {
			if Exp(x) != math.MaxUint64 {
				t.Fatalf("exp(%d) = %g, want the largest", x, got)
			}
			return
		}
		// A float64 carries the value to within one part in 2^50.
		if d := want - got; d < -want*1e-15 || d > want/(1<<38)+1.0/(1<<32) {
			t.Fatalf("exp(%g) = %.12g, want %.12g", float64(x)/(1<<32), got, want)
		}
	}
	r := NewRand([32]byte{2}, 0)
	for range 200_000 {
		check(int64(r.Uint64n(60<<32)) - 30<<32)
		check(int64(r.Uint64n(1<<32)) - 1<<31)
	}
	for _, x := range []int64{0, 1, -1, 1 << 32, -1 << 32, math.MaxInt64, math.MinInt64, 95265423098, 95265423099, 1<<37 - 1, -(1<<37 - 1)} {
		check(x)
	}
	if Exp(0) != 1<<32 {
		t.Errorf("exp(0) = %d", Exp(0))
	}
}

func TestRoots(t *testing.T) {
	r := NewRand([32]byte{3}, 0)
	for i := range 50_000 {
		x := r.Uint64() >> r.Intn(64)
		if i == 0 {
			x = math.MaxUint64
		}
		want := new(big.Int).Sqrt(new(big.Int).Lsh(new(big.Int).SetUint64(x), 32)).Uint64()
		if got := Sqrt(x); got != want {
			t.Fatalf("sqrt(%d) = %d, want %d", x, got, want)
		}
		if got, want := Isqrt(x), new(big.Int).Sqrt(new(big.Int).SetUint64(x)).Uint64(); got != want {
			t.Fatalf("isqrt(%d) = %d, want %d", x, got, want)
		}
	}
}

func TestSoftmax(t *testing.T) {
	r := NewRand([32]byte{4}, 0)
	for range 2000 {
		x := make([]int64, 1+r.Intn(20))
		var sum float64
		for i := range x {
			x[i] = int64(r.Uint64n(20<<32)) - 10<<32
			sum += math.Exp(float64(x[i]) / (1 << 32))
		}
		var total uint64
		for i, p := range Softmax(x) {
			total += p
			if want := math.Exp(float64(x[i])/(1<<32)) / sum; math.Abs(float64(p)/(1<<32)-want) > 1e-8 {
				t.Fatalf("%v: %d is %g, want %g", x, i, float64(p)/(1<<32), want)
			}
		}
		if total != 1<<32 {
			t.Fatalf("%v: sums to %d", x, total)
		}
	}
	if got := Softmax([]int64{math.MinInt64, math.MaxInt64}); !slices.Equal(got, []uint64{0, 1 << 32}) {
		t.Errorf("ends of the range: %v", got)
	}
	if Softmax(nil) != nil {
		t.Error("of nothing")
	}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		values []uint64
		q      uint64
		want   uint64
	}{
		{nil, 5, 0}, {[]uint64{7}, 1 << 31, 7}, {[]uint64{3, 1, 2}, 1 << 31, 2}, {[]uint64{4, 1, 2, 3}, 1 << 31, 2},
		{[]uint64{10, 0}, 1 << 30, 2}, {[]uint64{0, math.MaxUint64}, 1 << 31, math.MaxUint64 / 2},
		{[]uint64{5, 9}, 0, 5}, {[]uint64{5, 9}, 1 << 32, 9}, {[]uint64{5, 9}, math.MaxUint64, 9},
	} {
		before := slices.Clone(c.values)
		if got := Quantile(c.values, c.q); got != c.want || !slices.Equal(before, c.values) {
			t.Errorf("quantile(%v, %d) = %d, want %d", c.values, c.q, got, c.want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"abc", "abc", 0}} {
		if got := EditDistance([]byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%q %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestNGrams(t *testing.T) {
	for _, c := range []struct {
		a, b string
		n    int
		want int
	}{{"abab", "ab", 2, 1}, {"abab", "babab", 2, 3}, {"aaa", "aa", 1, 2}, {"abc", "abc", 4, 0}, {"abc", "cab", 2, 1}, {"abc", "abc", 0, 0}} {
		if got := NGramMatches([]byte(c.a), []byte(c.b), c.n); got != c.want {
			t.Errorf("%q %q %d: %d, want %d", c.a, c.b, c.n, got, c.want)
		}
	}
	if NGrams(3, 2) != 2 || NGrams(1, 2) != 0 || NGrams(3, 0) != 0 || NGrams(3, -1) != 0 {
		t.Error("counts")
	}
}
