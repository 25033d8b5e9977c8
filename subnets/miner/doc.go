// Package miner is a miner's side of the subnets that it serves: one hotkey, one
// host, an engine for each subnet. It takes requests from those whom the epoch's
// proved roster and its policy let ask, shares its engines among them by stake,
// takes each request once, also after a restart, and hands a payload over only
// against a receipt.
//
// An exchange, as package round writes it:
//
//	request, task of at most round.Ride bytes ->
//	                                             <- busy, refused, or go
//	                                longer task ->
//	                                             <- salted hash, signed
//	                              signed receipt ->
//	                                             <- salt, payload
//
// Busy and refused come before a longer task does, so that who is turned away has
// sent nothing in vain. What a caller can be proved to have done wrong lowers the
// standing of the peer that it came from; see round.Refusal.
package miner
