package key

import "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

// Expanded is a Seed that signs in about half of the time: what follows from the
// seed alone is computed once. It is a secret like the seed.
type Expanded struct{ private ed25519.PrivateKey }

// Expand computes what signing needs.
func (s Seed) Expand() Expanded { return Expanded{ed25519.NewKeyFromSeed(s[:])} }

// String hides the secret.
func (Expanded) String() string { return "(secret)" }

// GoString hides the secret.
func (Expanded) GoString() string { return "(secret)" }

// Public returns the public key.
func (s Expanded) Public() ID { return ID(s.private[32:]) }

// Sign is Seed.Sign.
func (s Expanded) Sign(name string, msg []byte) Signature {
	return Signature(ed25519.Sign(s.private, tagged(name, msg)))
}

// Scheme is that of a Seed.
func (Expanded) Scheme() Scheme { return ED25519 }

// Verifier verifies as its ID does, in less time: what follows from the key alone
// is computed once. It takes some kilobytes.
type Verifier struct {
	id       ID
	expanded *ed25519.ExpandedPublicKey // nil for an id that is no key
}

// Verifier returns the verifier of k, whose every signature is wrong if k is no
// key.
func (k ID) Verifier() *Verifier {
	e, err := ed25519.NewExpandedPublicKey(k[:])
	if err != nil {
		e = nil
	}
	return &Verifier{k, e}
}

// ID returns the key.
func (v *Verifier) ID() ID { return v.id }

// Verify is ID.Verify.
func (v *Verifier) Verify(name string, msg []byte, sig Signature) error {
	if v.expanded == nil || !ed25519.VerifyExpandedWithOptions(v.expanded, tagged(name, msg), sig[:], options) {
		return ErrSignature
	}
	return nil
}

var _ Signer = Expanded{}
