package keys

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/oasisprotocol/curve25519-voi/primitives/merlin"
	"github.com/oasisprotocol/curve25519-voi/primitives/sr25519"
	"github.com/tyler-smith/go-bip39"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/pbkdf2"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
)

// Errors of secrets.
var (
	// ErrWords is returned for text that is not a BIP-39 mnemonic of 12 to 24
	// English words. It never quotes the text.
	ErrWords = errors.New("keys: not a mnemonic")
	// ErrSeed is returned for text that is not a seed of 32 bytes.
	ErrSeed = errors.New("keys: not a seed of 64 hexadecimal digits")
	// ErrPath is returned for a derivation path that is not one of hard junctions.
	ErrPath = errors.New("keys: derivation path")
	// ErrScheme is returned where a key of another signature scheme is needed.
	ErrScheme = errors.New("keys: wrong signature scheme")
)

// Secret is what a key file protects: 32 bytes and how they sign. If it came
// from words, they are kept with it for the owner's backup. Its zero value is no
// secret.
type Secret struct {
	scheme key.Scheme
	seed   [32]byte
	words  string // with the path, as in "word word …//path"; empty for a bare seed
}

// String hides the secret.
func (Secret) String() string { return "(secret)" }

// GoString hides the secret.
func (Secret) GoString() string { return "(secret)" }

// Scheme is how the secret signs.
func (s Secret) Scheme() key.Scheme { return s.scheme }

// Public is the account id.
func (s Secret) Public() key.ID { return s.Signer().Public() }

// Signer signs with the secret.
func (s Secret) Signer() key.Signer {
	if s.scheme == key.SR25519 {
		return key.Mini(s.seed)
	}
	return key.Seed(s.seed)
}

// Seed is the seed of an ed25519 secret, as hotkeys are; ErrScheme for another.
func (s Secret) Seed() (key.Seed, error) {
	if s.scheme != key.ED25519 {
		return key.Seed{}, fmt.Errorf("%w: %s is an %s key: hotkeys and consensus keys are ed25519, make one with plexus key new NAME --scheme ed25519",
			ErrScheme, s.Public(), s.scheme)
	}
	return key.Seed(s.seed), nil
}

// Words are the mnemonic and the path that the secret came from, empty if it
// came from a seed.
func (s Secret) Words() string { return s.words }

// Hex is the seed in hexadecimal, for the owner's backup.
func (s Secret) Hex() string { return "0x" + hex.EncodeToString(s.seed[:]) }

// FromSeed is the secret of an ed25519 seed.
func FromSeed(s key.Seed) Secret { return Secret{scheme: key.ED25519, seed: s} }

// Generate makes a secret of new words, 12 or 24 of them.
func Generate(scheme key.Scheme, words int) (Secret, error) {
	if words != 12 && words != 24 {
		return Secret{}, fmt.Errorf("%w: %d words: 12 or 24", ErrWords, words)
	}
	entropy := make([]byte, words*4/3)
	rand.Read(entropy) // crypto/rand never fails
	text, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return Secret{}, ErrWords
	}
	return FromWords(scheme, text, "", "")
}

// FromWords is the secret that Substrate's tools make of the words: PBKDF2 over
// the entropy rather than over the text, then the junctions of path, as in
// "//hot//1". password is that of the words, mostly empty.
func FromWords(scheme key.Scheme, words, path, password string) (Secret, error) {
	words = strings.Join(strings.Fields(strings.ToLower(words)), " ")
	entropy, err := bip39.EntropyFromMnemonic(words)
	if err != nil {
		n := len(strings.Fields(words))
		switch {
		case n != 12 && n != 15 && n != 18 && n != 21 && n != 24:
			err = fmt.Errorf("%w: %d words, a mnemonic has 12, 15, 18, 21 or 24", ErrWords, n)
		case errors.Is(err, bip39.ErrChecksumIncorrect):
			err = fmt.Errorf("%w: its checksum is wrong: a word is another, or two are swapped", ErrWords)
		default:
			err = fmt.Errorf("%w: word %d is not in the English list", ErrWords, unknownWord(words))
		}
		return Secret{}, err
	}
	s := Secret{scheme: scheme, seed: [32]byte(pbkdf2.Key(entropy, []byte("mnemonic"+password), 2048, 64, sha512.New)[:32])}
	if s.seed, err = derive(scheme, s.seed, path); err != nil {
		return Secret{}, err
	}
	s.words = words + path
	if password != "" {
		s.words += " (and a password)"
	}
	return s, nil
}

