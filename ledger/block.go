package ledger

// Block is what consensus agreed on.
type Block struct {
	Height   Height
	Time     int64    // of the header, in Unix milliseconds
	Proposer Address  // of the proposer's consensus key
	Hash     [32]byte // of this block; zero while it is only proposed
	Entries  [][]byte // first the proposer's VRF entry, then transactions
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
	Events []Event
}
