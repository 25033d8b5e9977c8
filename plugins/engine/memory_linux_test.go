//go:build !race

package engine

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// TestMemoryLimit is not part of the race detector's build, which takes the room in
// the address space that a limit leaves.
func TestMemoryLimit(t *testing.T) {
	c := config("good")
	c.Limits = Limits{Memory: 3 << 30}
	c.Timeout = 20 * time.Second
	e := open(t, c)
	works(t, e)
	if _, err := e.Answer(t.Context(), 7, []byte("eat")); !errors.Is(err, ErrDied) || !strings.Contains(err.Error(), "memory") {
		t.Error(err)
	}
	works(t, e)
}
