package unit

import (
	"math"
	"math/big"
	"math/rand"
	"testing"
)

const prec = 300

func bigFloat(x float64) *big.Float { return new(big.Float).SetPrec(prec).SetFloat64(x) }

func bigFixed(a I32F32) *big.Float {
	f := new(big.Float).SetPrec(prec).SetInt64(int64(a))
	return f.SetMantExp(f, -32)
}

// bigExp sums the series of a 2^64th part of x and squares the result.
func bigExp(x *big.Float) *big.Float {
	y := new(big.Float).SetPrec(prec)
	y.SetMantExp(new(big.Float).SetPrec(prec).Set(x), -64)
	sum, term := bigFloat(1), bigFloat(1)
	for k := 1; k < 12; k++ { // |y| < 2^-58
		term.Mul(term, y).Quo(term, bigFloat(float64(k)))
		sum.Add(sum, term)
	}
	for range 64 {
		sum.Mul(sum, sum)
	}
	return sum
}

// bigLn finds the logarithm as the root of bigExp by Halley's method.
func bigLn(a *big.Float) *big.Float {
	guess, _ := a.Float64()
	y := bigFloat(math.Log(guess))
	for range 4 {
		e := bigExp(y)
		d := new(big.Float).SetPrec(prec).Sub(a, e)
		y.Add(y, d.Mul(d, bigFloat(2)).Quo(d, e.Add(e, a)))
	}
	return y
}

// unitsOff returns how far got is from want, in units of 2^-32.
func unitsOff(got I32F32, want *big.Float) float64 {
	d := new(big.Float).SetPrec(prec).Sub(bigFixed(got), want)
	f, _ := d.SetMantExp(d, 32).Float64()
	return math.Abs(f)
}

