package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Transfer moves TAO to another account: [1, to, amount].
type Transfer struct {
	To     key.ID
	Amount unit.TAO
}

func (*Transfer) kind() Kind { return KindTransfer }

func (p *Transfer) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 3), 1)
	b = cbor.AppendBytes(b, p.To[:])
	return cbor.AppendUint(b, uint64(p.Amount))
}

func decodeTransfer(d *cbor.Decoder) *Transfer {
	d.Version(3, 1)
	return &Transfer{To: d.Hash(), Amount: unit.TAO(d.Uint())}
}

// Register buys a uid in a subnet for a hotkey that the signing coldkey will
// own: [1, netuid, hotkey, max price, vrf, enc, peer, proofs of possession].
// The price is swapped to the subnet's alpha, which is burned.
type Register struct {
	NetUID   NetUID
	Hotkey   Hotkey
	MaxPrice unit.TAO // the registration fails above it
	Work     key.Work
	Proof    key.Possession
}

func (*Register) kind() Kind { return KindRegister }

func (p *Register) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 10), 1)
	b = cbor.AppendUint(b, uint64(p.NetUID))
	b = cbor.AppendBytes(b, p.Hotkey[:])
	b = cbor.AppendUint(b, uint64(p.MaxPrice))
	b = p.Work.Append(b)
	return p.Proof.Append(b)
}

func decodeRegister(d *cbor.Decoder) *Register {
	d.Version(10, 1)
	return &Register{NetUID: NetUID(d.UintMax(1<<16 - 1)), Hotkey: d.Hash(), MaxPrice: unit.TAO(d.Uint()),
		Work: key.DecodeWork(d), Proof: key.DecodePossession(d)}
}

// Stake puts TAO behind a hotkey: on the root network one for one, on a subnet
// by buying its alpha from the pool: [2, netuid, hotkey, amount, least, limit,
// partial].
type Stake struct {
	NetUID NetUID
	Hotkey Hotkey
	Amount unit.TAO
	// What follows is ignored on the root network.
	Least   unit.Alpha // fewest alpha to accept
	Limit   PriceLimit // what the trade may leave the price at, at most
	Partial bool       // stake as much as the limit allows, instead of all or nothing
}

func (*Stake) kind() Kind { return KindStake }

func (p *Stake) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 7), 2)
	b = cbor.AppendUint(b, uint64(p.NetUID))
	b = cbor.AppendBytes(b, p.Hotkey[:])
	b = cbor.AppendUint(b, uint64(p.Amount))
	b = cbor.AppendUint(cbor.AppendUint(b, uint64(p.Least)), uint64(p.Limit))
	return cbor.AppendBool(b, p.Partial)
}

func decodeStake(d *cbor.Decoder) *Stake {
	d.Version(7, 2)
	return &Stake{NetUID: NetUID(d.UintMax(1<<16 - 1)), Hotkey: d.Hash(), Amount: unit.TAO(d.Uint()), Least: unit.Alpha(d.Uint()),
		Limit: PriceLimit(d.Uint()), Partial: d.Bool()}
}

// Commit binds a validator to its weights of an epoch before anyone can see
// them: [2, netuid, epoch, commitment, evidence root, mechanism].
type Commit struct {
	NetUID     NetUID
	Epoch      Epoch
	Commitment [32]byte // see Opening.Commitment
	Evidence   [32]byte // root of the evidence bundle
	Mechanism  uint8    // incentive mechanism of the subnet, 0 for the first
}

func (*Commit) kind() Kind { return KindCommit }

func (p *Commit) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 6), 2)
	b = cbor.AppendUint(b, uint64(p.NetUID))
	b = cbor.AppendUint(b, p.Epoch)
	b = cbor.AppendBytes(b, p.Commitment[:])
	return cbor.AppendUint(cbor.AppendBytes(b, p.Evidence[:]), uint64(p.Mechanism))
}

func decodeCommit(d *cbor.Decoder) *Commit {
	d.Version(6, 2)
	return &Commit{NetUID: NetUID(d.UintMax(maxNetUID)), Epoch: d.Uint(), Commitment: d.Hash(), Evidence: d.Hash(),
		Mechanism: uint8(d.UintMax(maxMechanisms - 1))}
}

// Reveal opens a commitment: [2, netuid, epoch, mechanism, opening].
type Reveal struct {
	NetUID    NetUID
	Epoch     Epoch
	Mechanism uint8
	Opening
}

func (*Reveal) kind() Kind { return KindReveal }

func (p *Reveal) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendArray(b, 5), 2)
	b = cbor.AppendUint(b, uint64(p.NetUID))
	b = cbor.AppendUint(cbor.AppendUint(b, p.Epoch), uint64(p.Mechanism))
	return cbor.AppendBytes(b, p.Opening.Append(nil))
}

func decodeReveal(d *cbor.Decoder) *Reveal {
	d.Version(5, 2)
	r := &Reveal{NetUID: NetUID(d.UintMax(maxNetUID)), Epoch: d.Uint(), Mechanism: uint8(d.UintMax(maxMechanisms - 1))}
	o, err := DecodeOpening(d.Bytes(MaxTx))
	if d.Err() == nil && err != nil {
		d.Fail(err)
	}
	r.Opening = o
	return r
}
