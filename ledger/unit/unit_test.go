package unit

import (
	"errors"
	"math"
	"math/big"
	"math/rand"
	"testing"
)

func big64(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

func bigU128(v U128) *big.Int {
	b := big64(v.Hi)
	return b.Lsh(b, 64).Or(b, big64(v.Lo))
}

// edge64 draws values that sit at the borders of words more often than chance.
func edge64(r *rand.Rand) uint64 {
	switch r.Intn(6) {
	case 0:
		return uint64(r.Intn(4))
	case 1:
		return math.MaxUint64 - uint64(r.Intn(4))
	case 2:
		return 1<<uint(r.Intn(64)) - uint64(r.Intn(3))
	default:
		return r.Uint64() >> uint(r.Intn(64))
	}
}

func TestMulDivAgainstBig(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for i := 0; i < 50_000; i++ {
		a, b, c := edge64(r), edge64(r), edge64(r)
		got, ok := MulDivChecked(a, b, c)
		up, okUp := MulDivUp(a, b, c)
		if c == 0 {
			if ok || okUp || MulDiv(a, b, c) != 0 {
				t.Fatalf("%d·%d/0 accepted", a, b)
			}
			continue
		}
		q, m := new(big.Int).DivMod(new(big.Int).Mul(big64(a), big64(b)), big64(c), new(big.Int))
		if ok != q.IsUint64() || (ok && got != q.Uint64()) {
			t.Fatalf("%d·%d/%d: %d %v, want %s", a, b, c, got, ok, q)
		}
		if !ok && MulDiv(a, b, c) != math.MaxUint64 {
			t.Fatalf("%d·%d/%d does not saturate", a, b, c)
		}
		if m.Sign() > 0 {
			q.Add(q, big.NewInt(1))
		}
		if okUp != q.IsUint64() || (okUp && up != q.Uint64()) {
			t.Fatalf("⌈%d·%d/%d⌉: %d %v, want %s", a, b, c, up, okUp, q)
		}
	}
}

func TestU128AgainstBig(t *testing.T) {
	r := rand.New(rand.NewSource(2))
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	for i := 0; i < 100_000; i++ {
		a, b, c := U128{edge64(r), edge64(r)}, U128{edge64(r), edge64(r)}, U128{edge64(r), edge64(r)}
		if r.Intn(3) == 0 {
			a.Hi = 0
		}
		if r.Intn(3) == 0 {
			c.Hi = 0
		}
		A, B, C := bigU128(a), bigU128(b), bigU128(c)
		if a.Cmp(b) != A.Cmp(B) {
			t.Fatalf("cmp %v %v", a, b)
		}
		s, ok := a.Add(b)
		if S := new(big.Int).Add(A, B); ok != (S.Cmp(limit) < 0) || (ok && bigU128(s).Cmp(S) != 0) {
			t.Fatalf("%v+%v = %v %v", a, b, s, ok)
		}
		d, ok := a.Sub(b)
		if D := new(big.Int).Sub(A, B); ok != (D.Sign() >= 0) || (ok && bigU128(d).Cmp(D) != 0) {
			t.Fatalf("%v-%v = %v %v", a, b, d, ok)
		}
		q, m, ok := MulDiv128(a, b, c)
		if C.Sign() == 0 {
			if ok {
				t.Fatal("division by 0 accepted")
			}
			continue
		}
		Q, M := new(big.Int).DivMod(new(big.Int).Mul(A, B), C, new(big.Int))
		if ok != (Q.Cmp(limit) < 0) || (ok && (bigU128(q).Cmp(Q) != 0 || bigU128(m).Cmp(M) != 0)) {
			t.Fatalf("%v·%v/%v = %v rem %v %v, want %s rem %s", a, b, c, q, m, ok, Q, M)
		}
		p, err := ParseU128(a.String())
		if err != nil || p != a {
			t.Fatalf("%v parsed as %v, %v", a, p, err)
		}
	}
	for _, bad := range []string{"", "-1", "+1", "01", "1 ", "0x1", limit.String()} {
		if _, err := ParseU128(bad); !errors.Is(err, ErrAmount) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func clampBig(v *big.Int, lo, hi *big.Int) *big.Int {
	if v.Cmp(lo) < 0 {
		return lo
	}
	if v.Cmp(hi) > 0 {
		return hi
	}
	return v
}

func TestI32F32AgainstBig(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	lo, hi := big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	for i := 0; i < 100_000; i++ {
		a, b := I32F32(edge64(r)), I32F32(edge64(r))
		A, B := big.NewInt(int64(a)), big.NewInt(int64(b))
		check := func(op string, got I32F32, want *big.Int) {
			if want = clampBig(want, lo, hi); big.NewInt(int64(got)).Cmp(want) != 0 {
				t.Fatalf("%d %s %d = %d, want %s", a, op, b, got, want)
			}
		}
		check("+", a.Add(b), new(big.Int).Add(A, B))
		check("-", a.Sub(b), new(big.Int).Sub(A, B))
		product := new(big.Int).Mul(A, B)
		check("·", a.Mul(b), product.Rsh(product, 32)) // Rsh floors
		if b == 0 {
			check("/", a.Div(b), new(big.Int))
		} else {
			check("/", a.Div(b), new(big.Int).Quo(new(big.Int).Lsh(A, 32), B))
		}
	}
}

func TestI32F32Values(t *testing.T) {
	for _, c := range []struct {
		got  I32F32
		want string
	}{
		{U16Ratio(32767), "0.4999923703"},
		{U16Ratio(65535), "1.0000000000"},
		{Ratio(1, 10), "0.0999999998"},
		{Ratio(1, 0), "0.0000000000"},
		{Ratio(1<<63, 1), "2147483647.9999999997"},
		{-OneI32F32 / 4, "-0.2500000000"},
		{I32F32From(1 << 40), "2147483647.9999999997"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%d: %s, want %s", int64(c.got), c.got, c.want)
		}
	}
	if v := U16Ratio(65535).U16Share(); v != 65535 {
		t.Errorf("share of 1: %d", v)
	}
	if v := (OneI32F32 / 2).U16Share(); v != 32767 {
		t.Errorf("share of 1/2: %d", v)
	}
	if v := (-OneI32F32).U16Share(); v != 0 {
		t.Errorf("share of -1: %d", v)
	}
	if v := Ratio(1, 10).Of(1_000_000_000); v != 99_999_999 {
		t.Errorf("a tenth of 1e9: %d", v) // 0.1 truncates in 32 bits
	}
	if (-OneI32F32).Of(5) != 0 || (-OneI32F32).Weight() != 0 {
		t.Error("a negative part is something")
	}
}

func TestU96F32AgainstBig(t *testing.T) {
	r := rand.New(rand.NewSource(4))
	max := bigU128(MaxU128)
	for i := 0; i < 50_000; i++ {
		a, b := U96F32{edge64(r), edge64(r)}, U96F32{edge64(r) >> uint(r.Intn(64)), edge64(r)}
		A, B := bigU128(U128(a)), bigU128(U128(b))
		check := func(op string, got U96F32, want *big.Int) {
			if want = clampBig(want, new(big.Int), max); bigU128(U128(got)).Cmp(want) != 0 {
				t.Fatalf("%v %s %v = %v, want %s", a, op, b, got, want)
			}
		}
		check("+", a.Add(b), new(big.Int).Add(A, B))
		check("-", a.Sub(b), new(big.Int).Sub(A, B))
		p := new(big.Int).Mul(A, B)
		check("·", a.Mul(b), p.Rsh(p, 32))
		if B.Sign() == 0 {
			check("/", a.Div(b), new(big.Int))
		} else {
			check("/", a.Div(b), new(big.Int).Quo(new(big.Int).Lsh(A, 32), B))
		}
		v := r.Uint64()
		if U96F32From(v).Floor() != v {
			t.Fatalf("%d does not survive", v)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		pot     uint64
		weights []uint64
		want    []uint64
	}{
		{10, nil, nil},
		{10, []uint64{0, 0}, []uint64{0, 0}},
		{0, []uint64{1, 2}, []uint64{0, 0}},
		{10, []uint64{1, 1, 1}, []uint64{4, 3, 3}},      // tie to the lower index
		{1, []uint64{3, 2}, []uint64{1, 0}},             // the larger remainder
		{2, []uint64{1, 0, 1, 1}, []uint64{1, 0, 1, 0}}, // zero weights get nothing
		{100, []uint64{5, 1}, []uint64{83, 17}},         // 83.33 and 16.67
		{math.MaxUint64, []uint64{1}, []uint64{math.MaxUint64}},
		{10, []uint64{math.MaxUint64, math.MaxUint64}, []uint64{5, 5}},
		{math.MaxUint64, []uint64{math.MaxUint64, math.MaxUint64}, []uint64{1 << 63, 1<<63 - 1}},
	} {
		got := Split(c.pot, c.weights)
		if len(got) != len(c.want) {
			t.Fatalf("%v: %v", c, got)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("Split(%d, %v) = %v, want %v", c.pot, c.weights, got, c.want)
				break
			}
		}
	}
}

// TestSplitExact holds for random splits: the sum is the pot, and nobody is
// more than one unit from the exact part.
func TestSplitExact(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for i := 0; i < 3000; i++ {
		w := make([]uint64, 1+r.Intn(40))
		sum := new(big.Int)
		for j := range w {
			if r.Intn(4) > 0 {
				w[j] = edge64(r)
			}
			sum.Add(sum, big64(w[j]))
		}
		pot := edge64(r)
		if sum.Sign() == 0 {
			continue
		}
		total := new(big.Int)
		for j, part := range Split(pot, w) {
			total.Add(total, big64(part))
			q, m := new(big.Int).DivMod(new(big.Int).Mul(big64(pot), big64(w[j])), sum, new(big.Int))
			over := new(big.Int).Sub(big64(part), q)
			if over.Sign() < 0 || over.Cmp(big.NewInt(1)) > 0 || (over.Sign() > 0 && m.Sign() == 0) {
				t.Fatalf("Split(%d, %v)[%d] = %d, exact %s", pot, w, j, part, q)
			}
		}
		if total.Cmp(big64(pot)) != 0 {
			t.Fatalf("Split(%d, %v) sums to %s", pot, w, total)
		}
	}
}

func TestAmountText(t *testing.T) {
	for _, c := range []struct {
		in   string
		want TAO
		text string
	}{
		{"12.5 TAO", 12_500_000_000, "12.5 TAO"},
		{"0", 0, "0 TAO"},
		{"0.000000001", 1, "0.000000001 TAO"},
		{"18446744073.709551615", math.MaxUint64, "18446744073.709551615 TAO"},
		{" 007.10  TAO ", 7_100_000_000, "7.1 TAO"},
	} {
		got, err := ParseTAO(c.in)
		if err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%q: %d %q %v", c.in, got, got, err)
		}
	}
	for _, bad := range []string{"", ".", "1.", ".5", "-1", "+1", "1e9", "1,5", "0.0000000001",
		"18446744073.709551616", "99999999999999999999", "1 alpha", "1TAO", "1 TAO x", "٣"} {
		if v, err := ParseTAO(bad); !errors.Is(err, ErrAmount) {
			t.Errorf("%q: %d %v", bad, v, err)
		}
	}
	if a, err := ParseAlpha("2.25 alpha"); err != nil || a != 2_250_000_000 || a.String() != "2.25 alpha" {
		t.Errorf("alpha: %v %v", a, err)
	}
	if _, err := ParseAlpha("1 TAO"); !errors.Is(err, ErrAmount) {
		t.Errorf("alpha accepts TAO: %v", err)
	}
}

func TestAmountsAreChecked(t *testing.T) {
	if _, ok := TAO(math.MaxUint64).Add(1); ok {
		t.Error("TAO wraps")
	}
	if _, ok := TAO(1).Sub(2); ok {
		t.Error("TAO goes below 0")
	}
	if _, ok := Alpha(math.MaxUint64).Add(1); ok {
		t.Error("alpha wraps")
	}
	if _, ok := Alpha(1).Sub(2); ok {
		t.Error("alpha goes below 0")
	}
	if s, ok := TAO(2).Add(3); !ok || s != 5 {
		t.Error("2+3")
	}
	if s, ok := Alpha(7).Sub(3); !ok || s != 4 {
		t.Error("7-3")
	}
}

func TestPrice(t *testing.T) {
	half := PriceOf(1, 2)
	if half.String() != "0.5" || half.TAO(10) != 5 || half.Alpha(5) != 10 || half.Nano() != 500_000_000 {
		t.Errorf("half: %s %d %d %d", half, half.TAO(10), half.Alpha(5), half.Nano())
	}
	if third := PriceOf(1, 3); third.TAO(3) != 0 || third.TAO(4) != 1 || third.Cmp(half) >= 0 {
		t.Errorf("a third rounds up: %s", third)
	}
	if PriceOf(5, 0) != (Price{}) || (Price{}).Alpha(3) != 0 {
		t.Error("price without alpha")
	}
	if PriceOf(math.MaxUint64, 1).TAO(2) != math.MaxUint64 {
		t.Error("worth does not saturate")
	}
	if PriceOf(1, math.MaxUint64).Alpha(math.MaxUint64) != math.MaxUint64 {
		t.Error("amount does not saturate")
	}
	if PriceOf(3, 2).I32F32() != OneI32F32*3/2 || PriceOf(math.MaxUint64, 1).I32F32() != MaxI32F32 {
		t.Error("narrowing")
	}
	if p, err := ParsePrice("0.025"); err != nil || p.Nano() != 25_000_000-1 && p.Nano() != 25_000_000 {
		t.Errorf("parse: %v %v", p, err)
	}
	if _, err := ParsePrice("x"); !errors.Is(err, ErrAmount) {
		t.Errorf("parse x: %v", err)
	}
	r := rand.New(rand.NewSource(6))
	for i := 0; i < 20_000; i++ {
		a, tao, alpha := edge64(r), edge64(r), edge64(r)
		p := PriceOf(TAO(tao), Alpha(alpha))
		if alpha == 0 {
			continue
		}
		raw := new(big.Int).Quo(new(big.Int).Lsh(big64(tao), 64), big64(alpha))
		if bigU128(U128(p)).Cmp(raw) != 0 {
			t.Fatalf("%d/%d = %v", tao, alpha, p)
		}
		worth := new(big.Int).Mul(raw, big64(a))
		if worth.Rsh(worth, 64); worth.IsUint64() && uint64(p.TAO(Alpha(a))) != worth.Uint64() {
			t.Fatalf("%d at %v = %d, want %s", a, p, p.TAO(Alpha(a)), worth)
		}
		if raw.Sign() > 0 {
			buys := new(big.Int).Quo(new(big.Int).Lsh(big64(a), 64), raw)
			if buys.IsUint64() && uint64(p.Alpha(TAO(a))) != buys.Uint64() {
				t.Fatalf("%d buys at %v %d, want %s", a, p, p.Alpha(TAO(a)), buys)
			}
		}
	}
}

func FuzzParseTAO(f *testing.F) {
	for _, s := range []string{"12.5 TAO", "0", "1.", "18446744073.709551616", " 1  TAO"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseTAO(s)
		if err != nil {
			return
		}
		if again, err := ParseTAO(v.String()); err != nil || again != v {
			t.Fatalf("%q -> %s -> %d %v", s, v, again, err)
		}
	})
}
