package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/ledger/store"
)

// UseNode sets Node, View and Prove to those of a full node.
func (c *Config) UseNode(n *chain.Node) {
	c.Node = n
	c.View = func(context.Context) (chain.Head, ledger.View, func(), error) {
		// The head is read around the view, so that both are of one block.
		for range 100 {
			h, v := n.Head(), n.View()
			if v.Height() == h.Height {
				return h, v, func() { v.Close() }, nil
			}
			v.Close()
			time.Sleep(time.Millisecond)
		}
		return chain.Head{}, nil, nil, fmt.Errorf("%w: blocks come faster than they can be read", chain.ErrUnavailable)
	}
	c.Prove = func(_ context.Context, key []byte, height uint64) (out *StateValue, err error) {
		if height == 0 {
			height = n.Head().Height
		}
		err = n.At(height, func(s *store.Snapshot) error {
			v, err := s.Get(key)
			if err != nil {
				return err
			}
			p, err := s.Prove(key)
			if err != nil {
				return err
			}
			out = NewStateValue(key, v, chain.Head{Height: height, Root: s.Root()}, p)
			return nil
		})
		return out, err
	}
}

// UseLight sets View and Prove to those of a light client, whose newest proved
// view is asked for each time. It has the state at one height.
func (c *Config) UseLight(view func(context.Context) (*chain.LightView, error)) {
	c.View = func(ctx context.Context) (chain.Head, ledger.View, func(), error) {
		v, err := view(ctx)
		if err != nil {
			return chain.Head{}, nil, nil, err
		}
		return v.Head(), v, func() {}, nil
	}
	c.Prove = func(ctx context.Context, key []byte, height uint64) (*StateValue, error) {
		v, err := view(ctx)
		if err != nil {
			return nil, err
		}
		if height != 0 && height != v.Height() {
			return nil, problem(http.StatusNotFound, "a light client has the state at height %d only", v.Height())
		}
		value, proof, err := v.Prove(key)
		if err != nil {
			return nil, err
		}
		out, header := NewStateValue(key, value, v.Head(), proof), Hash(v.Head().Hash)
		out.Header = &header
		return out, nil
	}
}
