// Package node is a Plexus node: the chain's store, consensus, the p2p host, the
// worker processes that run modules, and the validators' loops, wired together
// from one configuration. It holds no rules of its own.
//
// A home has
//
//	config.yaml       the configuration
//	genesis.cbor      the agreed start
//	chain/            blocks and state
//	work/             rounds, openings and carries of the validator
//	consensus/        write-ahead log and the record of the last vote
//	evidence/         closed bundles, served to whoever asks
//	modules/          Wasm modules by hash
package node
