package round

import "fmt"

// Refusal is why a miner does not take a request. It is an error, the word that
// counters use, and a number in the miner's reply, so that a validator can say
// what it met instead of "no answer". Numbers are never used for something else.
type Refusal uint8

// What a miner refuses. From RefusedChain to RefusedDeadline the caller's own
// signed words are wrong.
const (
	RefusedMalformed Refusal = 1 + iota // the frame is no request
	RefusedOversize                     // the frame or the task is longer than allowed
	RefusedTruncated                    // the stream ended within a message
	RefusedUnsigned                     // there is no signature
	RefusedSignature                    // the signature is not the caller's
	RefusedChain                        // for another chain
	RefusedNetUID                       // for a subnet that the miner does not serve
	RefusedCallee                       // for another miner: relayed
	RefusedTask                         // the task is not the one that was signed
	RefusedDeadline                     // no deadline, or one too far away
	RefusedStale                        // of an epoch that is over
	RefusedEarly                        // of an epoch that has not begun
	RefusedStranger                     // the caller has no permit in the epoch
	RefusedStake                        // the caller's stake is below what the miner asks for
	RefusedDenied                       // the miner does not answer this caller
	RefusedQuota                        // the caller has used up its requests of the epoch
	RefusedReplay                       // a request of this id was taken before
	RefusedFull                         // the miner remembers as many requests as it can
	RefusedFault                        // the miner cannot answer, by no fault of the caller
	refusals
)

var refusalNames = [refusals]string{"", "malformed", "oversize", "truncated", "unsigned", "signature", "chain", "netuid", "callee", "task",
	"deadline", "stale", "early", "stranger", "stake", "denied", "quota", "replay", "full", "fault"}

var refusalTexts = [refusals]string{"", "the frame is no request", "longer than allowed", "it ends too early", "it has no signature",
	"its signature is not the caller's", "for another chain", "for a subnet that is not served here", "for another miner",
	"the task is not the one that was signed", "its deadline is none or too far away", "its epoch is over", "its epoch has not begun",
	"the caller has no permit in its epoch", "the caller's stake is too small", "this caller is not answered",
	"the caller has used up its requests of the epoch", "a request of this id was taken before", "no more requests can be remembered in this epoch",
	"the miner could not answer"}

// String is the refusal's name in counters and events.
func (r Refusal) String() string {
	if r == 0 || r >= refusals {
		return fmt.Sprintf("refusal %d", uint8(r))
	}
	return refusalNames[r]
}

// Error says why the request was refused.
func (r Refusal) Error() string {
	if r == 0 || r >= refusals {
		return "request refused: " + r.String()
	}
	return "request refused: " + refusalTexts[r]
}

// Refusals lists all of them.
func Refusals() []Refusal {
	out := make([]Refusal, 0, refusals-1)
	for r := Refusal(1); r < refusals; r++ {
		out = append(out, r)
	}
	return out
}

// Provable reports whether the refusal proves misconduct of the peer that sent
// the request: what came over its authenticated stream can never have been right.
// Lost connections, clocks apart and policies prove nothing.
func (r Refusal) Provable() bool {
	switch r {
	case RefusedMalformed, RefusedOversize, RefusedUnsigned, RefusedSignature, RefusedCallee, RefusedTask, RefusedDeadline:
		return true
	}
	return false
}
