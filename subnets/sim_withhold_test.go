package subnets_test

import (
	"errors"
	"strings"
	"testing"
)

// TestSimWithhold: evidence that is committed and not served is missed, by the root
// and the validator that owes it.
func TestSimWithhold(t *testing.T) {
	simulate(t, villain{
		hide: true,
		found: func(s *sim, t *testing.T) {
			_, err := s.published(0)
			if !errors.Is(err, errHidden) || !strings.Contains(err.Error(), s.hot[0].Public().String()) {
				t.Errorf("withheld evidence: %v", err)
			}
		},
	})
}
