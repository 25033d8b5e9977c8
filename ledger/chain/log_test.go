package chain

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestStoppedNamesItsCause(t *testing.T) {
	full := &os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}
	for _, c := range []struct {
		why  any
		full bool
	}{{full, true}, {fmt.Sprint(full), true}, {fmt.Errorf("+2/3 committed: %w", full), true}, {errors.New("wrong app hash"), false}, {"panic", false}, {nil, false}} {
		err := stopped(c.why)
		if !errors.Is(err, ErrBroken) || errors.Is(err, syscall.ENOSPC) != c.full {
			t.Errorf("%v: %v", c.why, err)
		}
	}
	if err := stopped(errors.New("why")); err.Error() != "chain: broken: consensus stopped: why" {
		t.Error(err)
	}
}
