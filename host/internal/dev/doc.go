// Package dev runs a development network: four block producers, three of which
// validate, four miners of different quality, and the view of what they do. All
// of it is real: separate processes, a BFT chain, models in children, payment by
// Yuma consensus. Only the keys are worth nothing, since everybody can compute
// them.
package dev

import "time"

// Shape of the network.
const (
	producers  = 4
	validators = 3 // the first of the producers
	netuid     = 1
	blockTime  = time.Second
)

// minerKinds are the miners, the better ones first: their names, the engines
// they run, and whether they study published evidence.
var minerKinds = []struct {
	Name  string
	Say   string
	Study bool
}{
	{"mix", "context mixing, trained on the published half", false},
	{"order0", "counts of the bytes shown", false},
	{"constant", "the same distribution always", false},
	{"copy", "repeats answers found in published evidence", true},
}
