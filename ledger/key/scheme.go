package key

import (
	"errors"
	"fmt"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
)

// Scheme is how a signature was made. It stands beside the signature, not in
// the account: one id is valid under every scheme whose public key it is.
type Scheme uint8

// The schemes. The numbers are part of consensus.
const (
	ED25519 Scheme = 0
	SR25519 Scheme = 1 // Schnorr signatures over Ristretto, as Substrate's
)

// String returns the scheme's name.
func (s Scheme) String() string {
	switch s {
	case ED25519:
		return "ed25519"
	case SR25519:
		return "sr25519"
	}
	return fmt.Sprintf("scheme %d", uint8(s))
}

// Signer holds a secret and signs with it. Seed and Mini are the two there are.
type Signer interface {
	// Public returns the account id of the secret.
	Public() ID
	// Scheme returns what its signatures are.
	Scheme() Scheme
	// Sign signs msg under the tag called name.
	Sign(name string, msg []byte) Signature
}

// ErrScheme is returned for a signature scheme that does not exist.
var ErrScheme = errors.New("key: unknown signature scheme")

// options of every check of an ed25519 signature: cofactored, canonical
// encodings, no small-order keys. A batch can be checked with no others.
var options = &ed25519.Options{Verify: ed25519.VerifyOptionsDefault}

// context separates our sr25519 signatures from those of every other chain.
var context = sr25519.NewSigningContext([]byte("plexus"))

// Scheme returns ED25519.
func (Seed) Scheme() Scheme { return ED25519 }

// Mini is an sr25519 mini-secret. It expands to a key pair as Substrate does,
// so that its public key is the account that Substrate tools show for it. It
// never appears in logs or errors.
type Mini [32]byte

// String hides the secret.
func (Mini) String() string { return "(secret)" }

// GoString hides the secret.
func (Mini) GoString() string { return "(secret)" }

func (m Mini) pair() *sr25519.KeyPair {
	s := sr25519.MiniSecretKey(m)
	return s.ExpandEd25519().KeyPair()
}

// Public returns the public key of m.
func (m Mini) Public() ID {
	b, err := m.pair().PublicKey().MarshalBinary()
	if err != nil {
		panic("key: own public key does not encode: " + err.Error()) // cannot happen: the key is a point
	}
	return ID(b)
}

// Scheme returns SR25519.
func (Mini) Scheme() Scheme { return SR25519 }

// Sign signs msg under the tag called name. Two signatures of one message
// differ: the scheme mixes fresh randomness into the nonce.
func (m Mini) Sign(name string, msg []byte) Signature {
	sig, err := m.pair().Sign(nil, context.NewTranscriptBytes(tagged(name, msg)))
	var b []byte
	if err == nil {
		b, err = sig.MarshalBinary()
	}
	if err != nil {
		panic("key: sr25519 signature: " + err.Error()) // cannot happen: the system's random source does not fail
	}
	return Signature(b)
}

// zero is the id of no account: its point is the neutral element of Ristretto,
// under which anybody can sign.
var zero ID

// VerifyScheme reports ErrSignature unless sig is k's signature of msg under
// the tag called name and the given scheme, and ErrScheme for an unknown one.
func (k ID) VerifyScheme(s Scheme, name string, msg []byte, sig Signature) error {
	switch s {
	case ED25519:
		return k.Verify(name, msg, sig)
	case SR25519:
		pub, parsed, err := k.parseSR25519(sig)
		if err != nil || !pub.Verify(context.NewTranscriptBytes(tagged(name, msg)), parsed) {
			return ErrSignature
		}
		return nil
	}
	return fmt.Errorf("%w %d", ErrScheme, uint8(s))
}

func (k ID) parseSR25519(sig Signature) (*sr25519.PublicKey, *sr25519.Signature, error) {
	if k == zero {
		return nil, nil, ErrSignature
	}
	pub, err := sr25519.NewPublicKeyFromBytes(k[:])
	if err != nil {
		return nil, nil, err
	}
	parsed, err := sr25519.NewSignatureFromBytes(sig[:])
	return pub, parsed, err
}

var (
	_ Signer = Seed{}
	_ Signer = Mini{}
)
