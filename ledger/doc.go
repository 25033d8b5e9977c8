// Package ledger is the rules of the chain: which transactions there are, what a
// block of them does to the state, when an epoch begins and ends, and who is
// paid. It is a pure function,
//
//	Apply(view of the state, block) -> Result{writes, results, events}
//
// and everything else in it serves that function or reads its state. It holds no
// float, goroutine, clock, random source or log, walks no map unsorted, and
// never runs a subnet's module: scores differ between validators by design, and
// Yuma consensus is what reconciles them.
//
// State is a flat key space of canonical records (see keys.go for the keys and
// abi/cbor for the encoding). A View may be the store of a node or a light
// client that proves every value it returns; the readers in this package
// (LoadRecord, LoadRoster, …) do not know the difference.
//
// # Errors
//
// What a caller did wrong is a *Reject with a numbered Code, part of consensus.
// What must not happen wraps ErrBroken: the node stops.
//
// # Supply
//
// Issued TAO and issued alpha never fall. At every block
//
//	Σ balances + Σ pool reserves + root stake + burned = issued TAO
//	reserve + Σ hotkey pools + pending + protocol's + burned = issued alpha
//
// to the last unit, and Apply fails when they do not hold.
package ledger
