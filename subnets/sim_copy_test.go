package subnets_test

import (
	"context"
	"testing"

	"github.com/plexus-network/plexus/subnets/evidence"
)

// TestSimCopy: who hands in what another does gets a part of what that one would
// have had, and so does the other: the evidence shows equal payloads.
func TestSimCopy(t *testing.T) {
	simulate(t, villain{
		engine: func(context.Context, []byte) ([]byte, error) { return fixed(answers[1]) },
		found: func(s *sim, t *testing.T) {
			s.statuses(t, evidence.Answered)
			for i := 1; i < validators; i++ {
				b, err := s.published(i)
				if err != nil {
					t.Fatal(err)
				}
				shares(t, b, map[int]bool{validators: true, validators + 1: true})
			}
		},
	})
}
