package key

import (
	"errors"
	"fmt"

	"github.com/mr-tron/base58"
	"golang.org/x/crypto/blake2b"
)

// prefix is the SS58 network prefix under which ids are shown.
const prefix = 42

// ErrAddress is returned for text that is not an SS58 address of prefix 42.
var ErrAddress = errors.New("key: not an address")

func checksum(id []byte) [2]byte {
	h := blake2b.Sum512(append([]byte("SS58PRE\x2a"), id...))
	return [2]byte{h[0], h[1]}
}

// String returns the SS58 form with prefix 42.
func (k ID) String() string {
	sum := checksum(k[:])
	b := append(append([]byte{prefix}, k[:]...), sum[:]...)
	return base58.Encode(b)
}

// Short returns the first characters of the SS58 form, for tables.
func (k ID) Short() string { return k.String()[:8] }

// MarshalText returns the SS58 form.
func (k ID) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText parses the SS58 form.
func (k *ID) UnmarshalText(b []byte) (err error) {
	*k, err = Parse(string(b))
	return err
}

// Parse reads an SS58 address of prefix 42; anything else is ErrAddress.
func Parse(s string) (ID, error) {
	if len(s) > 64 {
		return ID{}, fmt.Errorf("%w: %d characters, an address has 48", ErrAddress, len(s))
	}
	b, err := base58.Decode(s)
	if err != nil {
		return ID{}, fmt.Errorf("%w: %q: %v", ErrAddress, s, err)
	}
	if len(b) != 35 || b[0] != prefix {
		return ID{}, fmt.Errorf("%w: %q is not of network prefix %d", ErrAddress, s, prefix)
	}
	if sum := checksum(b[1:33]); sum[0] != b[33] || sum[1] != b[34] {
		return ID{}, fmt.Errorf("%w: %q has a wrong checksum: a character is mistyped", ErrAddress, s)
	}
	return ID(b[1:33]), nil
}
