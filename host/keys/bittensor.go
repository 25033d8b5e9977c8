package keys

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/nacl/secretbox"

	"github.com/plexus-network/plexus/ledger/key"
)

// ErrForeign is returned for a file that is not a Bittensor keyfile that this
// package reads.
var ErrForeign = errors.New("keys: not a Bittensor keyfile")

// What begins Bittensor's keyfiles by how they are encrypted.
const (
	naclPrefix    = "$NACL"
	ansiblePrefix = "$ANSIBLE_VAULT"
	fernetPrefix  = "gAAAA"
)

// naclSalt is the one salt of all of Bittensor's encrypted keyfiles.
var naclSalt = []byte("\x13q\x83\xdf\xf1Z\t\xbc\x9c\x90\xb5Q\x879\xe9\xb1")

// IsEncryptedBittensor reports whether FromBittensor will ask for a password.
func IsEncryptedBittensor(b []byte) bool { return bytes.HasPrefix(b, []byte(naclPrefix)) }

// FromBittensor reads a Bittensor keyfile: its JSON in the clear, or encrypted
// with a password, which takes some seconds and 512 MiB of memory. All of them
// are sr25519. The key must come out at the address that the file states.
func FromBittensor(b []byte, ask func() ([]byte, error)) (Secret, error) {
	if len(b) > maxFile {
		return Secret{}, fmt.Errorf("%w: %d bytes", ErrForeign, len(b))
	}
	switch text := string(b); {
	case strings.HasPrefix(text, naclPrefix):
		if ask == nil {
			return Secret{}, ErrNoPassword
		}
		password, err := ask()
		if err != nil {
			return Secret{}, err
		}
		if b, err = openNaCl(b[len(naclPrefix):], password); err != nil {
			return Secret{}, err
		}
	case strings.HasPrefix(text, ansiblePrefix), strings.HasPrefix(text, fernetPrefix):
		return Secret{}, fmt.Errorf("%w of the present form: it is encrypted in an old way: open it once with btcli, which writes it anew, or import its words", ErrForeign)
	}
	return parseBittensor(b)
}

// nacl is libsodium's "sensitive" limits of argon2i, on one lane.
var nacl = kdf{Time: 8, Memory: 512 << 10}

// openNaCl opens libsodium's secretbox under a password.
func openNaCl(b, password []byte) ([]byte, error) {
	if len(b) < 24+secretbox.Overhead {
		return nil, fmt.Errorf("%w: it is cut short", ErrForeign)
	}
	return openBox(b, [32]byte(argon2.Key(password, naclSalt, nacl.Time, nacl.Memory, 1, 32)))
}

func openBox(b []byte, k [32]byte) ([]byte, error) {
	plain, ok := secretbox.Open(nil, b[24:], (*[24]byte)(b[:24]), &k)
	if !ok {
		return nil, fmt.Errorf("%w, or a damaged keyfile", ErrPassword)
	}
	return plain, nil
}

func parseBittensor(b []byte) (Secret, error) {
	var f struct {
		SecretPhrase *string `json:"secretPhrase"`
		SecretSeed   *string `json:"secretSeed"`
		PrivateKey   *string `json:"privateKey"`
		PublicKey    *string `json:"publicKey"`
		SS58Address  *string `json:"ss58Address"`
		CryptoType   *int    `json:"cryptoType"`
	}
	if json.Unmarshal(b, &f) != nil {
		return Secret{}, ErrForeign
	}
	scheme := key.SR25519
	if f.CryptoType != nil && *f.CryptoType == 0 {
		scheme = key.ED25519
	}
	var s Secret
	err := fmt.Errorf("%w: it has neither words nor a seed", ErrForeign)
	switch {
	case f.SecretPhrase != nil && *f.SecretPhrase != "":
		s, err = FromWords(scheme, *f.SecretPhrase, "", "")
	case f.SecretSeed != nil && *f.SecretSeed != "":
		s, err = FromHex(scheme, *f.SecretSeed, "")
	case f.PrivateKey != nil && *f.PrivateKey != "":
		err = fmt.Errorf("%w with a seed: it has an expanded private key only: import its words", ErrForeign)
	case f.PublicKey != nil || f.SS58Address != nil:
		err = fmt.Errorf("%w with a secret: it is a public one: use plexus key watch", ErrForeign)
	}
	if err != nil {
		return Secret{}, err
	}
	if f.SS58Address == nil || s.Public().String() != *f.SS58Address {
		return Secret{}, fmt.Errorf("%w: its secret makes another address than the one it states", ErrForeign)
	}
	return s, nil
}
