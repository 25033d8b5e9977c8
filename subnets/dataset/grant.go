package dataset

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/nacl/box"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger"
	"github.com/plexus-network/plexus/ledger/key"
)

// named is a data set as the chain names it.
type named = ledger.DataSet

// ErrGrant is returned for a grant that does not open, or is another set's.
var ErrGrant = errors.New("dataset: grant does not open")

// Grant is the keys of consecutive windows of a sealed set. Encoded it is a secret;
// sealed to a reader with SealTo it may lie anywhere.
type Grant struct {
	Root  [32]byte // of the set
	First uint64   // window of the first key
	Keys  [][32]byte
}

// MaxGrant is the longest sealed grant in bytes.
const MaxGrant = MaxWindows*34 + 256

// GrantID names the grants of a set for one reader, by its encryption key, among
// blobs. What different holders serve under it differs, and says the same.
func GrantID(root [32]byte, reader key.ID) [32]byte {
	return key.Hash("data-grant", root[:], reader[:])
}

// Append appends the canonical form, which is secret.
func (g *Grant) Append(b []byte) []byte {
	b = cbor.AppendBytes(cbor.AppendUint(cbor.AppendArray(b, 4), 1), g.Root[:])
	b = cbor.AppendArray(cbor.AppendUint(b, g.First), len(g.Keys))
	for i := range g.Keys {
		b = cbor.AppendBytes(b, g.Keys[i][:])
	}
	return b
}

// DecodeGrant reads what Append wrote.
func DecodeGrant(b []byte) (*Grant, error) {
	d := cbor.NewDecoder(b)
	d.Version(4, 1)
	g := &Grant{Root: d.Hash(), First: d.UintMax(MaxWindows)}
	g.Keys = make([][32]byte, d.ArrayMax(MaxWindows))
	for i := range g.Keys {
		g.Keys[i] = d.Hash()
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGrant, err)
	}
	return g, nil
}

// SealTo encrypts a grant to a reader's encryption key (key.Work.Enc), so that only
// the reader can open it. It does not say who made it, nor for whom.
func (g *Grant) SealTo(reader key.ID) ([]byte, error) {
	pub, err := reader.X25519()
	if err != nil {
		return nil, err
	}
	return box.SealAnonymous(nil, g.Append(nil), &pub, rand.Reader)
}

// OpenGrant decrypts a grant with the hotkey's seed of its reader.
func OpenGrant(hotkey key.Seed, b []byte) (*Grant, error) {
	if len(b) > MaxGrant {
		return nil, fmt.Errorf("%w: %d bytes", ErrGrant, len(b))
	}
	pub, secret := hotkey.Decryption()
	plain, ok := box.OpenAnonymous(nil, b, &pub, &secret)
	if !ok {
		return nil, fmt.Errorf("%w: it is for another key, or was changed", ErrGrant)
	}
	return DecodeGrant(plain)
}

// Grant returns the keys of the windows from first on that are here, at most so
// many of them and up to the first that is not: ErrLocked if that is the first.
func (x *Sealed) Grant(first, most uint64) (*Grant, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	g := &Grant{Root: x.root, First: first}
	for w := first; w-first < most; w++ {
		k, ok := x.keys[w]
		if !ok {
			break
		}
		g.Keys = append(g.Keys, k)
	}
	if len(g.Keys) == 0 {
		return nil, fmt.Errorf("%w: window %d of %d", ErrLocked, first, len(x.boxes))
	}
	return g, nil
}

// UnlockAll takes the secret of whoever sealed the set.
func (x *Sealed) UnlockAll(secret key.Seed) error {
	g := &Grant{Root: x.root}
	for w := range x.Windows() {
		g.Keys = append(g.Keys, WindowKey(secret, w))
	}
	return x.Unlock(g)
}

// Unlock takes the keys of a grant after checking each against what the set's file
// commits to: ErrGrant for another set's, ErrSealed for a wrong key.
func (x *Sealed) Unlock(g *Grant) error {
	if g.Root != x.root {
		return fmt.Errorf("%w: it is for the set %x, not %x", ErrGrant, g.Root[:6], x.root[:6])
	}
	if g.First > x.Windows() || uint64(len(g.Keys)) > x.Windows()-g.First {
		return fmt.Errorf("%w: windows %d to %d of %d", ErrGrant, g.First, g.First+uint64(len(g.Keys)), x.Windows())
	}
	for i, k := range g.Keys {
		if w := g.First + uint64(i); commit(w, k) != x.commits[w] {
			return fmt.Errorf("%w: the key of window %d is wrong", ErrSealed, w)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, k := range g.Keys {
		x.keys[g.First+uint64(i)] = k
	}
	return nil
}

func aead(k [32]byte) (cipher.AEAD, error) { return chacha20poly1305.New(k[:]) }
