package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// answered returns a round and one of its answered responses.
func (s *sim) answered(b *evidence.Bundle) (*evidence.Round, *evidence.Response) {
	for _, i := range s.rand.Perm(len(b.Rounds)) {
		for _, j := range s.rand.Perm(len(b.Rounds[i].Responses)) {
			if x := &b.Rounds[i].Responses[j]; x.Leaf.Status == evidence.Answered {
				return &b.Rounds[i], x
			}
		}
	}
	panic("no miner answered")
}

// TestSimDrop: a validator that drops an answer with every trace tells a story that
// replay cannot fault; the receipt that the miner holds contradicts it, and names
// the validator, the round and the miner.
func TestSimDrop(t *testing.T) {
	simulate(t, villain{
		tamper: func(s *sim, b *evidence.Bundle) {
			r, x := s.answered(b)
			s.victim, s.where = s.roster(1)[x.Leaf.Index].Hotkey, int(r.Round)
			x.Answer, x.Payload, x.Receipt = nil, nil, key.Signature{}
			x.Leaf = evidence.Leaf{Round: x.Leaf.Round, Index: x.Leaf.Index, Status: evidence.None}
			s.rescore(b, r)
		},
		found: func(s *sim, t *testing.T) { s.denied(t, "no answer") },
	})
}
