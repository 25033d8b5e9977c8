package node

import (
	"fmt"
	"io"
	"maps"
	"testing"

	"github.com/plexus-network/plexus/host/internal/config"
	"github.com/plexus-network/plexus/host/internal/event"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/validator"
)

// What a subnet's loop tells is counted by its kind, and a loop that rests for
// want of a permit is listed as one that does, until the permit is back.
func TestWhatLoopsTellIsCounted(t *testing.T) {
	l := newLoops(testLog())
	l.all[3] = &subnetLoop{netuid: 3, cfg: config.Subnet{NetUID: 3}, skipped: map[string]int{}, faults: map[string]int{}}
	n := &Node{loops: l, events: event.NewWriter(io.Discard, "")}
	for _, e := range []validator.Event{
		{Kind: "round"}, {Kind: "round"}, {Kind: "skipped", Err: fmt.Errorf("%w: disk", validator.ErrModule)},
		{Kind: "skipped", Err: fmt.Errorf("%w: no window", validator.ErrData)}, {Kind: "skipped", Err: io.EOF},
		{Kind: "fault", Miner: key.ID{1}, Fault: validator.FaultSignature}, {Kind: "fault", Miner: key.ID{1}, Fault: validator.FaultOversize},
		{Kind: "fault", Miner: key.ID{2}, Fault: validator.FaultOversize}, {Kind: "permit-gone"},
	} {
		e.NetUID = 3
		n.notify(e)
	}
	n.notify(validator.Event{Kind: "round", NetUID: 4}) // one that is no longer validated
	got := one(t, l.list(), 3)
	if got.State != "no permit" || got.Scored != 2 || got.Skipped != 3 || !maps.Equal(got.Skips, map[string]int{"module": 1, "data": 1, "other": 1}) ||
		!maps.Equal(got.Faults, map[string]int{"signature": 1, "oversize": 2}) || got.Err != "EOF" {
		t.Errorf("%+v", got)
	}
	n.notify(validator.Event{Kind: "permit-back", NetUID: 3})
	if got := one(t, l.list(), 3); got.State != "running" {
		t.Error(got.State)
	}
}
