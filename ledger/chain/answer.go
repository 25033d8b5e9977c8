package chain

import (
	"context"
	"errors"
	"fmt"

	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger/chain/internal/wire"
	"github.com/plexus-network/plexus/ledger/store"
)

// Answer serves one request of a light client. Every request has an answer, a
// malformed one too; the error is that of a store that cannot be read, and the
// transport should then close.
func (n *Node) Answer(_ context.Context, req []byte) ([]byte, error) {
	r, err := decodeRequest(req)
	if err != nil {
		return encodeAnswer(nil, err), nil
	}
	payload, err := n.answer(r)
	if len(payload) > MaxAnswer-wire.MaxDetail-64 {
		payload, err = nil, ErrTooLarge
	}
	if err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrTooLarge) {
		return nil, err
	}
	return encodeAnswer(payload, err), nil
}

func (n *Node) answer(r wire.Request) ([]byte, error) {
	switch r.Kind {
	case wire.AskStatus:
		h := n.provable()
		if h == 0 {
			return nil, fmt.Errorf("%w: there are no two blocks yet", ErrUnavailable)
		}
		// After a start only the newest state is held, whose header comes with the
		// next block.
		if err := n.app.views.at(h, func(*store.Snapshot) error { return nil }); err != nil {
			return nil, fmt.Errorf("%w: the node has just started and proves nothing before its next block", ErrUnavailable)
		}
		return wire.Status{Height: h, Genesis: n.GenesisHash()}.Encode(), nil
	case wire.AskGenesis:
		return n.cfg.Genesis.Encode(), nil
	case wire.AskHeader:
		b, err := n.lightBlock(int64(r.Height))
		if err != nil {
			return nil, err
		}
		p, err := b.ToProto()
		if err != nil {
			return nil, err
		}
		return p.Marshal()
	case wire.AskHash:
		m := n.engine.blocks.LoadBlockMeta(int64(r.Height))
		if m == nil {
			return nil, fmt.Errorf("%w: block %d", ErrUnavailable, r.Height)
		}
		return m.BlockID.Hash, nil
	}
	return n.proofs(r)
}

// provable is the newest height whose state can be proved: the one before the
// newest header.
func (n *Node) provable() uint64 {
	h := uint64(max(n.engine.blocks.Height()-1, 0))
	return min(h, n.Head().Height)
}

func (n *Node) proofs(r wire.Request) ([]byte, error) {
	out := make([]wire.Proved, len(r.Keys))
	total := 0
	err := n.app.views.at(r.Height, func(s *store.Snapshot) error {
		for i, k := range r.Keys {
			v, err := s.Get(k)
			if err != nil {
				return err
			}
			p, err := s.Prove(k)
			if err != nil {
				return err
			}
			out[i] = wire.Proved{Value: v, Proof: p}
			for _, n := range []*store.Neighbour{p.Left, p.Right} {
				if n != nil {
					total += len(n.Value)
				}
			}
			if total += len(v); total > MaxAnswer {
				return ErrTooLarge
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("height %d: %w", r.Height, err)
	}
	return wire.EncodeProofs(out), nil
}

// lightBlock returns a header with the votes for it and who could vote.
func (n *Node) lightBlock(h int64) (*types.LightBlock, error) {
	missing := fmt.Errorf("%w: header %d", ErrUnavailable, h)
	meta := n.engine.blocks.LoadBlockMeta(h)
	if meta == nil {
		return nil, missing
	}
	commit := n.engine.blocks.LoadBlockCommit(h)
	if commit == nil { // of the newest block: the votes seen here
		if commit = n.engine.blocks.LoadSeenCommit(h); commit == nil {
			return nil, missing
		}
	}
	vals, err := n.engine.state.LoadValidators(h)
	if err != nil {
		return nil, missing
	}
	return &types.LightBlock{SignedHeader: &types.SignedHeader{Header: &meta.Header, Commit: commit}, ValidatorSet: vals}, nil
}