// unknownWord is the place of the first word that is not in the list, from 1.
func unknownWord(words string) int {
	for i, w := range strings.Fields(words) {
		if _, ok := bip39.GetWordIndex(w); !ok {
			return i + 1
		}
	}
	return 0
}

// FromHex is the secret of a seed in hexadecimal, with or without 0x, and of the
// junctions of path.
func FromHex(scheme key.Scheme, text, path string) (Secret, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(text), "0x"))
	if err != nil || len(b) != 32 {
		return Secret{}, ErrSeed
	}
	seed, err := derive(scheme, [32]byte(b), path)
	return Secret{scheme: scheme, seed: seed}, err
}

// maxPath bounds a path in bytes.
const maxPath = 256

// derive follows the junctions of a path as Substrate does. Soft junctions are
// refused: what they make has no seed of 32 bytes, and whoever has one child's
// secret and the parent's public key has the parent's secret.
func derive(scheme key.Scheme, seed [32]byte, path string) ([32]byte, error) {
	if len(path) > maxPath {
		return seed, fmt.Errorf("%w: %d bytes, at most %d", ErrPath, len(path), maxPath)
	}
	for path != "" {
		rest, ok := strings.CutPrefix(path, "//")
		if !ok {
			return seed, fmt.Errorf("%w %q: soft junctions are not supported: each junction begins with //", ErrPath, path)
		}
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return seed, fmt.Errorf("%w %q: a junction is empty", ErrPath, path)
		}
		cc := chainCode(rest[:end])
		path = rest[end:]
		if scheme == key.ED25519 {
			b := append(scaleText("Ed25519HDKD"), seed[:]...)
			seed = blake2b.Sum256(append(b, cc[:]...))
			continue
		}
		mini := sr25519.MiniSecretKey(seed)
		scalar, err := mini.ExpandEd25519().MarshalBinary()
		if err != nil {
			return seed, fmt.Errorf("%w: %w", ErrPath, err)
		}
		t := merlin.NewTranscript("SchnorrRistrettoHDKD")
		t.AppendMessage("sign-bytes", nil)
		t.AppendMessage("chain-code", cc[:])
		t.AppendMessage("secret-key", scalar[:32])
		t.ExtractBytes(seed[:], "HDKD-hard")
	}
	return seed, nil
}

// chainCode is a junction's 32 bytes: a number as 8 bytes, else the text with its
// length, hashed when that is longer.
func chainCode(junction string) (out [32]byte) {
	if n, err := strconv.ParseUint(junction, 10, 64); err == nil {
		binary.LittleEndian.PutUint64(out[:], n)
		return out
	}
	b := scaleText(junction)
	if len(b) > len(out) {
		return blake2b.Sum256(b)
	}
	copy(out[:], b)
	return out
}

// scaleText is SCALE's encoding of a text shorter than 16 KiB: its length with
// the mode in the low two bits, then the text.
func scaleText(s string) []byte {
	if len(s) < 64 {
		return append([]byte{byte(len(s) << 2)}, s...)
	}
	return append(binary.LittleEndian.AppendUint16(nil, uint16(len(s)<<2|1)), s...)
}

// Development returns a named key that everybody can compute: for local
// networks only, and never worth anything.
func Development(name string) key.Seed {
	return key.Seed(key.Hash("development-key", []byte(name)))
}

// maxWords bounds the kept words and path in bytes.
const maxWords = 1024

// encode is what is encrypted.
func (s Secret) encode() []byte {
	b := cbor.AppendUint(cbor.AppendArray(nil, 3), 1)
	b = cbor.AppendBytes(b, s.seed[:])
	return cbor.AppendText(b, s.words)
}

func decodeSecret(scheme key.Scheme, b []byte) (Secret, error) {
	d := cbor.NewDecoder(b)
	d.Version(3, 1)
	s := Secret{scheme: scheme, seed: d.Hash(), words: d.Text(maxWords)}
	if err := d.End(); err != nil {
		return Secret{}, ErrFile
	}
	return s, nil
}
