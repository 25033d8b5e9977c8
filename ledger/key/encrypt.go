package key

import (
	"errors"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/x25519"
)

// ErrPoint is returned for an encryption key that is no point of the curve.
var ErrPoint = errors.New("key: not an encryption key")

// X25519 is the Montgomery form of an encryption key (Work.Enc), to which can be
// encrypted.
func (k ID) X25519() (pub [32]byte, err error) {
	b, ok := x25519.EdPublicKeyToX25519(k[:])
	if !ok {
		return pub, ErrPoint
	}
	return [32]byte(b), nil
}

// Decryption returns the secret scalar of X25519 with which the holder of a hotkey's
// seed decrypts what was encrypted to its Work.Enc.
func (s Seed) Decryption() (pub, secret [32]byte) {
	enc := s.Derive("enc")
	pub, _ = enc.Public().X25519() // a key that was just made is a point
	return pub, [32]byte(x25519.EdPrivateKeyToX25519(ed25519.NewKeyFromSeed(enc[:])))
}
