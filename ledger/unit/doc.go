// Package unit holds the quantities of the ledger, one type each, so that the
// compiler refuses to add TAO to alpha, and the integer arithmetic they need.
//
// It promises that every function gives the same bits on every machine: no
// float, no clock, no random, no goroutine. Sums and differences of amounts
// are checked, never wrapped; fixed point numbers saturate, as the reference
// economics asks. Nothing here allocates by an input's value, only by its
// length.
//
// Amounts (TAO, Alpha) count the smallest unit, 1e-9 of a coin. Fixed point
// numbers (I32F32, U96F32, Price) carry their binary point in their name.
package unit
