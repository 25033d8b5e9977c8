package chain

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cometbft/cometbft/crypto/merkle"
	"github.com/cometbft/cometbft/types"

	"github.com/plexus-network/plexus/ledger/proof"
	"github.com/plexus-network/plexus/ledger/store"
)

// Prove returns values of the state after a height with what proves them to
// whoever knows the hash of the block that follows. It is ErrUnavailable before
// that block, and for heights that are no longer held: the last 16, of those
// since the node started.
func (n *Node) Prove(height uint64, keys [][]byte) (s proof.State, err error) {
	meta := n.engine.blocks.LoadBlockMeta(int64(height) + 1)
	if meta == nil {
		return s, fmt.Errorf("%w: block %d, whose header names the state after %d", ErrUnavailable, height+1, height)
	}
	s.Height = height
	if s.Header, err = headerProof(&meta.Header); err != nil {
		return s, err
	}
	err = n.app.views.at(height, func(v *store.Snapshot) error {
		for _, k := range keys {
			b, err := v.Get(k)
			if err != nil {
				return err
			}
			p, err := v.Prove(k)
			if err != nil {
				return err
			}
			s.Values = append(s.Values, proof.Value{Key: k, Value: b, Proof: p})
		}
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("the state after block %d: %w", height, err)
	}
	return s, nil
}

// rootField is the place of the state's root among the fields of a header.
const rootField = 10

// headerProof shows that a header names its root.
func headerProof(h *types.Header) (p proof.Header, err error) {
	version, err := h.Version.Marshal()
	if err != nil {
		return p, err
	}
	last := h.LastBlockID.ToProto()
	lastID, err := last.Marshal()
	if err != nil {
		return p, err
	}
	root, all := merkle.ProofsFromByteSlices([][]byte{version, wrapped([]byte(h.ChainID)), number(nil, 1, uint64(h.Height)),
		number(number(nil, 1, uint64(h.Time.Unix())), 2, uint64(h.Time.Nanosecond())), lastID, wrapped(h.LastCommitHash), wrapped(h.DataHash),
		wrapped(h.ValidatorsHash), wrapped(h.NextValidatorsHash), wrapped(h.ConsensusHash), wrapped(h.AppHash), wrapped(h.LastResultsHash),
		wrapped(h.EvidenceHash), wrapped(h.ProposerAddress)})
	aunts := all[rootField].Aunts
	if len(h.AppHash) != len(p.Root) || len(aunts) != len(p.Path) || !bytes.Equal(root, h.Hash()) {
		return p, fmt.Errorf("chain: header %d has another form than this program knows", h.Height)
	}
	copy(p.Root[:], h.AppHash)
	for i := range aunts {
		copy(p.Path[i][:], aunts[i])
	}
	return p, nil
}

// wrapped is protobuf's BytesValue or StringValue, number a field that is a
// number; both are nothing when empty.
func wrapped(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(binary.AppendUvarint([]byte{0x0a}, uint64(len(b))), b...)
}

func number(b []byte, field byte, v uint64) []byte {
	if v == 0 {
		return b
	}
	return binary.AppendUvarint(append(b, field<<3), v)
}
