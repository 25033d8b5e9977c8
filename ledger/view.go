package ledger

import "github.com/plexus-network/plexus/ledger/key"

// View reads the state at one height. Get returns nil, nil for an absent key;
// an error means that the state cannot be read, never that a key is missing.
type View interface {
	Get(key []byte) ([]byte, error)
}

// Ranger is a View that can also walk keys by prefix, in rising order.
type Ranger interface {
	View
	Range(prefix []byte, fn func(k, v []byte) error) error
}

// Write is one change of the state. A nil Value deletes the key.
type Write struct {
	Key   []byte
	Value []byte
}

// Names of the ledger's nouns; see package key for account ids.
type (
	// NetUID numbers subnets; 0 is the root network.
	NetUID uint16
	// UID numbers the neurons of a subnet, from 0.
	UID uint16
	// Height counts blocks; the first is 1, and the genesis state has height 0.
	Height = uint64
	// Epoch counts the epochs of a subnet from 0.
	Epoch = uint64
)

// Address names a block producer's consensus key: the first 20 bytes of the
// SHA-256 of the ed25519 key.
type Address = [20]byte

// Hotkey and Coldkey are account ids.
type (
	Hotkey  = key.Hotkey
	Coldkey = key.Coldkey
)
