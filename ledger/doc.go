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
//	Σ balances + Σ pool reserves + root stake + held + burned = issued TAO
//	reserve + Σ hotkey pools + pending + protocol's + burned = issued alpha
//
// to the last unit, and Apply fails when they do not hold. Held are the proceeds
// of root's alpha between their sale and the step that hands them out.
//
// # Emission
//
// A block mints TAO by the schedule of package emission when at least one subnet
// earns (Subnet.Earns), and divides it by the price averages. A subnet's part
// goes into its pool beside as much new alpha as keeps the price; what exceeds
// root's proportion of the alpha minted buys alpha for the protocol. As much
// alpha again is set aside for the running epoch, for the owner, the miners, the
// validators and root, and paid by that epoch's step: see rootsale.go for what
// root gets.
package ledger
