package subnets_test

import (
	"testing"

	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestSimRelay: a miner that has another do its work by passing the request on is
// refused there by name, blamed, and not heard any more when it goes on.
func TestSimRelay(t *testing.T) {
	simulate(t, villain{
		miner: func(s *sim, x *exchange) {
			out, err := s.hosts[validators].Open(x.ctx, s.hosts[validators+1].ID(), round.Protocol)
			if err != nil {
				return
			}
			defer out.Close()
			if out.Send(x.ask.Append(nil)) != nil {
				return
			}
			b, err := out.Recv(8192)
			if err != nil {
				return
			}
			if reply, err := round.DecodeReply(b); err != nil || reply.Answer != nil || reply.Refused != round.RefusedCallee {
				s.t.Errorf("a relayed request: %+v, %v", reply, err)
			}
		},
		found: func(s *sim, t *testing.T) {
			s.statuses(t, evidence.None)
			// Three validators' two rounds or more, each with up to three tries of the
			// validator: heard are the four before the one that is too many, and what was
			// on its way beside that, at most one of each validator in two rounds.
			if n := s.outcomes()["callee"]; n < 4 || n > 4+2*validators {
				t.Errorf("%d relayed requests were read", n)
			}
		},
	})
}
