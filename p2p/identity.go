package p2p

import (
	"crypto/ed25519"
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// PeerID returns the peer id of the ed25519 key made from seed.
func PeerID(seed [32]byte) peer.ID {
	pub := ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
	id, err := PeerIDFromKey([32]byte(pub))
	if err != nil {
		panic(err) // a public key made from a seed is always one
	}
	return id
}

// PeerIDFromKey returns the peer id of a 32-byte ed25519 public key, the form
// in which chain records name a peer.
func PeerIDFromKey(public [32]byte) (peer.ID, error) {
	k, err := crypto.UnmarshalEd25519PublicKey(public[:])
	if err != nil {
		return "", fmt.Errorf("peer key %x: %w", public[:4], err)
	}
	return peer.IDFromPublicKey(k)
}

// KeyOfPeer returns the ed25519 public key that a peer id holds: the inverse of
// PeerIDFromKey. Peers with another kind of key give an error.
func KeyOfPeer(id peer.ID) (public [32]byte, err error) {
	k, err := id.ExtractPublicKey()
	if err != nil {
		return public, fmt.Errorf("peer %s: %w", id, err)
	}
	raw, err := k.Raw()
	if err != nil || k.Type() != crypto.Ed25519 || len(raw) != len(public) {
		return public, fmt.Errorf("peer %s: not an ed25519 key", id)
	}
	copy(public[:], raw)
	return public, nil
}

func privateKey(seed [32]byte) (crypto.PrivKey, error) {
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
}
