package evidence

import (
	"fmt"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/dataset"
	"github.com/plexus-network/plexus/subnets/round"
)

// Merge is what a validator made of the epoch's answers: its vote for the
// subnet's next artifact.
type Merge struct {
	Base   []byte // the artifact that it was made of: of the epoch that ran then
	Slices []Slice
	Fuel   uint64
	Result [32]byte // round.ArtifactHash; zero for a vote for no change
}

// appendMerge appends the artifact of the tasks, then [] or [base, slices, fuel,
// result].
func (b *Bundle) appendMerge(out []byte) []byte {
	out = cbor.AppendBytes(out, b.Artifact)
	m := b.Merge
	if m == nil {
		return cbor.AppendArray(out, 0)
	}
	out = appendSlices(cbor.AppendBytes(cbor.AppendArray(out, 4), m.Base), m.Slices)
	return cbor.AppendBytes(cbor.AppendUint(out, m.Fuel), m.Result[:])
}

func (b *Bundle) readMerge(d *cbor.Decoder) {
	if artifact := d.Bytes(abi.MaxArtifact); len(artifact) > 0 {
		b.Artifact = artifact
	}
	switch d.ArrayMax(4) {
	case 0:
	case 4:
		b.Merge = &Merge{Base: d.Bytes(abi.MaxArtifact), Slices: readSlices(d), Fuel: d.Uint(), Result: d.Hash()}
	default:
		d.Fail(cbor.ErrLength)
	}
}

// mergeHash binds the artifacts under the root: zero when there are none.
func (b *Bundle) mergeHash() [32]byte {
	if len(b.Artifact) == 0 && b.Merge == nil {
		return [32]byte{}
	}
	return key.Hash("bundle-merge", b.appendMerge(nil))
}

// vote is the artifact that the bundle votes for.
func (b *Bundle) vote() [32]byte {
	if b.Merge == nil {
		return [32]byte{}
	}
	return b.Merge.Result
}

// Payloads are the answers of an epoch that merge sees.
func Payloads(rounds []Round) [][]byte {
	var all [][]byte
	for i := range rounds {
		for j := range rounds[i].Responses {
			if r := &rounds[i].Responses[j]; r.Leaf.Status == Answered {
				all = append(all, r.Payload.Data)
			}
		}
	}
	return round.Distinct(all)
}

// artifact checks the artifact that the tasks were drawn with.
func (r *replay) artifact() error {
	if got := round.ArtifactHash(r.b.Artifact); got != r.rec.Artifact {
		return r.differ("artifact", -1, ledger.Hotkey{}, hex(got), hex(r.rec.Artifact))
	}
	return nil
}

// merging replays the vote for the next artifact. A validator need not vote: then
// it must have revealed none.
func (r *replay) merging() error {
	b, none := r.b, ledger.Hotkey{}
	m := b.Merge
	if r.open.Artifact != b.vote() {
		return r.differ("merged artifact", -1, none, hex(r.open.Artifact), hex(b.vote()))
	}
	if m == nil {
		return nil
	}
	base := [32]byte{}
	if r.next != nil {
		base = r.next.Artifact
	}
	if got := round.ArtifactHash(m.Base); got != base {
		return r.differ("artifact that was merged into", -1, none, hex(got), hex(base))
	}
	first := -1
	for i := range b.Rounds {
		if !b.Rounds[i].Skipped {
			first = i
			break
		}
	}
	offered := true
	if r.m != nil {
		manifest := r.m.Manifest()
		offered = manifest.Has(abi.OpMerge)
	}
	if first < 0 || !offered {
		return r.differ("merge", -1, none, "a vote", "nothing to merge")
	}
	beta, err := r.self.Work.VRF.VerifyVRF(round.Alpha(r.rec.Seed, b.NetUID, b.Rounds[first].Round), b.Rounds[first].Proof)
	if err != nil {
		return r.differ("proof", first, none, "a VRF proof", err)
	}
	seed := round.MergeSeed(beta)
	data, err := r.slices(m.Slices, seed, -1)
	if err != nil || r.report.Diff != nil || r.m == nil {
		return err
	}
	req := abi.MergeRequest{Params: r.params.Module, Artifact: m.Base, Slices: data, Payloads: Payloads(b.Rounds)}
	got, fuel, err := round.Merge(r.ctx, r.m, seed, &req)
	if faulty(err) {
		return r.differ("merge", -1, none, hex(m.Result), err)
	}
	if err != nil {
		return fmt.Errorf("replaying the merge: %w", err)
	}
	r.report.Fuel += fuel
	if h := round.ArtifactHash(got); h != m.Result {
		return r.differ("merged artifact", -1, none, hex(m.Result), hex(h))
	}
	if fuel != m.Fuel {
		return r.differ("merge fuel", -1, none, m.Fuel, fuel)
	}
	return nil
}

// slices checks that data slices are those that seed draws, and returns them.
func (r *replay) slices(have []Slice, seed [32]byte, i int) (data [][]byte, err error) {
	none := ledger.Hotkey{}
	count := len(have)
	if r.m != nil {
		count = int(r.m.Manifest().Slices)
	}
	first, total := r.rec.Data.Draw(r.b.Epoch)
	draw := round.Slices(seed, total, count)
	if len(draw) != len(have) {
		return nil, r.differ("data slices", i, none, len(have), len(draw))
	}
	for j := range have {
		s := &have[j]
		if s.Index != first+draw[j] {
			return nil, r.differ("data slice", i, none, s.Index, first+draw[j])
		}
		if err := dataset.Verify(r.rec.Data, s.Index, s.Data, s.Proof); err != nil {
			return nil, r.differ("data slice", i, none, s.Index, err)
		}
		data = append(data, s.Data)
	}
	return data, nil
}
