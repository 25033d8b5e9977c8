// Package sdk is what a subnet's module in Go is written with: it turns plain
// functions over the messages of package abi into the exports that Plexus
// calls, and offers the deterministic generator and logarithm that tasks and
// scores need.
//
// A module registers itself in init, because a module has no main loop:
//
//	package main
//
//	func init() { sdk.Register(sdk.Module{Task: task, Score: score, Rank: rank}) }
//
//	func main() {}
//
// Keep the functions in a package of their own and they can be tested with
// plain go test; Call runs an operation natively, through the same encoding
// and the same checks as the sandbox does.
//
// A module is pure: its reply depends only on its input. Use integers, and
// NewRand from the round's randomness; do not range over maps, read the clock
// or keep anything between calls. Leave out package fmt: it makes a module
// larger by three quarters of a megabyte and slower to start.
package sdk
