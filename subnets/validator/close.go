package validator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// close ranks an epoch and makes its bundle, or finds that it did so before. It
// returns nil when there is nothing to commit.
func (v *Validator) close(ctx context.Context, view ledger.View, e ledger.Epoch) (*ledger.Opening, [32]byte, error) {
	var none [32]byte
	if b, err := v.Keep.Get(v.key("opening", e)); err != nil {
		return nil, none, err
	} else if b != nil {
		open, err := ledger.DecodeOpening(b)
		if err != nil {
			return nil, none, err
		}
		root, err := v.Keep.Get(v.key("root", e))
		if err != nil || len(root) != 32 {
			return nil, none, fmt.Errorf("validator: root of epoch %d: %w", e, err)
		}
		return &open, [32]byte(root), nil
	}
	j, err := v.load(view, roundID{epoch: e})
	if err != nil || j == nil {
		return nil, none, err
	}
	rec, roster := j.rec, j.roster
	if me := roster.Index(v.self); me < 0 || !roster[me].Permit {
		return nil, none, nil
	}
	b := &evidence.Bundle{ChainID: v.ChainID, NetUID: v.NetUID, Epoch: e, Validator: v.self}
	rounds := len(j.params.Rounds)
	leaves, err := v.gather(e, rounds, int(j.params.SkipMax))
	if err != nil || leaves == nil {
		return nil, none, err
	}
	carry, err := ledger.LoadCarry(view, v.NetUID, e, v.self)
	if err != nil {
		return nil, none, err
	}
	if carry != none {
		if b.CarryIn, err = v.carried(e, carry); err != nil {
			return nil, none, err
		}
	}
	mod, err := v.Module(ctx, plugins.ID(rec.Module))
	if err != nil {
		return nil, none, fmt.Errorf("%w: loading module: %w", errUnready, err)
	}
	next, err := ledger.LoadRecord(view, v.NetUID, e+1)
	if err != nil {
		return nil, none, err
	}
	manifest := mod.Manifest()
	if manifest.Has(abi.OpMerge) && next == nil {
		return nil, none, nil // the next block writes it, and with it what is merged into
	}
	ranks, fuel, err := round.Rank(ctx, mod, rec.Seed, j.params.Module, evidence.Rows(leaves, roster, b.CarryIn))
	if err != nil {
		return nil, none, fmt.Errorf("%w: ranking: %w", errUnready, err)
	}
	b.RankFuel = fuel
	b.Row, b.CarryOut = evidence.Outcome(roster, ranks)
	if len(b.Row.Weights) == 0 {
		return nil, none, nil
	}
	if b.Artifact, err = v.artifact(ctx, e, rec.Artifact); err != nil {
		return nil, none, fmt.Errorf("%w: %w", errUnready, err)
	}
	if manifest.Has(abi.OpMerge) {
		if b.Merge, err = v.merge(ctx, mod, j, next, leaves); err != nil {
			// The weights do not wait for the vote.
			v.Log.Warn("no vote for an artifact", "netuid", v.NetUID, "epoch", e, "err", err)
		}
	}
	return v.publish(b, rounds)
}

