package key

import "github.com/plexus-network/plexus/abi/cbor"

// Work are the keys with which a hotkey works, each derived from its secret:
// VRF draws tasks, Enc is the key to encrypt to (an edwards25519 point, whose
// Montgomery form is the X25519 key), Peer is the libp2p identity under which
// the hotkey answers requests, all zero when it answers none.
type Work struct {
	VRF  ID
	Enc  ID
	Peer ID
}

// Possession proves that whoever registers work keys has their secrets.
type Possession struct {
	VRF  Proof
	Enc  Signature
	Peer Signature // ignored when Work.Peer is zero
}

// Work derives the work keys of a hotkey's seed and proves their possession for
// hotkey. With serve false the peer identity is left out.
func (s Seed) Work(serve bool) (Work, Possession) {
	hot := s.Public()
	vrf, enc, peer := s.VRF(), s.Derive("enc"), s.Derive("peer")
	w := Work{VRF: vrf.Public(), Enc: enc.Public()}
	var p Possession
	p.VRF, _ = vrf.Prove(possessionAlpha(hot))
	p.Enc = enc.Sign("possession-enc", hot[:])
	if serve {
		w.Peer = peer.Public()
		p.Peer = peer.Sign("possession-peer", hot[:])
	}
	return w, p
}

func possessionAlpha(hot ID) []byte {
	h := Hash("possession-vrf", hot[:])
	return h[:]
}

// Verify checks possession of every key in w for hotkey.
func (p *Possession) Verify(hot Hotkey, w Work) error {
	if _, err := w.VRF.VerifyVRF(possessionAlpha(hot), p.VRF); err != nil {
		return err
	}
	if err := w.Enc.Verify("possession-enc", hot[:], p.Enc); err != nil {
		return err
	}
	if w.Peer == (ID{}) {
		return nil
	}
	return w.Peer.Verify("possession-peer", hot[:], p.Peer)
}

// Append appends the keys as three byte strings.
func (w *Work) Append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendBytes(cbor.AppendBytes(b, w.VRF[:]), w.Enc[:]), w.Peer[:])
}

// DecodeWork reads what Append wrote.
func DecodeWork(d *cbor.Decoder) Work {
	return Work{VRF: d.Hash(), Enc: d.Hash(), Peer: d.Hash()}
}

// Append appends the proofs as three byte strings.
func (p *Possession) Append(b []byte) []byte {
	return cbor.AppendBytes(cbor.AppendBytes(cbor.AppendBytes(b, p.VRF[:]), p.Enc[:]), p.Peer[:])
}

// DecodePossession reads what Append wrote.
func DecodePossession(d *cbor.Decoder) (p Possession) {
	d.Fixed(p.VRF[:])
	d.Fixed(p.Enc[:])
	d.Fixed(p.Peer[:])
	return p
}
