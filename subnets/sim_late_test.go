package subnets_test

import (
	"testing"
	"time"

	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimLate: a miner whose hash comes after half of the deadline has none.
func TestSimLate(t *testing.T) {
	simulate(t, villain{
		miner: func(s *sim, x *exchange) {
			x.sleep(time.Duration(x.req.DeadlineMS/2)*time.Millisecond + time.Second)
			answer, _ := fixed(" aet")
			x.announce(answer)
		},
		found: func(s *sim, t *testing.T) {
			for _, score := range s.statuses(t, evidence.None) {
				if score != 0 {
					t.Errorf("a late answer scores %d", score)
				}
			}
		},
	})
}
