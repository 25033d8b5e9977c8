package dataset

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/plexus-network/plexus/abi/cbor"
	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/subnets/internal/merkle"
)

// ErrSealed is returned where a sealed set is not what it claims to be: a
// ciphertext that was changed, a key of another set, a slice that its root does not
// name.
var ErrSealed = errors.New("dataset: sealed set is not true")

const (
	sealedMagic = "PLXSEAL\x01"
	// MaxWindows bounds the windows of a sealed set, so that a grant of all their
	// keys stays below 3 MiB.
	MaxWindows = 1 << 16
)

// Sealed is a sealed set: what everybody may have, and the keys of those windows
// that its holder may open. It may be used by many goroutines.
type Sealed struct {
	kind    Format
	most    int    // bytes of a slice
	window  uint64 // slices of each
	leaves  [][32]byte
	tree    *merkle.Tree
	commits [][32]byte // of the window keys
	boxes   [][]byte   // ciphertexts
	file    []byte
	digest  [32]byte // SHA-256 of file
	root    [32]byte

	mu     sync.Mutex
	keys   map[uint64][32]byte
	opened map[uint64][][]byte // slices of windows, few at a time
}

// keepOpened is how many windows are held decrypted: that of the running epoch and
// of the one before it, which is being closed.
const keepOpened = 2

// WindowKey is the key of window w under the secret of whoever seals.
func WindowKey(secret key.Seed, w uint64) [32]byte {
	return key.Hash("window-secret", secret[:], u64(w))
}

// Seal encrypts an open set in as many windows as are asked for, of equal numbers
// of slices; what remains at the end is left out. Whoever has the secret can open
// all of them, so it must be new for each set.
func Seal(s *Set, windows uint64, secret key.Seed) (*Sealed, error) {
	if s.sealed != nil {
		return nil, errors.New("dataset: the set is sealed already")
	}
	if windows == 0 || windows > MaxWindows || windows > uint64(s.Len()) {
		return nil, fmt.Errorf("dataset: %d windows of %d slices: must be 1..%d", windows, s.Len(), min(MaxWindows, s.Len()))
	}
	window := uint64(s.Len()) / windows
	x := &Sealed{kind: s.kind, window: window}
	for i := range windows * window {
		x.most = max(x.most, len(s.bytes(int(i))))
	}
	for w := range windows {
		k := WindowKey(secret, w)
		var plain, body []byte
		for i := w * window; i < (w+1)*window; i++ {
			b := s.bytes(int(i))
			plain, body = binary.BigEndian.AppendUint32(plain, uint32(len(b))), append(body, b...)
			x.leaves = append(x.leaves, sealedLeaf(i, salt(k, i), b))
		}
		box, err := aead(k)
		if err != nil {
			return nil, err
		}
		x.boxes = append(x.boxes, box.Seal(nil, nonce(w), append(plain, body...), nil))
		x.commits = append(x.commits, commit(w, k))
	}
	x.encode()
	if len(x.file) > MaxFile {
		return nil, fmt.Errorf("dataset: the sealed set has %d bytes, at most %d", len(x.file), MaxFile)
	}
	return x, x.UnlockAll(secret)
}

// encode writes the file and derives from it what identifies the set.
func (x *Sealed) encode() {
	h := cbor.AppendUint(cbor.AppendUint(cbor.AppendArray(nil, 5), 1), uint64(x.kind))
	h = cbor.AppendUint(cbor.AppendUint(cbor.AppendUint(h, uint64(len(x.leaves))), uint64(x.most)), x.window)
	b := append(binary.BigEndian.AppendUint32([]byte(sealedMagic), uint32(len(h))), h...)
	for _, l := range x.leaves {
		b = append(b, l[:]...)
	}
	for w, c := range x.commits {
		b = binary.BigEndian.AppendUint32(append(b, c[:]...), uint32(len(x.boxes[w])))
	}
	for _, c := range x.boxes {
		b = append(b, c...)
	}
	x.file = b
	x.derive()
}

func (x *Sealed) derive() {
	x.digest = sha256.Sum256(x.file)
	x.tree = merkle.NewTree(x.leaves)
	x.root = sealedRoot(x.tree.Root(), x.digest)
	x.keys, x.opened = map[uint64][32]byte{}, map[uint64][][]byte{}
}

// Encode appends the set's public file.
func (x *Sealed) Encode(b []byte) []byte { return append(b, x.file...) }

