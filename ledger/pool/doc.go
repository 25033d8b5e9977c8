// Package pool is the maths of the two kinds of pool the ledger has: the market
// of a subnet, where TAO and alpha are traded along a constant product, and the
// share pool of a hotkey, where nominators hold parts of one stake.
//
// It is pure: integers in, integers out, nothing stored. Its promise is that no
// rounding ever favours the trader or the nominator over the pool: the product
// of a market's reserves never falls, and the worth of a share never falls but
// by what is taken out.
package pool
