// Package emission is the arithmetic of new coins: how much a block mints, how
// it is divided among the subnets and put into their pools, how a subnet's
// alpha is divided among owner, miners, validators and root, and how the price
// average and the price of a registration move.
//
// It is pure, and nothing it divides is lost: the parts of each division sum to
// what was divided, to the last unit.
package emission
