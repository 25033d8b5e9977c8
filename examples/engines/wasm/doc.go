// Package wasm is the engine whose model is a solver module: WebAssembly with the
// operation solve, run in the same sandbox as a subnet's scoring. Whoever mines
// with somebody else's solver needs to trust it with nothing but the answers.
//
//	plexus engine wasm --module solver.wasm --param good --data prices.csv
//
// # What the module is asked
//
// An abi.SolveRequest with the task's public part and a seed that is new for each
// task. Its Params are the text of --param; with --data a line feed follows, and
// then the file as it is at that moment: all of it, or of a longer one the last
// MaxData bytes from the beginning of a line on. A file that is missing is empty:
// it may appear later. The module's reply is the answer.
//
// # What bounds it
//
// Fuel and memory as the module's manifest says, at most what --fuel and the
// sandbox allow, and a wall clock. Compiled code cannot be interrupted, so a
// module that outlives the clock ends the process, and the miner starts it anew.
package wasm
