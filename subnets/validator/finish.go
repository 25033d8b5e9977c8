package validator

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
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
		errs = append(errs, v.Keep.Delete(v.roundKey(e, uint16(i))), v.dropState(roundID{e, uint16(i)}))
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
		if v.inFlight(e) || v.unscored(e) || last.commit != 0 && h < last.commit+retryBlocks {
			return nil
		}
		open, root, err := v.close(ctx, view, e)
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
