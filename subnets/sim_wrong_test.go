package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimWrong: what is no answer to the task is shown and scores nothing; another
// payload than the one announced has a name.
func TestSimWrong(t *testing.T) {
	t.Run("rubbish", func(t *testing.T) {
		simulate(t, villain{
			miner: func(s *sim, x *exchange) { x.s.Send(x.announce([]byte("rubbish")).Append(nil)) },
			found: func(s *sim, t *testing.T) {
				for _, score := range s.statuses(t, evidence.Answered) {
					if score != 0 {
						t.Errorf("rubbish scores %d", score)
					}
				}
			},
		})
	})
	t.Run("another payload", func(t *testing.T) {
		simulate(t, villain{
			miner: func(s *sim, x *exchange) {
				p := x.announce([]byte("first thought"))
				p.Data, _ = fixed(" aet")
				x.s.Send(p.Append(nil))
			},
			found: func(s *sim, t *testing.T) { s.statuses(t, evidence.Mismatch) },
		})
	})
}
