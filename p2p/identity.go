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

func privateKey(seed [32]byte) (crypto.PrivKey, error) {
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
}
