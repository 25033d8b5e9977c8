package subnets_test

import (
	"context"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
)

// picky is a module that draws the task that its caller likes.
type picky struct{ plugins.Caller }

func (p picky) Call(ctx context.Context, op abi.Op, input []byte, beta [32]byte) (plugins.Reply, error) {
	if op == abi.OpTask {
		if r, err := abi.DecodeTaskRequest(input); err == nil {
			r.Beta, beta = [32]byte{1}, [32]byte{1}
			input = r.Append(nil)
		}
	}
	return p.Caller.Call(ctx, op, input, beta)
}

// TestSimTask: a validator that picks its tasks, and asks the miners just those, is
// named with the first round.
func TestSimTask(t *testing.T) {
	simulate(t, villain{
		module: func(m plugins.Caller) plugins.Caller { return picky{m} },
		found:  func(s *sim, t *testing.T) { s.differs(t, "task", 0, ledger.Hotkey{}) },
	})
}
