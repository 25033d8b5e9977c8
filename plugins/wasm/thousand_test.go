package wasm

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
)

// TestThousandCalls: a thousand calls on the compiler and twenty on the
// interpreter show one output, one log and one fuel value.
func TestThousandCalls(t *testing.T) {
	var want string
	for _, c := range []struct {
		interpreter bool
		calls       int
	}{{false, 1000}, {true, 20}} {
		m := load(t, guest(t), c.interpreter)
		for i := range c.calls {
			r, err := m.Call(t.Context(), abi.OpSolve, []byte("r"), [32]byte{9})
			if err != nil {
				t.Fatal(err)
			}
			if got := outcome(r, err); want == "" {
				want = got
				t.Logf("fuel %d", r.Fuel)
			} else if got != want {
				t.Fatalf("interpreter %v, call %d: %.300s\nwant %.300s", c.interpreter, i, got, want)
			}
		}
	}
}
