package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestSimAlter: a validator that changes an answer cannot sign it for the miner,
// nor can it make the payload fit what the miner signed.
func TestSimAlter(t *testing.T) {
	t.Run("payload", func(t *testing.T) {
		simulate(t, villain{
			tamper: func(s *sim, b *evidence.Bundle) {
				r, x := s.answered(b)
				s.victim, s.where = s.roster(1)[x.Leaf.Index].Hotkey, int(r.Round)
				x.Payload.Data, _ = fixed("xyz")
				s.rescore(b, r)
			},
			found: func(s *sim, t *testing.T) { s.differs(t, "status", s.where, s.victim) },
		})
	})
	t.Run("answer", func(t *testing.T) {
		simulate(t, villain{
			tamper: func(s *sim, b *evidence.Bundle) {
				r, x := s.answered(b)
				s.victim, s.where = s.roster(1)[x.Leaf.Index].Hotkey, int(r.Round)
				x.Payload.Data, _ = fixed("xyz")
				x.Leaf.Hash = round.SaltedHash(x.Payload.Salt, x.Payload.Data)
				a := round.SignAnswer(s.hot[0], round.Answer{Request: round.RequestHash(x.Request.Body), Hash: x.Leaf.Hash})
				x.Answer, x.Receipt = &a, round.SignReceipt(s.hot[0], a)
				s.rescore(b, r)
			},
			found: func(s *sim, t *testing.T) {
				s.differs(t, "signature", s.where, s.victim)
				s.denied(t, "another answer")
			},
		})
	})
}
