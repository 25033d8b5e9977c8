package evidence

import (
	"errors"
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/internal/merkle"
)

// MaxProof bounds an encoded inclusion proof.
const MaxProof = 32 << 10

// ErrProof is returned for bytes that are no inclusion proof, and for a proof of
// another root.
var ErrProof = errors.New("evidence: not a proof under this root")

// Proof shows that one leaf stands under an evidence root: that the validator
// published this score and status for this salted hash in this round. It says
// nothing of whether the score is right, which replaying the bundle does.
type Proof struct {
	ChainID   string
	NetUID    ledger.NetUID
	Epoch     ledger.Epoch
	Validator ledger.Hotkey
	Leaf      Leaf

	place    uint64 // of the leaf among those of its round
	leaves   uint64 // of the round
	inRound  [][32]byte
	node     []byte   // what the round node says of itself
	rest     [32]byte // hash of what the node holds beside its leaves
	round    uint64   // place of the round among those of the epoch
	rounds   uint64
	inEpoch  [][32]byte
	rankFuel uint64
	merge    [32]byte // hash of the artifacts
	opening  []byte   // row and carries
}

// Prove proves the response at a place of a round, both counted from 0.
func (b *Bundle) Prove(round, place int) (*Proof, error) {
	if round < 0 || round >= len(b.Rounds) || place < 0 || place >= len(b.Rounds[round].Responses) {
		return nil, fmt.Errorf("evidence: there is no response %d in round %d", place, round)
	}
	r := &b.Rounds[round]
	p := &Proof{ChainID: b.ChainID, NetUID: b.NetUID, Epoch: b.Epoch, Validator: b.Validator, Leaf: r.Responses[place].Leaf,
		place: uint64(place), leaves: uint64(len(r.Responses)), round: uint64(round), rounds: uint64(len(b.Rounds)),
		node: r.nodeHead(), rest: r.rest(), rankFuel: b.RankFuel, merge: b.mergeHash(), opening: b.opening().Append(nil)}
	p.inRound = merkle.Proof(r.leafHashes(), place)
	nodes := make([][32]byte, len(b.Rounds))
	for i := range nodes {
		nodes[i] = b.Rounds[i].hash()
	}
	p.inEpoch = merkle.Proof(nodes, round)
	return p, nil
}

// Verify reports ErrProof unless the proof's leaf stands under root.
func (p *Proof) Verify(root [32]byte) error {
	inRound, ok1 := merkle.Climb(p.leaves, p.place, p.Leaf.hash(), p.inRound)
	node := nodeHash(p.node, p.leaves, inRound, p.rest)
	inEpoch, ok2 := merkle.Climb(p.rounds, p.round, node, p.inEpoch)
	top := Bundle{ChainID: p.ChainID, NetUID: p.NetUID, Epoch: p.Epoch, Validator: p.Validator, RankFuel: p.rankFuel}
	if got := rootHash(top.appendTop(nil, p.merge), p.rounds, inEpoch, p.opening); !ok1 || !ok2 || got != root {
		return fmt.Errorf("%w: %x", ErrProof, root[:6])
	}
	return nil
}

// Append appends [1, chain, netuid, epoch, validator, leaf, place, leaves,
// [sibling, …], node, rest, round, rounds, [sibling, …], fuel, artifacts, opening].
func (p *Proof) Append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 17), 1)
	b = cbor.AppendUint(cbor.AppendText(b, p.ChainID), uint64(p.NetUID))
	b = p.Leaf.Append(cbor.AppendBytes(cbor.AppendUint(b, p.Epoch), p.Validator[:]))
	b = appendPath(cbor.AppendUint(cbor.AppendUint(b, p.place), p.leaves), p.inRound)
	b = cbor.AppendBytes(cbor.AppendBytes(b, p.node), p.rest[:])
	b = appendPath(cbor.AppendUint(cbor.AppendUint(b, p.round), p.rounds), p.inEpoch)
	return cbor.AppendBytes(cbor.AppendBytes(cbor.AppendUint(b, p.rankFuel), p.merge[:]), p.opening)
}

// DecodeProof reads what Append wrote.
func DecodeProof(b []byte) (*Proof, error) {
	if len(b) > MaxProof {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrProof, len(b), MaxProof)
	}
	d := cbor.NewDecoder(b)
	d.Version(17, 1)
	p := &Proof{ChainID: d.Text(ledger.MaxChainID), NetUID: ledger.NetUID(d.UintMax(65535)), Epoch: d.Uint(), Validator: key.ID(d.Hash())}
	p.Leaf.decode(d)
	p.place, p.leaves, p.inRound = d.Uint(), d.Uint(), decodePath(d)
	p.node, p.rest = d.Bytes(256), d.Hash()
	p.round, p.rounds, p.inEpoch = d.Uint(), d.Uint(), decodePath(d)
	p.rankFuel, p.merge, p.opening = d.Uint(), d.Hash(), d.Bytes(MaxProof)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrProof, err)
	}
	return p, nil
}

func appendPath(b []byte, path [][32]byte) []byte {
	b = cbor.AppendArray(b, len(path))
	for _, h := range path {
		b = cbor.AppendBytes(b, h[:])
	}
	return b
}

func decodePath(d *cbor.Decoder) [][32]byte {
	path := make([][32]byte, d.ArrayMax(64))
	for i := range path {
		path[i] = d.Hash()
	}
	return path
}
