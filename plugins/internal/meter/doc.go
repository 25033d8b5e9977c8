// Package meter is the gate between a stranger's bytes and the Wasm engine. It
// decodes a module under fixed bounds, refuses what a Plexus module may not
// contain, and rewrites the rest so that on every engine and machine it
//
//   - pays for each instruction from one fuel counter and stops when it is empty,
//   - stops at a fixed depth of calls,
//   - cannot grow its memory or table past bounds set by the host,
//   - never shows which of the many bit patterns of NaN the processor chose.
//
// What it promises: it allocates no more than a small multiple of the module's
// size, it never panics, and nothing it adds (one block, a few locals, three
// globals, block types) can be named by the module, because every index of the
// module is checked against the module's own counts. What it does not do: it
// checks how many operands an instruction takes and leaves, not their types. The
// engine validates the types of the rewritten module, and since each addition is
// well typed, it accepts that exactly when it would have accepted the original.
//
// # Price
//
// Fuel is exact by basic block: a block is paid for when it is entered, so the
// sum over a completed call is the sum of the weights of the instructions it
// executed (see weights in opcode.go) plus the sizes handed to bulk operations.
// The counter is tested on entry to each function that calls or loops, at the
// head of each loop and at each bulk operation; between two tests no more than
// one function body can run, so the overdraft is bounded. Inside a function that
// loops or branches the counter lives in a local and is written back around
// calls and at exits, and the test branches to one cold place behind the body.
//
// The weights, the bounds and the rewriting are one unit with the version number
// Version: what a call costs is part of what replaying nodes compare.
package meter
