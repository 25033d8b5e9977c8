// Package abi is version 1 of the contract between Plexus and a subnet's Wasm
// module: the entry points, the operations, the messages that cross the wall
// and their encoding, and the manifest that travels inside the module.
//
// # Entry points
//
// A module exports
//
//	memory                                   its one linear memory
//	plexus_abi_v1  func()                    a marker, never called
//	plexus_alloc   func(len u32) u32         room for len bytes of input
//	plexus_call    func(op, ptr, len u32) u64
//	_initialize    func()                    optional, run once; every call begins
//	                                         from the state that it left
//
// The host copies the operation's input to the room it was given and calls
// plexus_call. The result is ptr<<32|len of an envelope in the guest's memory:
// a little-endian u32 status followed by the body. Status 0 is success and the
// body is the operation's reply; any other status is the module's own refusal
// and the body is an explanation in UTF-8. A trap and an exhausted fuel bound
// are neither: the host keeps the three apart.
//
// The module may import only the ten functions of wasi_snapshot_preview1 that
// the standard Go toolchain needs. There is no clock, file, network or
// environment behind them; random numbers are derived from a seed which the
// host takes from the round (during _initialize from the module's name, so that a
// language's own generator, seeded there, gives each call the same numbers), and what is written to standard output or error
// goes to a bounded log.
//
// # What crosses, and what never does
//
// A module is pure: its reply depends on nothing but the input and the seed.
// It never learns who answered, from where or how fast. Chain values reach it
// as inputs, what it wants to remember of a miner as that miner's carry, and a
// shared model as the artifact. Scores are Q32.32 integers from 0 to One, and
// equal payloads have equal scores, which the host checks.
//
// Every message is an array of the canonical codec in abi/cbor whose first
// element is Version.
package abi
