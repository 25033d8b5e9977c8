// Package evidence holds what a validator shows for its weights: leaves and
// round nodes under one root, the bundle that carries everything needed to
// recompute them, and replay, which does so.
//
// # Roots
//
// A leaf is one asked miner's response: {round, roster index, salted hash or
// zero, score, status}. A round node is {round, skipped, π, task hash, fuel}
// over its leaves and the hash of everything else that the bundle holds of the
// round. The root is over the validator's identity, all round nodes, the fuel of
// the ranking, its row, its carries, and the artifacts that it used and voted for. So no byte of a bundle can be changed
// without changing its root.
//
// # Bundle
//
// A bundle is one zstd-compressed file addressed by its root. Beside leaves and
// nodes it holds the opened data slices with their proofs, the requests,
// answers, receipts, salts and payloads, and the carries before and after. Chain
// values that scores were computed from are there as records of the state with
// their paths to a root, and the root with its path to the hash of the block that
// follows, which the state keeps for 2^16 blocks. A
// bundle is checked against its root when it is decoded; what its signatures
// and scores are worth is for Replay to say.
package evidence
