package ledger

import (
	"encoding/binary"

	"github.com/plexus-network/plexus/ledger/key"
	"github.com/plexus-network/plexus/ledger/unit"
)

// Two indexes say what belongs to a coldkey without a walk over the whole
// state: the positions it holds, and the hotkeys it owns. They hold keys
// without values.

// Holding is a position of a coldkey.
type Holding struct {
	NetUID NetUID
	Hotkey Hotkey
	Worth  uint64 // alpha, or rao on the root network
}

func holdingKey(c Coldkey, n NetUID, h Hotkey) []byte {
	b := append([]byte(prefixHolding), c[:]...)
	return append(binary.BigEndian.AppendUint16(b, uint16(n)), h[:]...)
}

func ownedKey(c Coldkey, h Hotkey) []byte {
	return append(append([]byte(prefixOwned), c[:]...), h[:]...)
}

// hold writes a position, or deletes it when it has no shares, and keeps the
// index.
func hold(s *state, n NetUID, h Hotkey, c Coldkey, shares unit.U128) {
	k, at := sharesKey(n, h, c), holdingKey(c, n, h)
	if shares.IsZero() {
		remove(s, k)
		remove(s, at)
		return
	}
	store(s, k, position{shares})
	if !s.has(at) {
		s.set(at, []byte{1})
	}
}

// LoadHoldings lists the positions of a coldkey, by netuid and hotkey.
func LoadHoldings(r Ranger, c Coldkey) ([]Holding, error) {
	prefix := append([]byte(prefixHolding), c[:]...)
	return loadHoldings(r, prefix, c)
}

// loadHoldings lists those under a prefix of the index, which holds the coldkey.
func loadHoldings(r Ranger, prefix []byte, c Coldkey) (out []Holding, err error) {
	from := len(prefixHolding) + len(c)
	err = r.Range(prefix, func(k, _ []byte) error {
		x := Holding{NetUID: NetUID(binary.BigEndian.Uint16(k[from:])), Hotkey: key.ID(k[from+2:])}
		x.Worth, err = LoadPosition(r, x.NetUID, x.Hotkey, c)
		out = append(out, x)
		return err
	})
	return out, err
}

// LoadOwned lists the hotkeys of a coldkey, rising.
func LoadOwned(r Ranger, c Coldkey) (out []Hotkey, err error) {
	prefix := append([]byte(prefixOwned), c[:]...)
	err = r.Range(prefix, func(k, _ []byte) error {
		out = append(out, key.ID(k[len(prefix):]))
		return nil
	})
	return out, err
}
