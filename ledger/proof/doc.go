// Package proof verifies what a chain's state holds from its root, and what root
// a block's header names, without a store and without an engine of consensus: who
// keeps a value with its proof can show it for as long as somebody knows the
// block's hash.
package proof
