// Package chain runs the ledger's rules under CometBFT.
//
// It has no rules of its own: it hands agreed blocks to ledger.Apply, stages
// what they write in ledger/store and commits it in one synced batch; it lets
// ledger.Select fill proposals and ledger.Admit judge those of others; it keeps
// transactions that wait, by ledger.Check. Around that it assembles CometBFT's
// reactors on a libp2p host which the caller owns, and answers light clients.
//
// It promises that an error of ledger.Apply or of the store ends the node
// (ErrBroken) before anything else is executed, that a crash anywhere replays
// the same block to the same hash, that the consensus protocols of two networks
// never mix on one host, and that no type of CometBFT leaves it.
//
//	node, err := chain.Open(ctx, chain.Config{Home: dir, DB: db, Genesis: g, Host: host})
//	go node.Run(ctx) // until ctx ends, or ErrBroken
//	defer node.Close()
//
// A process without a node reads the chain through Light, which verifies block
// headers from the genesis on and every value against a header, and needs only
// a function that carries requests to some node's Answer.
package chain