// DecodeSealed reads what Encode wrote; the set keeps b. What does not decode is
// ErrFormat. Whether it is the set that a subnet names, its root tells.
func DecodeSealed(b []byte) (*Sealed, error) {
	head, rest, err := header(b, sealedMagic)
	if err != nil {
		return nil, err
	}
	d := cbor.NewDecoder(head)
	d.Version(5, 1)
	x := &Sealed{kind: Format(d.UintMax(uint64(Files))), file: b}
	slices, most, window := d.UintMax(MaxSlices), d.UintMax(MaxSlice), d.UintMax(MaxSlices)
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrFormat, err)
	}
	if most == 0 || window == 0 || slices == 0 || slices%window != 0 || slices/window > MaxWindows {
		return nil, fmt.Errorf("%w: %d slices of %d bytes in windows of %d", ErrFormat, slices, most, window)
	}
	x.most, x.window = int(most), window
	windows := slices / window
	if uint64(len(rest)) < 32*slices+36*windows {
		return nil, fmt.Errorf("%w: %d slices in %d windows need more than %d bytes", ErrFormat, slices, windows, len(rest))
	}
	x.leaves = make([][32]byte, slices)
	for i := range x.leaves {
		x.leaves[i] = [32]byte(rest[32*i:])
	}
	table, rest := rest[32*slices:32*slices+36*windows], rest[32*slices+36*windows:]
	for w := range windows {
		x.commits = append(x.commits, [32]byte(table[36*w:]))
		n := binary.BigEndian.Uint32(table[36*w+32:])
		if uint64(n) > uint64(len(rest)) || uint64(n) < 5*window+chacha20poly1305.Overhead {
			return nil, fmt.Errorf("%w: window %d has a ciphertext of %d bytes", ErrFormat, w, n)
		}
		x.boxes, rest = append(x.boxes, rest[:n]), rest[n:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrFormat, len(rest))
	}
	x.derive()
	return x, nil
}

// Set is the sealed set as what tasks draw from.
func (x *Sealed) Set() *Set { return &Set{slice: x.most, kind: x.kind, root: x.root, sealed: x} }

// Root names the set on chain.
func (x *Sealed) Root() [32]byte { return x.root }

// Windows is how many windows there are.
func (x *Sealed) Windows() uint64 { return uint64(len(x.boxes)) }

// Has reports whether the key of window w is here.
func (x *Sealed) Has(w uint64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ok := x.keys[w]
	return ok
}

// slice opens slice i and proves it.
func (x *Sealed) slice(i uint64) ([]byte, [][32]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	w := i / x.window
	k, ok := x.keys[w]
	if !ok {
		return nil, nil, fmt.Errorf("%w: window %d of %d: a permit holder, or the owner with plexus dataset share, can grant it", ErrLocked, w, len(x.boxes))
	}
	slices := x.opened[w]
	if slices == nil {
		var err error
		if slices, err = x.open(w, k); err != nil {
			return nil, nil, err
		}
		for old := range x.opened {
			if len(x.opened) >= keepOpened {
				delete(x.opened, old)
			}
		}
		x.opened[w] = slices
	}
	s := salt(k, i)
	proof := append([][32]byte{s}, x.tree.Proof(int(i))...)
	return slices[i-w*x.window], append(proof, x.digest), nil
}

// open decrypts a window and checks its slices against their leaves.
func (x *Sealed) open(w uint64, k [32]byte) ([][]byte, error) {
	box, err := aead(k)
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(nil, nonce(w), x.boxes[w], nil)
	if err != nil {
		return nil, fmt.Errorf("%w: the ciphertext of window %d was changed", ErrSealed, w)
	}
	if uint64(len(plain)) < 4*x.window {
		return nil, fmt.Errorf("%w: window %d is too short", ErrSealed, w)
	}
	ends, _, err := readEnds(plain[:4*x.window], uint64(len(plain))-4*x.window, uint64(x.most))
	if err != nil {
		return nil, fmt.Errorf("%w: window %d: %w", ErrSealed, w, err)
	}
	body, from := plain[4*x.window:], uint32(0)
	out := make([][]byte, len(ends))
	for j, end := range ends {
		i := w*x.window + uint64(j)
		out[j], from = body[from:end], end
		if sealedLeaf(i, salt(k, i), out[j]) != x.leaves[i] {
			return nil, fmt.Errorf("%w: slice %d in window %d is not what the root names", ErrSealed, i, w)
		}
	}
	return out, nil
}

// Verify opens every window whose key is here and reports the first fault.
func (x *Sealed) Verify(progress func(done, total uint64)) (opened uint64, err error) {
	for w := range x.Windows() {
		x.mu.Lock()
		k, ok := x.keys[w]
		x.mu.Unlock()
		if ok {
			if _, err := x.open(w, k); err != nil {
				return opened, err
			}
			opened++
		}
		if progress != nil {
			progress(w+1, x.Windows())
		}
	}
	return opened, nil
}

func verifySealed(n named, i uint64, data []byte, proof [][32]byte) bool {
	if len(proof) < 2 {
		return false
	}
	last := len(proof) - 1
	root, ok := merkle.Climb(n.Slices, i, sealedLeaf(i, proof[0], data), proof[1:last])
	return ok && sealedRoot(root, proof[last]) == n.Root
}

func sealedRoot(slices, digest [32]byte) [32]byte {
	return key.Hash("sealed-set", slices[:], digest[:])
}

func sealedLeaf(i uint64, salt [32]byte, data []byte) [32]byte {
	return key.Hash("sealed-slice", u64(i), salt[:], data)
}

func salt(window [32]byte, i uint64) [32]byte { return key.Hash("slice-salt", window[:], u64(i)) }

func commit(w uint64, k [32]byte) [32]byte { return key.Hash("window-key", u64(w), k[:]) }

func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// nonce is the window's number; each key encrypts one window only.
func nonce(w uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, chacha20poly1305.NonceSize), w)
}
