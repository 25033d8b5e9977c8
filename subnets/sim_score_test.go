package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimScore: a forged score is the leaf that replay names.
func TestSimScore(t *testing.T) {
	simulate(t, villain{
		tamper: func(s *sim, b *evidence.Bundle) {
			r, x := s.answered(b)
			s.victim, s.where = s.roster(1)[x.Leaf.Index].Hotkey, int(r.Round)
			x.Leaf.Score = (x.Leaf.Score + 1 + s.rand.Uint64N(abi.One/2)) % abi.One
		},
		found: func(s *sim, t *testing.T) { s.differs(t, "score", s.where, s.victim) },
	})
}