// merge makes the vote for the next artifact, on top of the one of the epoch that
// runs now. An error leaves the validator without a vote.
func (v *Validator) merge(ctx context.Context, mod plugins.Caller, j *job, next *ledger.EpochRecord, leaves [][]evidence.Leaf) (_ *evidence.Merge, err error) {
	manifest := mod.Manifest()
	m := &evidence.Merge{}
	if m.Base, err = v.artifact(ctx, next.Epoch, next.Artifact); err != nil {
		return nil, err
	}
	var rounds []evidence.Round
	first := -1
	for i := range leaves {
		f, err := v.finished(j.rec.Epoch, i)
		if err != nil {
			return nil, err
		}
		if f.Skipped {
			continue
		}
		if first < 0 {
			first = i
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, *r)
	}
	if first < 0 {
		return nil, fmt.Errorf("no round was run")
	}
	_, beta := v.Hotkey.VRF().Prove(round.Alpha(j.rec.Seed, v.NetUID, uint16(first)))
	seed := round.MergeSeed(beta)
	var data [][]byte
	if m.Slices, data, err = v.slices(ctx, j.rec, seed, int(manifest.Slices)); err != nil {
		return nil, err
	}
	req := abi.MergeRequest{Params: j.params.Module, Artifact: m.Base, Slices: data, Payloads: evidence.Payloads(rounds)}
	merged, fuel, err := round.Merge(ctx, mod, seed, &req)
	if err != nil {
		return nil, fmt.Errorf("merging: %w", err)
	}
	m.Fuel, m.Result = fuel, round.ArtifactHash(merged)
	if len(merged) > 0 {
		if err := v.KeepArtifact(v.NetUID, j.rec.Epoch, m.Result, merged); err != nil {
			return nil, fmt.Errorf("keeping the artifact: %w", err)
		}
	}
	return m, nil
}

// publish keeps what the reveal needs, then hands the bundle out to be served.
func (v *Validator) publish(b *evidence.Bundle, rounds int) (*ledger.Opening, [32]byte, error) {
	open := &ledger.Opening{Row: b.Row, CarryIn: evidence.CarryHash(b.CarryIn), CarryOut: evidence.CarryHash(b.CarryOut)}
	if b.Merge != nil {
		open.Artifact = b.Merge.Result
	}
	rand.Read(open.Salt[:]) // crypto/rand never fails
	root, size, err := v.Publish(v.NetUID, b.Epoch, func(w io.Writer) ([32]byte, error) {
		return b.Close(w, rounds, func(i int) (*evidence.Finished, error) { return v.finished(b.Epoch, i) })
	})
	if errors.Is(err, evidence.ErrLarge) {
		err = fmt.Errorf("%w: %w", errUnready, err) // no fault of the loop's, which goes on
	}
	if err != nil {
		return nil, root, fmt.Errorf("validator: publishing evidence: %w", err)
	}
	if err := v.Keep.Put(v.key("carry", b.Epoch), evidence.EncodeCarried(b.CarryOut)); err != nil {
		return nil, root, err
	}
	if err := v.Keep.Put(v.key("root", b.Epoch), root[:]); err != nil {
		return nil, root, err
	}
	// The opening comes last: where it is, the rest is.
	if err := v.Keep.Put(v.key("opening", b.Epoch), open.Append(nil)); err != nil {
		return nil, root, err
	}
	if b.Epoch >= keepEpochs {
		if err := v.forget(b.Epoch-keepEpochs, rounds); err != nil {
			return nil, root, err
		}
	}
	v.Notify(Event{Kind: "evidence", NetUID: v.NetUID, Epoch: b.Epoch, Root: root, Bytes: size})
	return open, root, nil
}

// finished reads a kept round of an epoch; one that was not run is skipped.
func (v *Validator) finished(e ledger.Epoch, i int) (*evidence.Finished, error) {
	raw, err := v.Keep.Get(v.roundKey(e, uint16(i)))
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return evidence.Finish(&evidence.Round{Round: uint16(i), Skipped: true})
	}
	return evidence.DecodeFinished(raw)
}

// gather reads the leaves of an epoch's kept rounds. Too many skipped ones are
// an error; rounds that asked nobody leave nothing.
func (v *Validator) gather(e ledger.Epoch, rounds, skipMax int) ([][]evidence.Leaf, error) {
	skipped, asked := 0, 0
	leaves := make([][]evidence.Leaf, rounds)
	for i := range leaves {
		r, err := v.finished(e, i)
		if err != nil {
			return nil, err
		}
		if r.Skipped {
			skipped++
		}
		leaves[i] = r.Leaves
		asked += len(r.Leaves)
	}
	if asked == 0 {
		return nil, nil
	}
	if skipped*1000 > rounds*skipMax {
		return nil, fmt.Errorf("%w: %d of %d rounds skipped, at most %d thousandths may be", errUnready, skipped, rounds, skipMax)
	}
	return leaves, nil
}