func TestReferenceOfPowersHolds(t *testing.T) {
	// e and ln 2 to 40 digits, so that the reference is not its own judge.
	for _, c := range []struct {
		got  *big.Float
		want string
	}{
		{bigExp(bigFloat(1)), "2.7182818284590452353602874713526624977572"},
		{bigExp(bigFloat(-20)), "0.0000000020611536224385578279659403801558209763758"},
		{bigLn(bigFloat(2)), "0.6931471805599453094172321214581765680755"},
	} {
		want, _, err := big.ParseFloat(c.want, 10, prec, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		d := new(big.Float).SetPrec(prec).Sub(c.got, want)
		if d.Abs(d).Cmp(bigFloat(1e-39)) > 0 {
			t.Errorf("%s, want %s", c.got.Text('g', 45), c.want)
		}
	}
}

func TestTableOfTwoPow64ths(t *testing.T) {
	for i, got := range twoPow64ths {
		x := new(big.Float).SetPrec(prec).Mul(bigLn(bigFloat(2)), bigFloat(float64(i)/64))
		want := bigExp(x)
		d := new(big.Float).SetPrec(prec).SetUint64(got)
		d.Sub(d, want.SetMantExp(want, 63))
		if off, _ := d.Float64(); math.Abs(off) > 0.5 {
			t.Errorf("entry %d is %g off", i, off)
		}
	}
}

// TestExpAgainstBig holds the stated bound, one unit, on random arguments, on
// those beside the seams of the table, and at the ends.
func TestExpAgainstBig(t *testing.T) {
	worst := 0.0
	check := func(a I32F32) {
		t.Helper()
		off := unitsOff(a.Exp(), bigExp(bigFixed(min(max(a, -expLimit), expLimit))))
		if worst = max(worst, off); off >= 1 {
			t.Fatalf("exp(%s) = %s is %.3f units off", a, a.Exp(), off)
		}
	}
	for _, a := range []I32F32{0, 1, -1, OneI32F32, -OneI32F32, expLimit, -expLimit, expLimit - 1, 1 - expLimit,
		expLimit + 1, -expLimit - 1, MaxI32F32, MinI32F32} {
		check(a)
	}
	for n := -1850; n <= 1850; n++ {
		seam, _ := new(big.Float).Mul(bigLn(bigFloat(2)), bigFloat(float64(n)*(1<<26))).Int64()
		for d := int64(-1); d <= 2; d++ {
			check(I32F32(seam + d))
		}
		if n > -1850 && n%50 != 0 {
			n += 6
		}
	}
	r := rand.New(rand.NewSource(5))
	for range 6000 {
		check(I32F32(r.Int63n(int64(2*expLimit))) - expLimit)
	}
	t.Logf("at most %.4f units of 2^-32 off", worst)
	if OneI32F32 != I32F32(0).Exp() {
		t.Errorf("exp(0) = %s", I32F32(0).Exp())
	}
}

// TestExpIsMonotone: a larger argument never has a smaller power, across every
// seam and among neighbours.
func TestExpIsMonotone(t *testing.T) {
	r := rand.New(rand.NewSource(6))
	for i := range 200_000 {
		a := I32F32(r.Int63n(int64(2*expLimit))) - expLimit
		b := a + 1
		if i%2 == 0 {
			b += I32F32(r.Int63n(1 << uint(r.Intn(38))))
		}
		if a.Exp() > b.Exp() {
			t.Fatalf("exp(%s) = %s > exp(%s) = %s", a, a.Exp(), b, b.Exp())
		}
	}
}

func TestLog2AgainstBig(t *testing.T) {
	worst := 0.0
	ln2 := bigLn(bigFloat(2))
	check := func(a I32F32) {
		t.Helper()
		off := unitsOff(a.Log2(), new(big.Float).SetPrec(prec).Quo(bigLn(bigFixed(a)), ln2))
		if worst = max(worst, off); off >= 0.501 {
			t.Fatalf("log2(%s) = %s is %.4f units off", a, a.Log2(), off)
		}
	}
	for e := range 63 {
		a := I32F32(1) << e
		if want := I32F32(e-32) * OneI32F32; a.Log2() != want {
			t.Errorf("log2(2^%d) = %s", e-32, a.Log2())
		}
		if a > 1 {
			check(a - 1)
			check(a + 1)
		}
	}
	check(MaxI32F32)
	r := rand.New(rand.NewSource(7))
	for range 1500 {
		if a := I32F32(edge64(r) >> 1); a > 0 {
			check(a)
		}
	}
	t.Logf("at most %.6f units of 2^-32 off", worst)
	if I32F32(0).Log2() != MinI32F32 || I32F32(-5).Log2() != MinI32F32 {
		t.Error("the logarithm of what is not above 0 does not saturate")
	}
}

func TestPowAgainstBig(t *testing.T) {
	worst, saturated, vanished := 0.0, 0, 0
	limit := bigFixed(MaxI32F32)
	check := func(a, b I32F32) {
		t.Helper()
		x := new(big.Float).SetPrec(prec).Mul(bigLn(bigFixed(a)), bigFixed(b))
		got := a.Pow(b)
		if x.Cmp(bigFloat(100)) > 0 || x.Cmp(bigFloat(-100)) < 0 { // beyond what bigExp is for
			if want := I32F32(0); x.Sign() < 0 && got != want || x.Sign() > 0 && got != MaxI32F32 {
				t.Fatalf("%s^%s = %s", a, b, got)
			}
			return
		}
		want := bigExp(x)
		if want.Cmp(limit) > 0 {
			if saturated++; got != MaxI32F32 {
				t.Fatalf("%s^%s = %s does not saturate", a, b, got)
			}
			return
		}
		if got == 0 {
			vanished++
		}
		if off := unitsOff(got, want); off >= 0.501 {
			t.Fatalf("%s^%s = %s is %.4f units off", a, b, got, off)
		} else {
			worst = max(worst, off)
		}
	}
	r := rand.New(rand.NewSource(8))
	for i := range 2500 {
		a, b := I32F32(edge64(r)>>1), I32F32(r.Int63n(int64(40*OneI32F32)))-20*OneI32F32
		switch i % 3 {
		case 0: // near 1 with a large exponent, as of a moving average
			a = OneI32F32 + I32F32(r.Int63n(1<<24)) - 1<<23
			b = I32F32(r.Int63n(1<<52)) - 1<<51
		case 1:
			a = I32F32(r.Int63n(int64(OneI32F32)))
			b = I32F32(edge64(r)) >> uint(r.Intn(40))
		}
		if a > 0 {
			check(a, b)
		}
	}
	t.Logf("at most %.6f units of 2^-32 off; %d saturated, %d were 0", worst, saturated, vanished)
	if saturated == 0 || vanished == 0 {
		t.Error("the arguments are one-sided")
	}
	half := OneI32F32 / 2
	for _, c := range []struct{ a, b, want I32F32 }{
		{0, 0, OneI32F32}, {0, OneI32F32, 0}, {0, -1, MaxI32F32}, {-3, OneI32F32, 0}, {MaxI32F32, 0, OneI32F32},
		{2 * OneI32F32, 30 * OneI32F32, 1 << 62}, {2 * OneI32F32, 31 * OneI32F32, MaxI32F32},
		{2 * OneI32F32, -32 * OneI32F32, 1}, {2 * OneI32F32, -34 * OneI32F32, 0}, {half, 2 * OneI32F32, OneI32F32 / 4},
		{4 * OneI32F32, half, 2 * OneI32F32}, {MaxI32F32, OneI32F32, MaxI32F32}, {1, MaxI32F32, 0}, {1, MinI32F32, MaxI32F32},
		{OneI32F32, MaxI32F32, OneI32F32}, {OneI32F32, MinI32F32, OneI32F32},
	} {
		if got := c.a.Pow(c.b); got != c.want {
			t.Errorf("%s^%s = %s, want %s", c.a, c.b, got, c.want)
		}
	}
}

func TestPowIntAgainstBig(t *testing.T) {
	r := rand.New(rand.NewSource(9))
	worst := 0.0
	for range 3000 {
		a, n := I32F32(r.Int63n(int64(OneI32F32)+1)), uint64(1+r.Intn(1<<uint(1+r.Intn(10))))
		if r.Intn(2) == 0 {
			a = OneI32F32 - a>>uint(r.Intn(20))
		}
		p := new(big.Int).Exp(big.NewInt(int64(a)), new(big.Int).SetUint64(n), nil)
		p.Rsh(p, uint(32*(n-1))) // rounded down
		below := p.Int64() - int64(a.PowInt(n))
		if worst = max(worst, float64(below)/float64(n)); below < 0 || below >= int64(n) {
			t.Fatalf("%s^%d is %d units below", a, n, below)
		}
	}
	t.Logf("at most %.3f·n units of 2^-32 below", worst)
	for _, c := range []struct {
		a    I32F32
		n    uint64
		want I32F32
	}{
		{0, 0, OneI32F32}, {-2 * OneI32F32, 3, -8 * OneI32F32}, {2 * OneI32F32, 30, 1 << 62},
		{2 * OneI32F32, 31, MaxI32F32}, {OneI32F32, math.MaxUint64, OneI32F32}, {OneI32F32 / 2, math.MaxUint64, 0},
	} {
		if got := c.a.PowInt(c.n); got != c.want {
			t.Errorf("%s^%d = %s, want %s", c.a, c.n, got, c.want)
		}
	}
}

var sink I32F32

func BenchmarkExp(b *testing.B) {
	b.ReportAllocs()
	x := I32F32(-expLimit)
	for b.Loop() {
		sink = x.Exp()
		if x += 12345678987; x > expLimit {
			x = -expLimit
		}
	}
}

func BenchmarkLog2(b *testing.B) {
	b.ReportAllocs()
	x := I32F32(1)
	for b.Loop() {
		sink = x.Log2()
		x = x*3&MaxI32F32 | 1
	}
}

func BenchmarkPow(b *testing.B) {
	b.ReportAllocs()
	x := OneI32F32
	for b.Loop() {
		sink = x.Pow(-3*OneI32F32 + 12345)
		x += 987654321
	}
}
