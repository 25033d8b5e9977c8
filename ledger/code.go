package ledger

import (
	"errors"
	"fmt"
)

// Code says why a transaction was rejected. The numbers are part of consensus:
// they are never changed or reused.
type Code uint32

// The codes. OK is 0; every other code belongs to the caller's side.
const (
	OK               Code = 0
	CodeMalformed    Code = 1  // not one canonical transaction
	CodeChain        Code = 2  // signed for another chain
	CodeSignature    Code = 3  // signature does not verify
	CodeNonceLow     Code = 4  // the nonce was used
	CodeNonceHigh    Code = 5  // an earlier nonce is missing
	CodeExpired      Code = 6  // the expiry height has passed
	CodeLowBalance   Code = 7  // balance below amount and fee
	CodeAmount       Code = 8  // amount zero, below the minimum or overflowing
	CodeNetUID       Code = 9  // no such subnet
	CodeRegistered   Code = 10 // the hotkey already has a uid there
	CodeUnregistered Code = 11 // the hotkey has no uid there
	CodePrice        Code = 12 // the price is beyond the caller's limit
	CodeFull         Code = 13 // no uid is free
	CodePossession   Code = 14 // a work key's possession is not proved
	CodeEpoch        Code = 15 // names an epoch that cannot be committed or revealed now
	CodeWindow       Code = 16 // outside the commit or reveal window
	CodeSlot         Code = 17 // the slot of this epoch is spent
	CodePermit       Code = 18 // no validator permit in this epoch
	CodeCommitment   Code = 19 // the reveal does not open the commitment
	CodeCarry        Code = 20 // carry_in is not the last carry_out
	CodeRow          Code = 21 // the row does not fit the roster
	CodeOwner        Code = 22 // the hotkey belongs to another coldkey
	CodePool         Code = 23 // the pool cannot take the trade
	CodeKind         Code = 24 // unknown or reserved kind of transaction
	CodeSize         Code = 25 // larger than a transaction may be
	CodeArtifact     Code = 26 // names an artifact with another mechanism than the first

	CodeProxy     Code = 27 // the delegate has not been given that right
	CodeDelay     Code = 28 // the call was not announced long enough ago
	CodeProxies   Code = 29 // as many delegates, or calls that wait, as there may be
	CodeAnnounced Code = 30 // the call was announced already, or was not

	CodeCandidate    Code = 40 // the hotkey is announced as a producer, or is not
	CodeConsensusKey Code = 41 // the consensus key was used before
	CodeTombstoned   Code = 42 // the hotkey has voted twice
	CodeJailed       Code = 43 // still jailed, or not jailed
	CodeCandidates   Code = 44 // no place among the candidates

	CodeProposal   Code = 90 // no such proposal
	CodeVoteClosed Code = 91 // the proposal takes no votes any more
	CodeProposals  Code = 92 // as many proposals as may be open
	CodeStake      Code = 70 // more than the stake, or none
	CodeFamily     Code = 71 // a circle of hotkeys, or parts beyond the whole
	CodeNoTransfer Code = 72 // the subnet's owner lets no stake change hands
	CodeQueued     Code = 73 // root stake that leaves through the queue alone
	CodeRotated    Code = 74 // the key was rotated, or is not fresh
	CodeLocked     Code = 75 // a rotation of the account is announced or disputed
	CodeNoSwap     Code = 76 // no rotation was announced, or another one
	CodeNotStarted Code = 50 // the subnet has not started
	CodeStarted    Code = 51 // the subnet has started already
	CodeNotOwner   Code = 52 // only the subnet's owner may
	CodeRate       Code = 53 // too soon after the last time
	CodeFrozen     Code = 54 // in the freeze window before an epoch's end
	CodeParameter  Code = 55 // no such parameter, or a value outside its bounds
	CodeLimit      Code = 56 // no subnet may be dissolved to make room
	CodeModule     Code = 57 // no such module, or one that is not complete
	CodeChunk      Code = 58 // not the next chunk, or it does not fit the module
	CodeImmune     Code = 59 // too many neurons could not be replaced
	CodeIdentity   Code = 60 // a field of an identity that is too long
)

var codeNames = map[Code]string{
	OK: "ok", CodeMalformed: "malformed", CodeChain: "wrong chain", CodeSignature: "bad signature",
	CodeNonceLow: "nonce too low", CodeNonceHigh: "nonce too high", CodeExpired: "expired",
	CodeLowBalance: "balance too low", CodeAmount: "bad amount", CodeNetUID: "unknown subnet",
	CodeRegistered: "already registered", CodeUnregistered: "not registered", CodePrice: "price beyond limit",
	CodeFull: "subnet full", CodePossession: "possession not proved", CodeEpoch: "wrong epoch",
	CodeWindow: "outside the window", CodeSlot: "slot spent", CodePermit: "no permit",
	CodeCommitment: "does not open the commitment", CodeCarry: "wrong carry", CodeRow: "row does not fit the roster",
	CodeOwner: "hotkey of another coldkey", CodePool: "pool refuses the trade", CodeKind: "unknown kind",
	CodeSize: "too large", CodeArtifact: "subnet has no artifact", CodeProxy: "no such right",
	CodeDelay: "too early", CodeProxies: "too many", CodeAnnounced: "announced or not",
	CodeCandidate: "producer or not", CodeConsensusKey: "consensus key was used", CodeTombstoned: "tombstoned",
	CodeJailed: "jailed or not", CodeCandidates: "no place for a producer", CodeStake: "more than the stake",
	CodeNotStarted: "subnet not started", CodeStarted: "subnet already started", CodeNotOwner: "not the subnet's owner",
	CodeRate: "too soon", CodeFrozen: "frozen before the epoch's end", CodeParameter: "bad parameter",
	CodeLimit: "no room for a subnet", CodeModule: "no such module", CodeChunk: "chunk does not fit",
	CodeFamily: "no such family", CodeNoTransfer: "stake does not change hands", CodeQueued: "answers for a producer", CodeRotated: "key was rotated", CodeLocked: "account locked", CodeNoSwap: "no such rotation",
	CodeProposal: "no such proposal", CodeVoteClosed: "vote closed", CodeProposals: "too many proposals",
	CodeImmune: "too many immune neurons", CodeIdentity: "identity too long",
}

// String returns the code's name.
func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("code %d", uint32(c))
}

// Reject is the error of a transaction that may not be applied. errors.Is
// compares rejects by code alone.
type Reject struct {
	Code   Code
	Detail string // what would help the caller, with units and heights
}

// Error names the code and the detail.
func (r *Reject) Error() string {
	if r.Detail == "" {
		return "rejected: " + r.Code.String()
	}
	return "rejected: " + r.Code.String() + ": " + r.Detail
}

// Is reports whether target is a Reject with the same code.
func (r *Reject) Is(target error) bool {
	t, ok := target.(*Reject)
	return ok && t.Code == r.Code
}

func reject(c Code, format string, args ...any) error {
	return &Reject{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of a reject, OK for nil, and false for any other
// error.
func CodeOf(err error) (Code, bool) {
	if err == nil {
		return OK, true
	}
	var r *Reject
	if errors.As(err, &r) {
		return r.Code, true
	}
	return OK, false
}

// ErrBroken marks a fault of the ledger or of the disk: a breached invariant or
// state that does not decode. The node stops; nothing is retried.
var ErrBroken = errors.New("ledger: broken")

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}
