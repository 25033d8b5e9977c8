// Command maths replies with what the SDK's mathematics gives for arguments drawn
// from a seed. The same module stands here in every language; their replies must
// be equal.
package main

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/abi"
	sdk "github.com/plexus-network/plexus/sdk-wasm/go"
)

func init() { sdk.Register(sdk.Module{Solve: solve}) }

func main() {}

func solve(r *abi.SolveRequest) ([]byte, error) {
	rnd := sdk.NewRand(r.Seed, 1)
	var out []byte
	put := func(v uint64) { out = binary.LittleEndian.AppendUint64(out, v) }
	for range 64 {
		x := rnd.Uint64()
		x >>= rnd.Uint64n(64)
		put(sdk.Log2(x))
		put(sdk.Exp(int64(rnd.Uint64n(60<<32)) - 30<<32))
		put(sdk.Sqrt(x))
		put(sdk.Isqrt(x))
		n := 1 + rnd.Intn(12)
		logits, values := make([]int64, n), make([]uint64, n)
		for i := range logits {
			logits[i] = int64(rnd.Uint64n(16<<32)) - 8<<32
		}
		for i := range values {
			values[i] = rnd.Uint64()
		}
		for _, v := range sdk.Softmax(logits) {
			put(v)
		}
		put(sdk.Quantile(values, rnd.Uint64n(1<<32+1)))
		a := make([]uint32, rnd.Intn(25))
		b := make([]uint32, rnd.Intn(25))
		for _, l := range [][]uint32{a, b} {
			for i := range l {
				l[i] = uint32(rnd.Intn(3))
			}
		}
		put(uint64(sdk.EditDistance(a, b)))
		for k := 1; k <= 4; k++ {
			put(uint64(sdk.NGramMatches(a, b, k)))
		}
		put(uint64(sdk.NGrams(len(a), 3)))
	}
	return out, nil
}
