package validator

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/plugins"
	"github.com/plexus-network/plexus/subnets/evidence"
	"github.com/plexus-network/plexus/subnets/round"
)

// errUnready marks what keeps an epoch from being closed now and may pass, or
// never be mended: the loop goes on either way.
var errUnready = errors.New("epoch cannot be closed")

// retryBlocks is how many blocks a commit or a reveal may stay out of the chain
// before it is sent again.
const retryBlocks = 2

// Keys of the keep. They begin with the subnet and the epoch, so that an epoch
// is forgotten key by key.
func (v *Validator) key(kind string, e ledger.Epoch) []byte {
	b := append([]byte(kind+"/"), byte(v.NetUID>>8), byte(v.NetUID))
	b = append(b, v.self[:]...)
	return binary.BigEndian.AppendUint64(b, e)
}

func (v *Validator) roundKey(e ledger.Epoch, r uint16) []byte {
	return binary.BigEndian.AppendUint16(v.key("finished", e), r)
}

// keepEpochs is how long rounds and openings are kept; carries are needed no
// longer than ledger.CarryEpochs.
const keepEpochs = 2 * ledger.CarryEpochs

// forget drops what was kept of an old epoch.
func (v *Validator) forget(e ledger.Epoch, rounds int) error {
	errs := []error{v.Keep.Delete(v.key("opening", e)), v.Keep.Delete(v.key("root", e)), v.Keep.Delete(v.key("carry", e))}
	for i := range rounds {
		errs = append(errs, v.Keep.Delete(v.roundKey(e, uint16(i))))
	}
	return errors.Join(errs...)
}

// carried finds the carries with a hash among those of the epochs before e that
// may still count.
func (v *Validator) carried(e ledger.Epoch, h [32]byte) ([]evidence.Carried, error) {
	for back := ledger.Epoch(1); back <= ledger.CarryEpochs && back <= e; back++ {
		kept, err := v.Keep.Get(v.key("carry", e-back))
		if err != nil {
			return nil, err
		}
		if kept == nil {
			continue
		}
		c, err := evidence.DecodeCarried(kept)
		if err != nil {
			return nil, err
		}
		if evidence.CarryHash(c) == h {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%w: carry %x is not kept", errUnready, h[:6])
}

// finish commits and reveals the epoch before the running one.
func (v *Validator) finish(ctx context.Context, view ledger.View, clock *ledger.Clock, h ledger.Height) error {
	e := clock.Epoch - 1
	sub, err := ledger.LoadSubnet(view, v.NetUID)
	if err != nil {
		return err
	}
	window := clock.First + sub.Params.CommitWindow()
	com, err := ledger.LoadCommitted(view, v.NetUID, e, v.self)
	if err != nil {
		return err
	}
	last := v.sent[e]
	next := h + 1 // the block that can hold what is sent now
	switch {
	case com == nil && next < window:
		if v.inFlight(e) || last.commit != 0 && h < last.commit+retryBlocks {
			return nil
		}
		open, root, err := v.close(ctx, view, e, sub)
		if err != nil || open == nil {
			return err
		}
		p := &ledger.Commit{NetUID: v.NetUID, Epoch: e, Evidence: root,
			Commitment: open.Commitment(v.ChainID, v.NetUID, e, v.self, root)}
		if err := v.Chain.Submit(ledger.Sign(v.Hotkey, v.ChainID, 0, window-1, p)); err != nil {
			return fmt.Errorf("%w: committing: %w", errUnready, err)
		}
		last.commit = h
		v.Notify(Event{Kind: "commit", NetUID: v.NetUID, Epoch: e, Root: root})
	case com != nil && next >= window:
		done, err := ledger.LoadReveal(view, v.NetUID, e, v.self)
		if err != nil || done != nil || last.reveal != 0 && h < last.reveal+retryBlocks {
			return err
		}
		b, err := v.Keep.Get(v.key("opening", e))
		if err != nil {
			return err
		}
		open, err := ledger.DecodeOpening(b)
		if err != nil {
			return fmt.Errorf("%w: the opening of epoch %d is not kept: %v", errUnready, e, err)
		}
		p := &ledger.Reveal{NetUID: v.NetUID, Epoch: e, Opening: open}
		end := clock.First + uint64(sub.Params.Tempo) - 1
		if err := v.Chain.Submit(ledger.Sign(v.Hotkey, v.ChainID, 0, end, p)); err != nil {
			return fmt.Errorf("%w: revealing: %w", errUnready, err)
		}
		last.reveal = h
		v.Notify(Event{Kind: "reveal", NetUID: v.NetUID, Epoch: e})
	default:
		return nil
	}
	v.sent[e] = last
	delete(v.sent, e-2)
	return nil
}

// close ranks an epoch and makes its bundle, or finds that it did so before. It
// returns nil when there is nothing to commit.
func (v *Validator) close(ctx context.Context, view ledger.View, e ledger.Epoch, sub *ledger.Subnet) (*ledger.Opening, [32]byte, error) {
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
	rec, err := ledger.LoadRecord(view, v.NetUID, e)
	if err != nil || rec == nil {
		return nil, none, err
	}
	roster, err := ledger.LoadRoster(view, v.NetUID, e)
	if err != nil {
		return nil, none, err
	}
	if me := roster.Index(v.self); me < 0 || !roster[me].Permit {
		return nil, none, nil
	}
	b := &evidence.Bundle{ChainID: v.ChainID, NetUID: v.NetUID, Epoch: e, Validator: v.self}
	rounds := len(sub.Params.Rounds)
	leaves, err := v.gather(e, rounds, int(sub.Params.SkipMax))
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
	ranks, fuel, err := round.Rank(ctx, mod, rec.Seed, sub.Params.Module, evidence.Rows(leaves, roster, b.CarryIn))
	if err != nil {
		return nil, none, fmt.Errorf("%w: ranking: %w", errUnready, err)
	}
	b.RankFuel = fuel
	b.Row, b.CarryOut = evidence.Outcome(roster, ranks)
	if len(b.Row.Weights) == 0 {
		return nil, none, nil
	}
	return v.publish(b, rounds)
}

// publish keeps what the reveal needs, then hands the bundle out to be served.
func (v *Validator) publish(b *evidence.Bundle, rounds int) (*ledger.Opening, [32]byte, error) {
	open := &ledger.Opening{Row: b.Row, CarryIn: evidence.CarryHash(b.CarryIn), CarryOut: evidence.CarryHash(b.CarryOut)}
	rand.Read(open.Salt[:]) // crypto/rand never fails
	root, size, err := v.Publish(v.NetUID, b.Epoch, func(w io.Writer) ([32]byte, error) {
		return b.Close(w, rounds, func(i int) (*evidence.Finished, error) { return v.finished(b.Epoch, i) })
	})
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
