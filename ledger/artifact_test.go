package ledger

import (
	"testing"
)

// vote plays the commits and reveals of epoch e, in which validator i proposes
// proposed[i]; one whose entry is nil reveals nothing.
func (w *town) vote(e Epoch, proposed ...*[32]byte) {
	w.t.Helper()
	var commits, reveals [][]byte
	for i, a := range proposed {
		if a == nil {
			continue
		}
		o := w.opening(i, e)
		o.Artifact = *a
		commits, reveals = append(commits, w.commit(i, e, o)), append(reveals, w.reveal(i, e, o))
	}
	w.ok(w.block(commits...))
	w.until(w.clock().First + 4)
	w.ok(w.block(reveals...))
}

// artifact is the one in the record of an epoch.
func (w *town) artifact(e Epoch) [32]byte {
	w.t.Helper()
	rec, err := LoadRecord(w.v, net, e)
	if err != nil || rec == nil {
		w.t.Fatalf("record of epoch %d: %v", e, err)
	}
	return rec.Artifact
}

func TestArtifactIsWhatMostStakeReveals(t *testing.T) {
	none, x, y := &[32]byte{}, &[32]byte{0xaa}, &[32]byte{0xbb}
	for _, c := range []struct {
		name  string
		votes []*[32]byte // three validators of equal stake
		want  [32]byte    // after the step, from *y
	}{
		{"all agree", []*[32]byte{x, x, x}, *x},
		{"two of three", []*[32]byte{x, none, x}, *x},
		{"two of three, one has another", []*[32]byte{x, y, x}, *x},
		{"all differ", []*[32]byte{x, {0xcc}, none}, *y},
		{"nobody asks for a change", []*[32]byte{none, none, none}, *y},
		{"one of three", []*[32]byte{x, none, none}, *y},
		{"half and half", []*[32]byte{x, none, nil}, *y},
		{"half and another half", []*[32]byte{x, {0xcc}, nil}, *y},
		{"the only one that reveals", []*[32]byte{nil, x, nil}, *x},
		{"nobody reveals", []*[32]byte{nil, nil, nil}, *y},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newTown(t)
			w.settle()
			w.until(41)
			w.vote(1, y, y, y)
			if got := w.artifact(2); got != ([32]byte{}) {
				t.Fatalf("epoch 2 has an artifact before anything was agreed: %x", got[:2])
			}
			w.until(61) // the step of epoch 1 was in block 60
			if got := w.artifact(3); got != *y {
				t.Fatalf("epoch 3 has %x", got[:2])
			}
			w.weigh(2, 100, 100, 100)
			w.vote(2, c.votes...)
			if got := w.artifact(3); got != *y {
				t.Fatal("the record of a running epoch changed")
			}
			w.until(81)
			if got := w.artifact(4); got != c.want {
				t.Errorf("epoch 4 has %x, want %x", got[:2], c.want[:2])
			}
			m, err := LoadMetagraph(w.v, net)
			if err != nil || m.Artifact == "" {
				t.Errorf("the metagraph shows no artifact: %v", err)
			}
		})
	}
}

// weigh gives the validators these stakes in the roster of an epoch, as if they
// had had them when it began.
func (w *town) weigh(e Epoch, stakes ...uint64) {
	w.t.Helper()
	roster, err := LoadRoster(w.v, net, e)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, s := range stakes {
		roster[roster.Index(w.hot[i].Public())].Stake = s
	}
	for i := range roster.pages() {
		w.v[string(rosterKey(net, e, uint16(i)))] = roster.page(i)
	}
	rec, err := LoadRecord(w.v, net, e)
	if err != nil {
		w.t.Fatal(err)
	}
	rec.Roster = roster.Root()
	w.v[string(recordKey(net, e))] = rec.append(nil)
}

