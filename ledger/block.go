package ledger

import "github.com/plexus-network/plexus/ledger/key"

// Block is what consensus agreed on.
type Block struct {
	Height   Height
	Time     int64    // of the header, in Unix milliseconds
	Proposer Address  // of the proposer's consensus key
	Hash     [32]byte // of this block; zero while it is only proposed
	Entries  [][]byte // first the proposer's VRF entry, then transactions

	// What consensus saw, in the order in which the block states it.
	Absent      []Address     // producers whose vote the commit of the block before lacks
	Misbehaving []Misbehaving // producers that are proved to have voted twice

	// Verified says which entries carry signatures that are known to hold,
	// because the caller checked many at once. It may be nil or shorter than
	// Entries; what it does not vouch for is checked here.
	Verified []bool
}

// verified says whether the signatures of entry i are known to hold.
func (b *Block) verified(i int) bool { return i < len(b.Verified) && b.Verified[i] }

// Misbehaving is a producer that is proved to have voted for two blocks of one
// height, or for a block that the chain does not have.
type Misbehaving struct {
	Producer Address
	Height   Height // of the votes
}

// Anchor names a block that somebody trusts.
type Anchor struct {
	Height Height
	Hash   [32]byte // of the block
}

// ProducerUpdate tells consensus of a producer whose voting power changes.
type ProducerUpdate struct {
	Consensus key.ID // ed25519 key that signs votes
	Power     uint64 // 0 for one that leaves
}

// TxResult is the outcome of one entry of a block.
type TxResult struct {
	ID     [32]byte
	Code   Code
	Detail string // for people, never part of the state
}

// Event tells what a block did, for people and indexers. It is not part of the
// state.
type Event struct {
	Kind   string // "transfer", "registered", "staked", "committed", "revealed", "epoch", "paid"
	NetUID NetUID
	Epoch  Epoch
	Hotkey Hotkey
	Amount uint64 // in the smallest unit of what Kind moves
	Entry  int    // index of the block's entry that caused it; 0 for the block itself
}

// Result is what a block changes.
type Result struct {
	Txs    []TxResult // one per entry; the first is the VRF entry
	Writes []Write    // sorted by key
	// Producers are the changes of the set of producers, rising by consensus
	// key. They act two blocks later.
	Producers []ProducerUpdate
	Events    []Event
	// Balances are the changes of free balances, sorted by account.
	Balances []BalanceChange
	// Blobs are chunks of modules that the block brought: to be kept beside the
	// state, by their hashes.
	Blobs []Chunk
}
