// Package dev runs a development network: four block producers, three of which
// validate every subnet of the gallery, the gallery's miners, two traders, and the
// view of what they do. All of it is real: separate processes, a BFT chain, models
// in children, payment by Yuma consensus. Only the keys are worth nothing, since
// everybody can compute them.
package dev

import "time"

// Shape of the network.
const (
	producers  = 4
	validators = 3 // the first of the producers
	blockTime  = time.Second
)
