// Package subnets is what a subnet does, over plugins and p2p. The package itself
// holds no code.
//
//	subnets/round       one round: who is asked, what is asked, how answers become scores; pure
//	subnets/validator   the validator's loop: draw, ask, score, rank, publish, commit, reveal
//	subnets/miner       the miner's loop: check the request, answer, hand over against a receipt
//	subnets/evidence    leaves, roots, bundles, and the replay of a validator's epoch
//	subnets/dataset     the data that tasks are drawn from, cut into proved slices
//
// These packages read the ledger's values through a ledger.View and never open
// its store, so that the same code runs in a node, in a miner without one, and
// in the replay of a stranger. The module of a subnet is called through
// plugins.Caller and never learns who answered.
package subnets
