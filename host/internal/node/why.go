package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/plexus-network/plexus/host/internal/why"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/subnets/evidence"
)

// sources are what this node can explain incomes with: the evidence in its own
// folder and its history of blocks.
func (n *Node) sources() why.Sources {
	s := why.Sources{Bundle: n.kept}
	if x := n.served.index; x != nil {
		s.Events = func(height uint64) ([]ledger.Event, bool) {
			r, err := x.Block(height)
			if err != nil || r == nil {
				return nil, false // not indexed yet, or no more
			}
			return r.Events, true
		}
	}
	return s
}

// errNotKept is why a node has no bundle: those of others it does not keep.
var errNotKept = errors.New("this node does not have it; 'plexus why' fetches it over p2p")

// kept reads a bundle from the node's folder.
func (n *Node) kept(_ context.Context, _ ledger.NetUID, _ ledger.Epoch, root [32]byte, _ ledger.Member) (*evidence.Bundle, error) {
	f, size, err := n.bundles.Open(root, n.closed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotKept
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > evidence.MaxBundle {
		return nil, fmt.Errorf("its file has %d bytes, at most %d may be", size, evidence.MaxBundle)
	}
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return evidence.Decode(raw, root)
}
