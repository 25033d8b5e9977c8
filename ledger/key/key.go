// Package key holds the identities of the ledger: account ids and their text
// form, signatures over tagged messages, the keys derived from a hotkey's
// secret, and verifiable random functions.
//
// There is no raw signing: every signature is over tag ‖ message, where the
// tag names what is signed. Signatures are ed25519 or sr25519 and are checked
// by one library with one set of options (for ed25519: cofactored, canonical
// encodings, no small-order keys) everywhere, one by one or in batches, because
// two verifiers that disagree on a crafted signature would fork the chain.
package key

import (
	"crypto/sha256"
	"errors"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519/extra/ecvrf"

	"github.com/plexus-network/plexus/abi/cbor"
)

// ID is an account, a hotkey or any other public key: 32 bytes. An account may
// also be a hash, of which nobody has the secret.
type ID [32]byte

// Hotkey signs work; Coldkey owns value. Both are account ids.
type (
	Hotkey  = ID
	Coldkey = ID
)

// Seed is an ed25519 secret seed. It never appears in logs or errors.
type Seed [32]byte

// String hides the secret.
func (Seed) String() string { return "(secret)" }

// GoString hides the secret.
func (Seed) GoString() string { return "(secret)" }

// SignatureSize is the size of a signature in bytes.
const SignatureSize = ed25519.SignatureSize

// Signature is an ed25519 or sr25519 signature over tag ‖ message.
type Signature [SignatureSize]byte

// ErrSignature is returned for a signature that does not verify.
var ErrSignature = errors.New("key: signature does not verify")

// Hash is the domain-separated hash of the project: SHA-256 over the canonical
// array ["plexus/<name>/v1", part, …] of one text and byte strings.
func Hash(name string, parts ...[]byte) [32]byte {
	n := 32 + len(name)
	for _, p := range parts {
		n += len(p) + 9
	}
	if n > inOnePiece {
		return hashLong(name, parts)
	}
	b := cbor.AppendArray(make([]byte, 0, n), 1+len(parts))
	b = cbor.AppendText(b, "plexus/"+name+"/v1")
	for _, p := range parts {
		b = cbor.AppendBytes(b, p)
	}
	return sha256.Sum256(b)
}

// inOnePiece is up to how many bytes copying costs less than hashing in pieces.
const inOnePiece = 4096

// hashLong is Hash without a copy of the parts.
func hashLong(name string, parts [][]byte) (out [32]byte) {
	h := sha256.New()
	b := cbor.AppendText(cbor.AppendArray(make([]byte, 0, 64), 1+len(parts)), "plexus/"+name+"/v1")
	for _, p := range parts {
		h.Write(cbor.AppendBytesHead(b, len(p)))
		h.Write(p)
		b = b[:0]
	}
	h.Sum(out[:0])
	return out
}

func tagged(name string, msg []byte) []byte {
	b := make([]byte, 0, len("plexus//v1\x00")+len(name)+len(msg))
	b = append(b, "plexus/"...)
	b = append(b, name...)
	b = append(b, "/v1\x00"...)
	return append(b, msg...)
}

// Public returns the public key of s.
func (s Seed) Public() ID {
	return ID(ed25519.NewKeyFromSeed(s[:])[32:])
}

// Sign signs msg under the tag called name.
func (s Seed) Sign(name string, msg []byte) Signature {
	return Signature(ed25519.Sign(ed25519.NewKeyFromSeed(s[:]), tagged(name, msg)))
}

// Verify reports ErrSignature unless sig is k's ed25519 signature of msg under
// the tag called name.
func (k ID) Verify(name string, msg []byte, sig Signature) error {
	if !ed25519.VerifyWithOptions(k[:], tagged(name, msg), sig[:], options) {
		return ErrSignature
	}
	return nil
}

// Derive returns the secret for one purpose, derived from a hotkey's seed: the
// VRF and the signature must not share a secret, since the VRF draws its nonce
// from the same prefix.
func (s Seed) Derive(purpose string) Seed { return Seed(Hash("derive-"+purpose, s[:])) }

// ProofSize is the size of a VRF proof in bytes.
const ProofSize = 80

// Proof is a proof of ECVRF-EDWARDS25519-SHA512-ELL2 (RFC 9381).
type Proof [ProofSize]byte

// VRFSecret proves; its public key verifies.
type VRFSecret Seed

// String hides the secret.
func (VRFSecret) String() string { return "(secret)" }

// GoString hides the secret.
func (VRFSecret) GoString() string { return "(secret)" }

// VRF returns the VRF secret derived from a hotkey's seed.
func (s Seed) VRF() VRFSecret { return VRFSecret(s.Derive("vrf")) }

// Public returns the VRF's public key.
func (v VRFSecret) Public() ID { return Seed(v).Public() }

// Prove returns the proof for alpha and β, its 32-byte output: the hash of the
// VRF's 64-byte output.
func (v VRFSecret) Prove(alpha []byte) (Proof, [32]byte) {
	pi := ecvrf.Prove(ed25519.NewKeyFromSeed(v[:]), alpha)
	out, err := ecvrf.ProofToHash(pi)
	if err != nil {
		panic("key: own proof does not decode: " + err.Error()) // cannot happen: the proof was just made
	}
	return Proof(pi), Hash("beta", out)
}

// ErrProof is returned for a VRF proof that does not verify.
var ErrProof = errors.New("key: vrf proof does not verify")

// VerifyVRF checks that p is k's proof for alpha and returns β.
func (k ID) VerifyVRF(alpha []byte, p Proof) ([32]byte, error) {
	ok, out := ecvrf.Verify(k[:], p[:], alpha)
	if !ok {
		return [32]byte{}, ErrProof
	}
	return Hash("beta", out), nil
}
