package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimProof: a validator that uses the proof of another round, and so could
// choose between tasks, is named with the round.
func TestSimProof(t *testing.T) {
	simulate(t, villain{
		tamper: func(s *sim, b *evidence.Bundle) {
			s.where = 1 + s.rand.IntN(len(b.Rounds)-1)
			b.Rounds[s.where].Proof = b.Rounds[s.where-1].Proof
		},
		found: func(s *sim, t *testing.T) { s.differs(t, "proof", s.where, ledger.Hotkey{}) },
	})
}
