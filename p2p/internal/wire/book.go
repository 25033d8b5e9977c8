package wire

import (
	"fmt"

	"github.com/plexus-network/plexus/abi/cbor"
)

// Bounds of a peer book.
const (
	MaxPeers  = 256
	MaxAddrs  = 8   // of one peer
	maxPeerID = 64  // bytes
	maxAddr   = 256 // bytes
)

// BookPeer is a peer as the book keeps it across restarts.
type BookPeer struct {
	ID     []byte   // binary peer id
	Seen   uint64   // when last connected, in seconds since 1970
	Anchor bool     // dialled first, before anyone may fill the connections
	Addrs  [][]byte // binary multiaddrs
}

// AppendBook appends the book [1, [[id, seen, anchor, [addr, ...]], ...]].
func AppendBook(b []byte, peers []BookPeer) []byte {
	b = cbor.AppendArray(cbor.AppendUint(cbor.AppendArray(b, 2), 1), len(peers))
	for _, p := range peers {
		b = cbor.AppendUint(cbor.AppendBytes(cbor.AppendArray(b, 4), p.ID), p.Seen)
		b = cbor.AppendArray(cbor.AppendBool(b, p.Anchor), len(p.Addrs))
		for _, a := range p.Addrs {
			b = cbor.AppendBytes(b, a)
		}
	}
	return b
}

// DecodeBook reads what AppendBook wrote.
func DecodeBook(b []byte) ([]BookPeer, error) {
	d := cbor.NewDecoder(b)
	d.Version(2, 1)
	var out []BookPeer
	for range d.ArrayMax(MaxPeers) {
		d.Array(4)
		p := BookPeer{ID: d.Bytes(maxPeerID), Seen: d.UintMax(1 << 40), Anchor: d.Bool()}
		for range d.ArrayMax(MaxAddrs) {
			p.Addrs = append(p.Addrs, d.Bytes(maxAddr))
		}
		out = append(out, p)
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("peer book: %w", err)
	}
	return out, nil
}
