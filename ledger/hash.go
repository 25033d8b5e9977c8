package ledger

import "encoding/binary"

// KeepHashes is how many of the last block hashes the state keeps.
const KeepHashes = 1 << 16

// BlockHash returns the hash of the block at height h; ok is false when v is
// older than h or has replaced it, which it does after KeepHashes blocks.
func BlockHash(v View, h Height) (hash [32]byte, ok bool, err error) {
	b, err := v.Get(hashKey(h))
	if err != nil || b == nil {
		return hash, false, err
	}
	if len(b) != 8+len(hash) {
		return hash, false, broken("hash of block %d: %d bytes", h, len(b))
	}
	return [32]byte(b[8:]), binary.BigEndian.Uint64(b) == h, nil
}
