package subnets_test

import (
	"context"
	"testing"
	"time"

	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestSimReplay: who sends requests again that it found in published evidence has
// nothing answered twice.
func TestSimReplay(t *testing.T) {
	simulate(t, villain{
		after: func(s *sim) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			stranger := s.net.Host(seed("stranger", 7))
			sent := 0
			for i := range validators {
				b, err := s.published(i)
				if err != nil {
					s.t.Error(err)
					return
				}
				for k := range b.Rounds {
					for _, x := range b.Rounds[k].Responses {
						if x.Leaf.Status != evidence.Answered {
							continue
						}
						out, err := stranger.Open(ctx, s.hosts[x.Leaf.Index].ID(), round.Protocol)
						if err != nil {
							s.t.Error(err)
							return
						}
						ask := round.Ask{Request: x.Request, Public: make([]byte, round.Ride+1)}
						out.Send(ask.Append(nil))
						reply := round.Reply{}
						if b, err := out.Recv(8192); err != nil {
							s.t.Errorf("no word on an old request: %v", err)
						} else if reply, err = round.DecodeReply(b); err != nil || reply.Refused != round.RefusedReplay && reply.Refused != round.RefusedStale {
							s.t.Errorf("an old request: %+v, %v", reply, err)
						}
						out.Close()
						sent++
					}
				}
			}
			if sent == 0 {
				s.t.Error("nobody answered")
			}
		},
		found: func(s *sim, t *testing.T) {
			o := s.outcomes()
			if o["replay"]+o["stale"] < 2*validators {
				t.Errorf("the miners counted %v", o)
			}
			s.statuses(t, evidence.Answered)
		},
	})
}
