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
// to the last unit, and Apply fails when they do not hold. Held are deposits of proposals, and the proceeds
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
//
// # Subnets
//
// Anyone opens a subnet for the lock cost, which doubles at each creation and
// falls again with time; it becomes the subnet's pool, at the median price of
// the others (LockCost, CreateSubnet). At the limit the subnet with the lowest
// price average that is past its immunity is dissolved, and its pool divided
// over its alpha (dissolve.go). The netuid's epochs go on counting with its next
// subnet, so that an epoch record never moves.
//
// What an owner sets takes effect when the next epoch begins, and stands in that
// epoch's record: a running epoch never changes under those who work in it. The
// tables of parameters (ChainParameters, SubnetParameters) are the only place
// that names a parameter, its bounds and who may change it.
//
// A subnet's module is stored on the chain in chunks (module.go). Named before
// the start it is in use at once; another one is announced in the metagraph and
// in epoch records, and takes over when the upgrade delay has passed.
//
// A full subnet replaces the neuron with the least emission (replaceable); the
// first of the owner's are never replaced, and new ones not while they are
// immune, as long as there are enough others.
//
// The formulas are those of the reference chain; the comment at each names its
// section. Left out are parameters that govern nothing here: a limit on setting
// weights and a version of them, since weights are committed and revealed once
// an epoch and scored by the module that the epoch's record names; the choice
// between burning and recycling, which are one; and all of its registration
// difficulty.
//
// # Stake
//
// Stake stands behind a hotkey in a subnet, in alpha, or on root, in TAO, as a
// share of the hotkey's pool (package pool). Trades carry limits that the chain
// checks: the least to get, the price that may be left behind, and whether a part
// will do (limit.go). A hotkey's owner takes its cut of dividends (take.go). A
// hotkey lends stake weight to children, once: what it is lent it does not lend on
// (family.go). A key that was rotated away leads to the one in its place wherever
// it could not be rewritten at once, as in a frozen roster or the queue (heir.go).
// While a coldkey's rotation is announced, its account does nothing else; a
// dispute voids it, and freezes the account for a time.
//
// # Votes
//
// What only a vote changes is changed by those who hold TAO on root, and by
// nobody else: see proposal.go and vote.go.
//
// # Yuma
//
// Liquid alpha keeps the reference's weights for bonds, clipped as far as
// bonds_penalty asks, in its sigmoid as in its average. A bond toward a miner
// that is absent from the validator's row decays like any other.
package ledger
