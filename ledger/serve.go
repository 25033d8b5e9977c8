package ledger

import (
	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Serve says under which peer identity a hotkey answers requests, or, with a
// zero peer, that it answers none: [1, netuid, peer, proof, reset]. It holds no
// address: a peer is found by its identity. It costs nothing and is signed by
// the hotkey, once per serve_interval of the subnet. Reset asks the next step to
// drop the bonds toward the hotkey, where the subnet allows that: for a miner
// that answers with something new.
type Serve struct {
	NetUID NetUID
	Peer   key.ID
	Proof  key.Signature // by the peer's key, as in key.Possession
	Reset  bool
}

func (*Serve) kind() Kind { return KindServe }

func (p *Serve) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 5), 1), uint64(p.NetUID))
	b = cbor.AppendBytes(cbor.AppendBytes(b, p.Peer[:]), p.Proof[:])
	return cbor.AppendBool(b, p.Reset)
}

func decodeServe(d *cbor.Decoder) *Serve {
	d.Version(5, 1)
	p := &Serve{NetUID: decodeNetUID(d), Peer: d.Hash()}
	d.Fixed(p.Proof[:])
	p.Reset = d.Bool()
	return p
}

// checkServe is checkFree of a serving record.
func checkServe(v View, t *Tx, p *Serve, h Height) error {
	sub, err := LoadSubnet(v, p.NetUID)
	if err != nil {
		return err
	}
	if sub == nil {
		return reject(CodeNetUID, "netuid %d", p.NetUID)
	}
	if _, ok, err := FindUID(v, p.NetUID, t.Account); err != nil || !ok {
		if err != nil {
			return err
		}
		return reject(CodeUnregistered, "%s has no uid in netuid %d", t.Account, p.NetUID)
	}
	last, ok, err := load[stamp](v, servedKey(p.NetUID, t.Account))
	if err != nil {
		return err
	}
	if next := last.Height + sub.Params.ServeInterval; ok && h < next {
		return reject(CodeSlot, "%s served in netuid %d at block %d: allowed again at block %d", t.Account, p.NetUID, last.Height, next)
	}
	return nil
}

func applyServe(s *state, t *Tx, p *Serve) error {
	if p.Peer != (key.ID{}) && p.Peer.Verify("possession-peer", t.Account[:], p.Proof) != nil {
		return reject(CodePossession, "of the peer identity %s", p.Peer)
	}
	u, _, err := FindUID(s, p.NetUID, t.Account)
	if err != nil {
		return err
	}
	nr := need[Neuron](s, neuronKey(p.NetUID, u))
	nr.Work.Peer, nr.Reset = p.Peer, nr.Reset || p.Reset
	store(s, neuronKey(p.NetUID, u), nr)
	s.emit(Event{Kind: "serving", NetUID: p.NetUID, Hotkey: t.Account})
	return s.err
}

// RotateWorkKeys gives a neuron other work keys, by the coldkey that owns its
// hotkey: [1, netuid, hotkey, work keys, proofs of possession]. They count from
// the next epoch, whose roster is the first to hold them.
type RotateWorkKeys struct {
	NetUID NetUID
	Hotkey Hotkey
	Work   key.Work
	Proof  key.Possession
}

func (*RotateWorkKeys) kind() Kind { return KindRotateWorkKeys }

func (p *RotateWorkKeys) append(b []byte) []byte {
	b = cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(b, 9), 1), uint64(p.NetUID))
	b = p.Work.Append(cbor.AppendBytes(b, p.Hotkey[:]))
	return p.Proof.Append(b)
}

func decodeRotateWorkKeys(d *cbor.Decoder) *RotateWorkKeys {
	d.Version(9, 1)
	return &RotateWorkKeys{decodeNetUID(d), d.Hash(), key.DecodeWork(d), key.DecodePossession(d)}
}

func applyRotateWorkKeys(s *state, t *Tx, p *RotateWorkKeys) error {
	if err := p.Proof.Verify(p.Hotkey, p.Work); err != nil {
		return reject(CodePossession, "%v", err)
	}
	u, ok, err := FindUID(s, p.NetUID, p.Hotkey)
	if err != nil {
		return err
	}
	if !ok {
		return reject(CodeUnregistered, "%s has no uid in netuid %d", p.Hotkey, p.NetUID)
	}
	if o := owner(s, p.Hotkey); o != t.Account {
		return reject(CodeOwner, "%s belongs to %s", p.Hotkey, o)
	}
	nr := need[Neuron](s, neuronKey(p.NetUID, u))
	nr.Work = p.Work
	store(s, neuronKey(p.NetUID, u), nr)
	s.emit(Event{Kind: "work_keys_rotated", NetUID: p.NetUID, Hotkey: p.Hotkey})
	return s.err
}