// Stake counts, not heads, as it was when the epoch began.
func TestArtifactCountsFrozenStake(t *testing.T) {
	none, x := &[32]byte{}, &[32]byte{0xaa}
	for _, c := range []struct {
		stakes []uint64
		want   bool
	}{{[]uint64{100, 50, 49}, true}, {[]uint64{100, 50, 50}, false}, {[]uint64{1 << 63, 1 << 62, 1 << 61}, true}, {[]uint64{1<<64 - 1, 1<<64 - 1, 9}, false}} {
		w := newTown(t)
		w.settle()
		w.until(41)
		w.weigh(1, c.stakes...)
		w.vote(1, x, none, none)
		w.until(61)
		if got := w.artifact(3) == *x; got != c.want {
			t.Errorf("stakes %d: the first decides: %v", c.stakes, got)
		}
	}
}

func TestAnotherModuleStartsWithoutArtifact(t *testing.T) {
	x := &[32]byte{0xaa}
	w := newTown(t)
	w.settle()
	w.until(41)
	w.vote(1, x, x, x)
	w.until(61)
	sub, err := LoadSubnet(w.v, net)
	if err != nil || w.artifact(3) != *x {
		t.Fatal("no artifact", err)
	}
	// A module's change as an upgrade makes it when its epoch has come.
	old := sub.Module
	change := func(module [32]byte) {
		sub.Module = module
		w.v[string(subnetKey(net))] = sub.append(nil)
	}
	change([32]byte{2})
	w.vote(2, x, x, x) // what the old module made
	w.until(81)
	if got := w.artifact(4); got != ([32]byte{}) {
		t.Errorf("the new module has %x", got[:2])
	}
	if a, err := LoadArtifact(w.v, net); err != nil || a != nil {
		t.Errorf("%+v, %v", a, err)
	}
	change(old)
	w.vote(3, &[32]byte{}, &[32]byte{}, &[32]byte{})
	w.until(101)
	if got := w.artifact(5); got != ([32]byte{}) {
		t.Errorf("the old module, come back, has %x", got[:2])
	}
}

func TestDissolvedArtifact(t *testing.T) {
	w := newTown(t)
	w.settle()
	w.v[string(artifactKey(net))] = (&Artifact{Hash: [32]byte{1}}).append(nil)
	s := newState(w.v)
	if err := dissolve(s, net); err != nil {
		t.Fatal(err)
	}
	if a, err := LoadArtifact(s, net); err != nil || a != nil {
		t.Errorf("%+v, %v", a, err)
	}
}

func TestMajority(t *testing.T) {
	const top = 1<<64 - 1
	sum := func(of ...uint64) (x stake128) {
		for _, v := range of {
			x.add(v)
		}
		return x
	}
	for _, c := range []struct {
		x, all stake128
		want   bool
	}{
		{sum(1), sum(2), false}, {sum(2), sum(3), true}, {sum(), sum(), false}, {sum(top), sum(top, top), false},
		{sum(top, 1), sum(top, top), true}, {sum(top), sum(top, top-1), true}, {sum(top, top, top), sum(top, top, top, top, top, 7), true},
	} {
		if got := c.x.majority(c.all); got != c.want {
			t.Errorf("%+v of %+v: %v", c.x, c.all, got)
		}
	}
}

func TestPriceIn(t *testing.T) {
	w := newTown(t)
	w.settle()
	b, err := PriceIn(w.v, net)
	m, _ := LoadMarket(w.v, net)
	if err != nil || len(b) != 8 {
		t.Fatal(b, err)
	}
	// TAO over alpha in Q32.32, by hand.
	want := uint64(m.TAO) << 16 / uint64(m.Alpha) << 16
	got := uint64(0)
	for _, c := range b {
		got = got<<8 | uint64(c)
	}
	if d := int64(got - want); d < 0 || d >= 1<<16 {
		t.Errorf("%d, want about %d", got, want)
	}
	if b, err := PriceIn(w.v, 99); b != nil || err != nil {
		t.Errorf("a subnet that is not there: %x, %v", b, err)
	}
}
