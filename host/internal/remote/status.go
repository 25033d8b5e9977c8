package remote

import (
	"context"
	"errors"

	"github.com/plexus-network/plexus/ledger/chain"
)

// errUnknown is what a node says of a transaction that it does not know.
var errUnknown = errors.New("transaction unknown")

// TxStatus is where a transaction is, as a node tells it: not proved.
type TxStatus struct {
	State   string // "pending", "included", "refused" or "unknown"
	Height  uint64 // of the block that holds it; a refused one may be in a block too
	Refused error  // why, for a refused one
}

// Status asks the nodes for a transaction until one knows it. That none does is
// the state "unknown"; that none answers is ErrNoNode.
func (r *Remote) Status(ctx context.Context, id [32]byte) (TxStatus, error) {
	rep, err := r.status(ctx, id)
	switch {
	case errors.Is(err, errUnknown):
		return TxStatus{State: "unknown"}, nil
	case err != nil:
		return TxStatus{}, err
	}
	out := TxStatus{State: "pending", Height: rep.height, Refused: rep.err()}
	switch {
	case out.Refused != nil:
		out.State = "refused"
	case rep.state == chain.Included:
		out.State = "included"
	}
	return out, nil
}
