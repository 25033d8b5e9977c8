package ledger

import (
	"testing"

	"github.com/plexus-network/plexus/ledger/unit"
	"github.com/plexus-network/plexus/ledger/yuma"
)

// The ballot just before a step gives what the step then finds, and that of a
// settled epoch holds the rows it took and the stakes it began with.
func TestBallotIsWhatTheStepTakes(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.until(40)
	w.epoch(1)
	w.until(59)
	if b, err := LoadBallot(w.v, net, 0, 7); err != nil || b != nil {
		t.Errorf("an epoch that has not begun: %+v, %v", b, err)
	}
	if b, err := LoadBallot(w.v, 9, 0, 1); err != nil || b != nil {
		t.Errorf("a subnet that is not there: %+v, %v", b, err)
	}
	if b, err := LoadBallot(w.v, net, 1, 1); err != nil || b != nil {
		t.Errorf("a mechanism that the subnet does not have: %+v, %v", b, err)
	}
	b, err := LoadBallot(w.v, net, 0, 1)
	if err != nil || b == nil || b.Settled {
		t.Fatal(b, err)
	}
	out, shown := yuma.Explain(b.Input)
	w.until(60)
	any := false
	for u := range b.Hotkeys {
		nr, err := LoadNeuron(w.v, net, UID(u))
		if err != nil || nr.Hotkey != b.Hotkeys[u] {
			t.Fatal(err)
		}
		if nr.Incentive != out.Incentive[u].U16Share() || nr.Consensus != out.Consensus[u].U16Share() || nr.Dividends != out.Dividends[u].U16Share() || nr.Trust != out.Trust[u].U16Share() {
			t.Errorf("uid %d: the step found %+v, the ballot %v", u, nr, out.Incentive[u])
		}
		any = any || nr.Incentive > 0
	}
	if !any || len(shown.Weights) != len(b.Hotkeys) {
		t.Error("nobody has incentive")
	}
	after, err := LoadBallot(w.v, net, 0, 1)
	if err != nil || !after.Settled || len(after.Input.Weights[0]) == 0 || len(after.Input.Weights[0]) != len(b.Input.Weights[0]) || len(after.Input.Bonds[0]) == 0 {
		t.Fatalf("%+v, %v", after, err)
	}
	roster, err := LoadRoster(w.v, net, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range roster {
		if after.Input.Stake[i] != roster[i].Stake {
			t.Errorf("uid %d: stake %d, the epoch began with %d", i, after.Input.Stake[i], roster[i].Stake)
		}
	}
}

// The cut names those whom registrations then replace, one after the other.
func TestCut(t *testing.T) {
	w := crowd(t, 5, nil)
	w.ok(w.block(w.register(0)))
	c, err := LoadCut(w.v, net)
	if err != nil || c.Free != 4 || len(c.Order) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	for i := 1; i < 5; i++ {
		w.ok(w.block(w.register(i)))
	}
	w.until(40) // past their immunity
	s := newState(w.v)
	for i, emission := range []unit.Alpha{5, 9, 1, 9, 3} {
		nr := need[Neuron](s, neuronKey(net, UID(i)))
		nr.Emission = emission
		store(s, neuronKey(net, UID(i)), nr)
	}
	w.v.write(s.writes(s.changes()))
	if c, err = LoadCut(w.v, net); err != nil || c.Free != 0 || len(c.Order) != 5 {
		t.Fatalf("%+v, %v", c, err)
	}
	for k, want := range []UID{2, 4, 0, 1, 3} {
		if c.Order[k] != want {
			t.Fatalf("order %v", c.Order)
		}
	}
	for k := range 2 {
		w.ok(w.block(w.register(5 + k)))
		if at := w.uid(w.hot[5+k].Public()); at != int(c.Order[k]) {
			t.Errorf("registration %d replaced uid %d, want %d", k, at, c.Order[k])
		}
	}
	if c, err := LoadCut(w.v, 9); err != nil || c != nil {
		t.Errorf("%+v, %v", c, err)
	}
}
