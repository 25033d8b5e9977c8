package subnets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestModuleFaults: a module that misbehaves costs the round in which it does,
// by name, and nothing else: the loop goes on, and what was scored is replayed.
func TestModuleFaults(t *testing.T) {
	t.Parallel()
	p := params([]uint16{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2)
	p.SkipMax, p.Module = 1000, []byte("lmitfrcugggg")
	same := engine(func(context.Context, []byte) ([]byte, error) { return []byte("same"), nil })
	a := newArena(t, guestModule(t), nil, p, honest("one", same), honest("other", same))
	want := map[string][]error{
		"runs out of fuel in task": {plugins.ErrFuel}, "task malformed": {plugins.ErrABI}, "asks for chain values": {round.ErrInputs},
		"traps in score": {plugins.ErrTrap}, "refuses to score": {plugins.ErrRefused}, "score out of range": {plugins.ErrABI, abi.ErrScoreRange},
		"a score too few": {plugins.ErrABI, abi.ErrScoreCount}, "unequal scores": {round.ErrUnequal},
	}
	good := func() (n int) {
		for i := range validators {
			n += len(a.told(i, "round"))
		}
		return n
	}
	seen := map[string]bool{}
	before := -1 // good rounds when the last kind of fault was seen
	a.wait("each kind of fault, and good rounds after it", func() bool {
		for i := range validators {
			for _, e := range a.told(i, "skipped") {
				known := false
				for name, kinds := range want {
					all := true
					for _, k := range kinds {
						all = all && errors.Is(e.Err, k)
					}
					if all {
						seen[name], known = true, true
					}
				}
				if !known {
					t.Errorf("epoch %d round %d: %v", e.Epoch, e.Round, e.Err)
				}
			}
		}
		if len(seen) == len(want) && before < 0 {
			before = good()
		}
		return before >= 0 && good() > before
	})
	a.revealed(1)
	skipped := 0
	for _, b := range a.equal(1) {
		for i := range b.Rounds {
			if b.Rounds[i].Skipped {
				skipped++
			}
		}
	}
	if skipped == 0 {
		t.Error("no round of epoch 1 was skipped")
	}
	if good() == 0 {
		t.Error("no round was good")
	}
}
