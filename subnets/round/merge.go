package round

import (
	"bytes"
	"context"
	"fmt"
	"sort"

	"github.com/plexus-network/plexus/abi"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/plugins"
)

// MaxMerged bounds the bytes of the answers that one merge sees.
const MaxMerged = 8 << 20

// Distinct returns each payload once, in the order of their hashes, as merge sees
// them: the first abi.MaxPayloads of them, up to the first that would bring them
// above MaxMerged bytes. A round with two times the answers is no better heard
// than one, and what is left out depends on hashes alone.
func Distinct(payloads [][]byte) [][]byte {
	type named struct {
		hash [32]byte
		data []byte
	}
	all := make([]named, len(payloads))
	for i, p := range payloads {
		all[i] = named{key.Hash("payload-order", p), p}
	}
	sort.Slice(all, func(i, j int) bool { return bytes.Compare(all[i].hash[:], all[j].hash[:]) < 0 })
	out, size := [][]byte{}, 0
	for i, p := range all {
		if i > 0 && p.hash == all[i-1].hash {
			continue
		}
		if size += len(p.data); size > MaxMerged || len(out) == abi.MaxPayloads {
			break
		}
		out = append(out, p.data)
	}
	return out
}

// Merge makes the artifact that a validator's answers of an epoch make of the one
// in force, empty for no change. seed is MergeSeed.
func Merge(ctx context.Context, m plugins.Caller, seed [32]byte, req *abi.MergeRequest) ([]byte, uint64, error) {
	out, err := m.Call(ctx, abi.OpMerge, req.Append(nil), seed)
	if err != nil {
		return nil, 0, err
	}
	got, err := abi.DecodeMerged(out.Body)
	if err != nil {
		return nil, out.Fuel, fmt.Errorf("%w: merge: %w", plugins.ErrABI, err)
	}
	return got.Artifact, out.Fuel, nil
}
