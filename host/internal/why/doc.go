// Package why explains a hotkey's income in a subnet: what it was asked and what it
// scored, who gave it which weight, what consensus left of that, what it was paid,
// and how safe its place is.
//
// Everything comes from a view of the chain's state, which a light client proves,
// and from evidence bundles. Nothing is guessed: what a source does not have is
// absent, with a word on why. Consensus and clipping of past epochs, which the state
// does not keep, are recomputed by package yuma from the rows that it does keep,
// with the stakes that the epoch began with.
package why
