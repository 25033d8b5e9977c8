package remote

import (
	"context"
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/chain"
	"github.com/plexus-network/plexus/p2p"
)

// Names of the streams. "light" carries one request and one answer of package
// chain; "submit" one transaction and its reception; "status" the id of a
// transaction and where it is.
const (
	streamLight  = "light"
	streamSubmit = "submit"
	streamStatus = "status"
)

// reply is [1, state, height, code, detail]: of "submit" with height 0 and state
// Pending when the transaction was taken.
type reply struct {
	state  chain.State
	height uint64
	code   ledger.Code
	detail string
}

func (r *reply) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 5), 1)
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(r.state)), r.height)
	return cbor.AppendText(cbor.AppendUint(b, uint64(r.code)), r.detail)
}

func decodeReply(b []byte) (r reply, err error) {
	d := cbor.NewDecoder(b)
	d.Version(5, 1)
	r.state, r.height = chain.State(d.UintMax(uint64(chain.Dropped))), d.Uint()
	r.code, r.detail = ledger.Code(d.UintMax(1<<32-1)), d.Text(4096)
	return r, d.End()
}

// Serve answers the streams of this package with a node.
func Serve(h *p2p.Host, n *chain.Node) {
	h.Handle(streamLight, func(ctx context.Context, s *p2p.Stream) {
		for { // a light client asks many times on one stream
			req, err := s.Recv(chain.MaxRequest)
			if err != nil {
				return
			}
			out, err := n.Answer(ctx, req)
			if err != nil || s.Send(out) != nil {
				return
			}
		}
	})
	h.Handle(streamSubmit, func(_ context.Context, s *p2p.Stream) {
		tx, err := s.Recv(ledger.MaxTx)
		if err != nil {
			return
		}
		r := reply{state: chain.Pending}
		if _, err := n.Submit(tx); err != nil && !errors.Is(err, chain.ErrKnown) {
			r.state, r.detail = chain.Dropped, err.Error()
			if code, ok := ledger.CodeOf(err); ok {
				r.code = code
			}
			var rej *ledger.Reject
			if errors.As(err, &rej) {
				r.detail = rej.Detail
			}
		}
		s.Send(r.append(nil)) // a caller that left does not care
	})
	h.Handle(streamStatus, func(_ context.Context, s *p2p.Stream) {
		b, err := s.Recv(32)
		if err != nil || len(b) != 32 {
			return
		}
		st := n.TxStatus([32]byte(b))
		r := reply{state: st.State, height: st.Height, code: st.Result.Code, detail: st.Result.Detail}
		s.Send(r.append(nil)) // a caller that left does not care
	})
}

// err is the error that a reply stands for.
func (r *reply) err() error {
	switch {
	case r.code != ledger.OK:
		return &ledger.Reject{Code: r.code, Detail: r.detail}
	case r.state == chain.Dropped:
		return fmt.Errorf("the node refused the transaction: %s", r.detail)
	}
	return nil
}
