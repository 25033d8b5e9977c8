package subnets_test

import (
	"bytes"
	"testing"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// TestArtifact: what the validators merge of the miners' answers becomes the
// subnet's, the next tasks and merges build on it, and replay holds every vote
// against the answers.
func TestArtifact(t *testing.T) {
	t.Parallel()
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{1, 6}, 2), "a"), honest("one", alike), honest("other", alike))
	a.revealed(4)
	var bases [][]byte
	for e := ledger.Epoch(1); e <= 4; e++ {
		rec, next := a.record(e), a.record(e+1)
		for _, b := range a.equal(e) {
			if round.ArtifactHash(b.Artifact) != rec.Artifact || b.Merge == nil || round.ArtifactHash(b.Merge.Base) != next.Artifact {
				t.Fatalf("epoch %d: artifact %q, merge %+v", e, b.Artifact, b.Merge)
			}
			if b.Merge.Result != round.ArtifactHash(append(bytes.Clone(b.Merge.Base), "same"...)) {
				t.Errorf("epoch %d: another result", e)
			}
		}
		bases = append(bases, a.bundle(0, e).Artifact)
	}
	// Epoch 1 is voted on in epoch 2, so epochs 1 and 2 have none.
	for i, want := range []string{"", "", "same", "samesame"} {
		if string(bases[i]) != want {
			t.Errorf("epoch %d has the artifact %q, want %q", i+1, bases[i], want)
		}
	}
	if got := a.record(5).Artifact; got != round.ArtifactHash([]byte("samesamesame")) {
		t.Errorf("epoch 5 has another artifact than one on top of the other: %x", got[:4])
	}
	for _, c := range []struct {
		name, what string
		forge      func(b *evidence.Bundle)
	}{
		{"another artifact in the tasks", "artifact", func(b *evidence.Bundle) { b.Artifact = []byte("other") }},
		{"no artifact in the tasks", "artifact", func(b *evidence.Bundle) { b.Artifact = nil }},
		{"another base", "artifact that was merged into", func(b *evidence.Bundle) { b.Merge.Base = []byte("other") }},
		{"another result", "merged artifact", func(b *evidence.Bundle) { b.Merge.Result[0]++ }},
		{"no vote, and one was revealed", "merged artifact", func(b *evidence.Bundle) { b.Merge = nil }},
		{"other fuel", "merge fuel", func(b *evidence.Bundle) { b.Merge.Fuel++ }},
		{"data that the subnet has not", "data slices", func(b *evidence.Bundle) { b.Merge.Slices = make([]evidence.Slice, 1) }},
	} {
		b := a.bundle(1, 4)
		c.forge(b)
		rep, err := evidence.Replay(a.ctx, a.now(), a.module, b, nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if rep.Equal() || rep.Diff.What != c.what {
			t.Errorf("%s: %v, want %s", c.name, rep.Diff, c.what)
		}
	}
}

// TestArtifactLost: without the bytes of the artifact in force no task can be
// drawn; the rounds are skipped and say so.
func TestArtifactLost(t *testing.T) {
	t.Parallel()
	a := newArena(t, guestModule(t), nil, moods(params([]uint16{1, 6}, 2), "a"), honest("one", alike), honest("other", alike))
	a.revealed(1)
	a.mu.Lock()
	clear(a.built)
	a.mu.Unlock()
	a.wait("skipped rounds", func() bool {
		for _, e := range a.told(0, "skipped") {
			return e.Epoch >= 3 && e.Err != nil && bytes.Contains([]byte(e.Err.Error()), []byte("artifact"))
		}
		return false
	})
}
