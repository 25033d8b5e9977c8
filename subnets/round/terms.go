package round

import (
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// Terms are what a round's task is drawn from beside its randomness.
type Terms struct {
	Params   []byte // the subnet's, for its module
	Slices   [][]byte
	Artifact []byte        // the subnet's in the epoch, empty for none
	Height   ledger.Height // at which the round begins
	Last     ledger.Height // at which it may be scored at the latest
}

// Begin is the block at which a round of an epoch begins.
func Begin(rec *ledger.EpochRecord, p *ledger.SubnetParams, round uint16) ledger.Height {
	return rec.First + uint64(p.Rounds[round])
}

// Last is the last height at which a round of an epoch may be scored: its values
// are proved by the header that follows, and the next block may be the epoch's
// last.
func Last(rec *ledger.EpochRecord, p *ledger.SubnetParams) ledger.Height {
	return rec.First + uint64(max(p.Tempo, 3)) - 3
}

// RequestID is the id of a validator's request to a miner in the round of that
// randomness: there is one, so that nobody is asked twice for the better answer.
func RequestID(beta [32]byte, callee ledger.Hotkey) [16]byte {
	h := key.Hash("request", beta[:], callee[:])
	return [16]byte(h[:])
}

// ArtifactHash names an artifact, zero for none.
func ArtifactHash(b []byte) [32]byte {
	if len(b) == 0 {
		return [32]byte{}
	}
	return key.Hash("artifact", b)
}

// MergeSeed is what a validator's data slices for merge are drawn from: the
// randomness of the first round that it ran.
func MergeSeed(beta [32]byte) [32]byte { return key.Hash("merge", beta[:]) }
