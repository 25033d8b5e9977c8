// Package round is one round of a subnet, as pure functions: who is asked, what
// is asked, what a request, an answer, a receipt and a payload are, and how
// payloads become scores. It never touches the network, the clock or the disk;
// the validator's loop, the miner's loop and replay all use it, so that what a
// stranger recomputes is what was done.
//
// # A round
//
// The validator's VRF over the epoch's seed gives the round its proof π and its
// randomness β. From β follow the miners to ask, the data slices to open and,
// through the module, the task. A request is signed by the validator; the miner
// answers in three steps, so that nobody is dropped for what he answered and no
// later miner can copy an earlier one: the signed hash of salt and payload, then
// the validator's signed receipt for that hash, then the payload itself.
package round
