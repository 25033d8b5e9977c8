package subnets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimWeight: a weight that is changed after the commit is refused by the
// ledger; one that is committed otherwise than the evidence says is found by
// replay, with the miner.
func TestSimWeight(t *testing.T) {
	t.Run("after the commit", func(t *testing.T) {
		simulate(t, villain{
			reveal: func(o *ledger.Opening) { o.Row = ledger.NewRow([]uint64{0, 0, 0, 1, 9, 9}) },
			found: func(s *sim, t *testing.T) {
				refused := 0
				for _, r := range s.refused {
					if r.Code == ledger.CodeCommitment {
						refused++
					}
				}
				b, err := s.published(0)
				if err != nil {
					t.Fatal(err)
				}
				_, err = evidence.Replay(context.Background(), s.now(), s.module, b, nil)
				if refused == 0 || !errors.Is(err, evidence.ErrNoReveal) {
					t.Errorf("refused %v; replay says %v", s.refused, err)
				}
			},
		})
	})
	t.Run("before it", func(t *testing.T) {
		simulate(t, villain{
			tamper: func(s *sim, b *evidence.Bundle) { s.row = []uint64{0, 0, 0, 9, 1, 1} },
			found:  func(s *sim, t *testing.T) { s.differs(t, "weight", -1, ledger.Hotkey{}) },
		})
	})
}
