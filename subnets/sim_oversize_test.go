package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimOversize: a payload longer than the manifest allows is not taken.
func TestSimOversize(t *testing.T) {
	simulate(t, villain{
		miner: func(s *sim, x *exchange) {
			x.s.Send(x.announce(make([]byte, int(s.module.Manifest().Answer)+1+s.rand.IntN(1<<20))).Append(nil))
		},
		found: func(s *sim, t *testing.T) { s.statuses(t, evidence.Withheld) },
	})
}
