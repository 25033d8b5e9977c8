package selftest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strings"
	"testing"
)

// compute is what Go makes of a numeric instruction, by the bits of operands and
// result; ok is false for those that are left to the engines alone.
func compute(op byte, a, b uint64) (v uint64, ok bool) {
	flag := func(c bool) (uint64, bool) {
		if c {
			return 1, true
		}
		return 0, true
	}
	x, y := uint32(a), uint32(b)
	small := func(v uint32) (uint64, bool) { return uint64(v), true }
	f, g := math.Float64frombits(a), math.Float64frombits(b)
	p, q := math.Float32frombits(x), math.Float32frombits(y)
	double := func(v float64) (uint64, bool) {
		if v != v {
			return 0x7ff8000000000000, true
		}
		return math.Float64bits(v), true
	}
	single := func(v float32) (uint64, bool) {
		if v != v {
			return 0x7fc00000, true
		}
		return uint64(math.Float32bits(v)), true
	}
	switch op {
	case 0x45:
		return flag(x == 0)
	case 0x46:
		return flag(x == y)
	case 0x48:
		return flag(int32(x) < int32(y))
	case 0x49:
		return flag(x < y)
	case 0x4e:
		return flag(int32(x) >= int32(y))
	case 0x50:
		return flag(a == 0)
	case 0x53:
		return flag(int64(a) < int64(b))
	case 0x54:
		return flag(a < b)
	case 0x5b:
		return flag(p == q)
	case 0x63:
		return flag(f < g)
	case 0x67:
		return small(uint32(bits.LeadingZeros32(x)))
	case 0x68:
		return small(uint32(bits.TrailingZeros32(x)))
	case 0x69:
		return small(uint32(bits.OnesCount32(x)))
	case 0x6a:
		return small(x + y)
	case 0x6b:
		return small(x - y)
	case 0x6c:
		return small(x * y)
	case 0x6d:
		return small(uint32(int32(x) / int32(y)))
	case 0x6e:
		return small(x / y)
	case 0x6f:
		return small(uint32(int64(int32(x)) % int64(int32(y))))
	case 0x70:
		return small(x % y)
	case 0x74:
		return small(x << (y & 31))
	case 0x75:
		return small(uint32(int32(x) >> (y & 31)))
	case 0x76:
		return small(x >> (y & 31))
	case 0x77:
		return small(bits.RotateLeft32(x, int(y&31)))
	case 0x78:
		return small(bits.RotateLeft32(x, -int(y&31)))
	case 0x79:
		return uint64(bits.LeadingZeros64(a)), true
	case 0x7c:
		return a + b, true
	case 0x7d:
		return a - b, true
	case 0x7e:
		return a * b, true
	case 0x7f:
		return uint64(int64(a) / int64(b)), true
	case 0x80:
		return a / b, true
	case 0x82:
		return a % b, true
	case 0x86:
		return a << (b & 63), true
	case 0x87:
		return uint64(int64(a) >> (b & 63)), true
	case 0x89:
		return bits.RotateLeft64(a, int(b&63)), true
	case 0x92:
		return single(p + q)
	case 0x94:
		return single(p * q)
	case 0x9c:
		return double(math.Floor(f))
	case 0x9e:
		return double(math.RoundToEven(f))
	case 0x9f:
		return double(math.Sqrt(f))
	case 0xa0:
		return double(f + g)
	case 0xa2:
		return double(f * g)
	case 0xa3:
		return double(f / g)
	case 0xac:
		return uint64(int32(x)), true
	case 0xb6:
		return single(float32(f))
	case 0xb8:
		return double(float64(x))
	case 0xc0:
		return small(uint32(int8(x)))
	case 0xc4:
		return uint64(int32(x)), true
	}
	return 0, false
}

// TestRecordedArithmetic: what is recorded is what Go computes.
func TestRecordedArithmetic(t *testing.T) {
	compared := 0
	for _, n := range numerics() {
		var body []byte
		known := len(n.code) == 1
		for _, a := range edges[n.from] {
			for i, b := range edges[n.from] {
				if n.args == 1 && i > 0 || n.args == 2 && n.traps(a, b) {
					continue
				}
				v, ok := compute(n.code[0], a, b)
				known = known && ok
				body = binary.LittleEndian.AppendUint64(body, v)
			}
		}
		if !known {
			continue
		}
		compared++
		if want := fmt.Sprintf("instruction %s: fuel ", n.name); !strings.Contains(golden, want) {
			t.Errorf("%s has no outcome", n.name)
		}
		if want := fmt.Sprintf("reply %x", sha256.Sum256(body)); !strings.Contains(golden, want) {
			t.Errorf("%s: Go has another outcome", n.name)
		}
	}
	if compared < 45 {
		t.Errorf("only %d instructions compared", compared)
	}
}
