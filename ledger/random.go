package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// The first entry of every block is [1, proof]: its proposer's VRF proof over
// the chain id, the height and R of the block before. R of a block is the hash
// of R before it and of the proof's output; the randomness of epochs comes from
// R, so that nobody chooses it: a proposer can only forgo its turn.

// be64 is the big-endian form of x, for hashing.
func be64(x uint64) []byte { return binary.BigEndian.AppendUint64(nil, x) }

func be16(x uint16) []byte { return binary.BigEndian.AppendUint16(nil, x) }

func blockAlpha(chainID string, h Height, r [32]byte) []byte {
	a := key.Hash("block-vrf", []byte(chainID), be64(h), r[:])
	return a[:]
}

// Random returns R of the last block in v.
func Random(v View) (r [32]byte, err error) {
	b, err := v.Get([]byte(prefixRandom))
	if err == nil && len(b) != 32 {
		err = broken("state under %q has %d bytes", prefixRandom, len(b))
	}
	if err != nil {
		return r, err
	}
	return [32]byte(b), nil
}

// ChainID returns the chain id that the state belongs to.
func ChainID(v View) (string, error) {
	b, err := v.Get([]byte(prefixChain))
	if err == nil && len(b) == 0 {
		err = broken("state has no chain id")
	}
	return string(b), err
}

// SealEntry makes the first entry of the block at height h over the state v of
// the block before.
func SealEntry(secret key.VRFSecret, v View, h Height) ([]byte, error) {
	chain, err := ChainID(v)
	if err != nil {
		return nil, err
	}
	r, err := Random(v)
	if err != nil {
		return nil, err
	}
	p, _ := secret.Prove(blockAlpha(chain, h, r))
	return cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(nil, 2), 1), p[:]), nil
}

// openEntry checks a block's first entry against its proposer and returns the
// next R.
func openEntry(v View, b Block) (r [32]byte, err error) {
	if len(b.Entries) == 0 {
		return r, fmt.Errorf("block %d has no entry of its proposer", b.Height)
	}
	var proof key.Proof
	d := cbor.NewDecoder(b.Entries[0])
	d.Version(2, 1)
	d.Fixed(proof[:])
	if err := d.End(); err != nil {
		return r, fmt.Errorf("block %d: proposer's entry: %w", b.Height, err)
	}
	p, ok, err := load[Producer](v, producerKey(b.Proposer))
	if err != nil {
		return r, err
	}
	if !ok {
		return r, fmt.Errorf("block %d: proposer %x is not a producer", b.Height, b.Proposer)
	}
	chain, err := ChainID(v)
	if err != nil {
		return r, err
	}
	prev, err := Random(v)
	if err != nil {
		return r, err
	}
	beta, err := p.VRF.VerifyVRF(blockAlpha(chain, b.Height, prev), proof)
	if err != nil {
		return r, fmt.Errorf("block %d: proposer's entry: %w", b.Height, err)
	}
	return key.Hash("random", prev[:], beta[:]), nil
}

// EpochSeed is S of an epoch: H(chain id, netuid, epoch, R at the block before
// its first).
func EpochSeed(chainID string, n NetUID, e Epoch, r [32]byte) [32]byte {
	return key.Hash("epoch-seed", []byte(chainID), be16(uint16(n)), be64(e), r[:])
}
