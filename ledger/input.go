package ledger

import "encoding/binary"

// Values of the chain that a subnet's tasks may name, by the keys of the state
// that hold them: a proof of the one is a proof of the other.

// RandomKey is the key of R, which is read with Random.
func RandomKey() []byte { return []byte(prefixRandom) }

// PriceKey is the key of what a subnet's price is computed from; see PriceIn.
func PriceKey(n NetUID) []byte { return marketKey(n) }

// PriceIn returns the price of a subnet's alpha on its pool, TAO per alpha in
// Q32.32, 8 bytes big-endian; nil when v has no such subnet.
func PriceIn(v View, n NetUID) ([]byte, error) {
	m, err := LoadMarket(v, n)
	if err != nil || m == nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint64(nil, uint64(m.SpotPrice().I32F32())), nil
}
